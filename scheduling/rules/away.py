"""Visits of a provider who is away: in which order they are moved, and to which free times. Pure.

The order is ours (product default) and stands on the page: an authorization that ends within 30 days first, the
soonest before the others; then urgent referrals and visits; then a day by which the patient must be seen; then who
booked longest ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coordinator.wording import day
from scheduling.rules.local_time import local_day
from scheduling.rules.slots import Slot

SOON = timedelta(days=30)
OPTIONS = 4
NOON = 12
URGENCIES = ("stat", "urgent")


@dataclass(frozen=True)
class Touched:
    """A visit that needs another time. Days are local days of its place."""

    key: UUID
    patient_id: UUID
    practitioner_id: UUID
    start: datetime
    booked_at: datetime
    zone: str
    urgency: str = "routine"  # the more urgent one of its referral and itself
    authorization_ends: date | None = None
    must_be_by: date | None = None

    @property
    def limit(self) -> date | None:
        """The last day that still serves."""
        known = [one for one in (self.authorization_ends, self.must_be_by) if one]
        return min(known) if known else None


def order(visit: Touched, today: date) -> tuple[Any, ...]:
    """Smallest first; the key decides between equals, so that the list never jumps."""
    ends = visit.authorization_ends
    soon = ends if ends is not None and ends <= today + SOON else date.max
    urgency = URGENCIES.index(visit.urgency) if visit.urgency in URGENCIES else len(URGENCIES)
    return (soon, urgency, visit.must_be_by or date.max, visit.booked_at, visit.key)


def why(visit: Touched, now: datetime) -> Iterator[str]:
    """What makes it urgent, most urgent first; how long ago it was booked comes last."""
    today = local_day(now, visit.zone)
    if visit.authorization_ends is not None and visit.authorization_ends <= today + SOON:
        yield _("The authorization ends %(day)s.") % {"day": day(visit.authorization_ends)}
    if visit.urgency in URGENCIES:
        yield _("Urgent.")
    if visit.must_be_by:
        yield _("Must be seen by %(day)s.") % {"day": day(visit.must_be_by)}
    days = max((now - visit.booked_at).days, 0)
    yield ngettext("Booked %(n)d day ago.", "Booked %(n)d days ago.", days) % {"n": days}


@dataclass
class Taken:
    """Times that are promised on this page already, so that no time is proposed twice."""

    times: list[Slot] = field(default_factory=list)

    def has(self, slot: Slot) -> bool:
        return any(
            one.practitioner_id == slot.practitioner_id and one.start < slot.end and slot.start < one.end
            for one in self.times
        )


def options(
    visit: Touched, free: Iterable[Slot], busy: Sequence[tuple[datetime, datetime]], taken: Taken
) -> list[Slot]:
    """Up to four free times, the proposed one first: the earliest with the same provider while that still serves, else
    the earliest with anybody. The other choices are the next ones of the same and of other providers.

    `free` is in order of time; `busy` are the patient's other visits. What is proposed counts as taken.
    """
    fitting = [
        slot
        for slot in free
        if not taken.has(slot) and not any(start < slot.end and slot.start < end for start, end in busy)
    ]
    own = _apart([slot for slot in fitting if slot.practitioner_id == visit.practitioner_id], visit.zone)
    others = _apart([slot for slot in fitting if slot.practitioner_id != visit.practitioner_id], visit.zone)
    first = _first(visit, own, others)
    if first is None:
        return []
    taken.times.append(first)
    rest = [slot for slot in [*own[:2], *others[:2]] if slot != first]
    return [first, *sorted(rest, key=lambda slot: slot.start)][:OPTIONS]


def _first(visit: Touched, own: list[Slot], others: list[Slot]) -> Slot | None:
    serves = [slot for slot in (*own[:1], *others[:1]) if not is_late(visit, slot)]
    either = [*own[:1], *others[:1]]
    return next(iter(serves), None) or min(either, key=lambda slot: slot.start, default=None)


def is_late(visit: Touched, slot: Slot) -> bool:
    """Whether that day is after the authorization or after the patient must be seen."""
    return visit.limit is not None and local_day(slot.start, visit.zone) > visit.limit


def _apart(slots: Sequence[Slot], zone: str) -> list[Slot]:
    """The first time of each half day: quarter hours after each other are no choice."""
    found: list[Slot] = []
    seen: set[tuple[date, bool]] = set()
    for slot in slots:
        local = slot.start.astimezone(ZoneInfo(zone))
        half = (local.date(), local.hour < NOON)
        if half not in seen:
            seen.add(half)
            found.append(slot)
        if len(found) == OPTIONS:
            break
    return found
