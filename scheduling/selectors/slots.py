"""Free times for people: the finder, the month strip, and what to offer when a time is taken.

At most two queries however long the stretch; the times themselves are worked out in memory (scheduling.rules.slots).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from coordinator.accounts.models import Practitioner, Site
from patients.models import Patient
from scheduling.models import Appointment, Service
from scheduling.rules import slots
from scheduling.rules.conflicts import Away
from scheduling.rules.local_time import day_bounds, local_day
from scheduling.rules.slots import Ask, Busy, Slot, Window
from scheduling.selectors import facts
from scheduling.selectors.named import named
from scheduling.workflow import HOLDING

MORNING, AFTERNOON = "morning", "afternoon"
NOON = 12
LOOK_AHEAD = timedelta(days=28)


@dataclass(frozen=True)
class Offer:
    """A free time with whom. `note` is what a person should know about it ("" = nothing)."""

    start: datetime
    end: datetime
    practitioner: Practitioner
    patient_is_busy: bool = False

    @property
    def value(self) -> str:
        """What a form sends back: the instant and the practitioner, free of any zone."""
        return f"{self.start:%Y-%m-%dT%H:%MZ}~{self.practitioner.pk}"


@dataclass(frozen=True)
class DayOfOffers:
    day: date
    offers: list[Offer]
    is_late: bool = False  # after the day the patient must be seen by


@dataclass(frozen=True)
class Found:
    """The finder's answer: days, best first; the best offer; how many times there are in all."""

    days: list[DayOfOffers] = field(default_factory=list)
    total: int = 0
    best: Offer | None = None


@dataclass(frozen=True)
class SiteTime:
    """Everything about a site's free time from one local day to another; asking it costs no query."""

    site: Site
    windows: list[Window]
    away: list[Away]
    busy: list[Busy]
    practitioners: dict[UUID, Practitioner]

    def slots(self, ask: Ask) -> list[Slot]:
        return slots.free_slots(self.windows, self.busy, facts.closed_days(self.site), ask)

    def per_day(
        self,
        first: date,
        last: date,
        *,
        minutes: int,
        now: datetime,
        practitioner_ids: Iterable[UUID] = (),
        service_id: UUID | None = None,
    ) -> dict[date, int]:
        """How many visits of this length still fit on each day, one after another."""
        ask = Ask(first, last, self.site.zone, minutes, now, service_id, frozenset(practitioner_ids))
        return slots.free_per_day(self.windows, self.busy, facts.closed_days(self.site), ask)


def site_time(site: Site, first: date, last: date, practitioner_ids: Iterable[UUID] = ()) -> SiteTime:
    """Weekly times, blocks and booked visits of a site (two queries)."""
    hours = facts.weekly_hours(site.pk, practitioner_ids)
    start, end = day_bounds(first, site.zone)[0], day_bounds(last, site.zone)[1]
    away, busy = facts.taken(site.pk, hours.practitioners, start, end)
    busy += [Busy(block.practitioner_id, block.start, block.end) for block in away]
    return SiteTime(site, hours.windows, away, busy, hours.practitioners)


def find_slots(
    user: Any,
    service: Service,
    site: Site,
    first: date,
    last: date,
    *,
    now: datetime,
    practitioner_ids: Sequence[UUID] = (),
    times_of_day: Sequence[str] = (),
    must_be_by: date | None = None,
    patient_id: UUID | None = None,
    minutes: int | None = None,
    prefer: UUID | None = None,
    limit: int = 400,
    time: SiteTime | None = None,
) -> Found:
    """Free times for a visit, from one local day to another (both included), best first.

    Best is the earliest day on which the patient is free and that is not past `must_be_by`. `times_of_day` are
    "morning" and "afternoon"; none means any. Each time is offered once, with `prefer` (the patient's own provider) if
    free, else with clinicians in turn. Empty for a site the user does not work at. At most three queries, one
    when `time` (site_time of at least these days) is there already.
    """
    if site.pk not in user.site_ids:
        return Found()
    time = time or site_time(site, first, last, practitioner_ids)
    ask = Ask(
        first=first,
        last=last,
        zone=site.zone,
        minutes=minutes or service.minutes,
        now=now,
        service_id=service.pk,
        practitioner_ids=frozenset(practitioner_ids),
        fits=time_of_day(times_of_day, site.zone),
    )
    found = _once_each(time.slots(ask), prefer)
    busy = _patient_busy(user, patient_id, first, last, site.zone) if patient_id and found else []
    offers = [
        Offer(
            slot.start,
            slot.end,
            time.practitioners[slot.practitioner_id],
            any(start < slot.end and slot.start < end for start, end in busy),
        )
        for slot in found
    ]
    return _by_day(offers, site.zone, must_be_by, limit)


def _once_each(found: list[Slot], prefer: UUID | None) -> list[Slot]:
    """One clinician for each time: the preferred one, else the one who was offered least so far."""
    offered: Counter[UUID] = Counter()
    chosen = []
    for _start, same in groupby(found, key=lambda slot: slot.start):
        slot = min(same, key=lambda s: (s.practitioner_id != prefer, offered[s.practitioner_id]))
        offered[slot.practitioner_id] += 1
        chosen.append(slot)
    return chosen


def time_of_day(wanted: Sequence[str], zone: str) -> Any:
    """A test of an instant by the wall clock of the place."""
    tz = ZoneInfo(zone)
    if (MORNING in wanted) == (AFTERNOON in wanted):
        return lambda start: True
    return lambda start: (start.astimezone(tz).hour < NOON) == (MORNING in wanted)


def _patient_busy(
    user: Any, patient_id: UUID, first: date, last: date, zone: str
) -> list[tuple[datetime, datetime]]:
    """When the patient has a visit, at any site; nothing of a patient whom this person may not see."""
    start, end = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    patient = Patient.objects.visible_to(user).filter(pk=patient_id)
    found = Appointment.objects.filter(
        patient__in=patient, status__in=HOLDING, time_known=True, start__lt=end, end__gt=start
    )
    return list(found.values_list("start", "end"))


def _by_day(offers: list[Offer], zone: str, must_be_by: date | None, limit: int) -> Found:
    days: dict[date, list[Offer]] = {}
    for offer in offers:
        days.setdefault(local_day(offer.start, zone), []).append(offer)
    ranked = sorted(
        (
            DayOfOffers(day, found, is_late=must_be_by is not None and day > must_be_by)
            for day, found in days.items()
        ),
        key=lambda entry: (entry.is_late, all(o.patient_is_busy for o in entry.offers), entry.day),
    )
    shown, left = [], limit
    for entry in ranked:
        if left <= 0:
            break
        shown.append(DayOfOffers(entry.day, entry.offers[:left], entry.is_late))
        left -= len(entry.offers)
    best = next((o for entry in ranked for o in entry.offers if not o.patient_is_busy), None)
    return Found(shown, len(offers), best)


@dataclass(frozen=True)
class Loosened:
    """What would help when nothing is free: how many times there are with one limit less."""

    any_clinician: int = 0
    any_time_of_day: int = 0
    later: list[Offer] = field(default_factory=list)  # the nearest two outside the limits
    elsewhere: list[tuple[Site, int]] = field(default_factory=list)


def loosen(
    user: Any,
    service: Service,
    site: Site,
    first: date,
    last: date,
    *,
    now: datetime,
    practitioner_ids: Sequence[UUID] = (),
    times_of_day: Sequence[str] = (),
    other_sites: Sequence[Site] = (),
) -> Loosened:
    """Asked only when nothing was found: two queries for this site and two for each other one."""
    until = max(last, local_day(now, site.zone)) + LOOK_AHEAD
    time = site_time(site, first, until)

    def ask(to: date, who: Sequence[UUID], parts: Sequence[str], zone: str = site.zone) -> Ask:
        fits = time_of_day(parts, zone)
        return Ask(first, to, zone, service.minutes, now, service.pk, frozenset(who), fits)

    later = _once_each(time.slots(ask(until, practitioner_ids, ())) or time.slots(ask(until, (), ())), None)
    elsewhere = [
        (other, len(site_time(other, first, last).slots(ask(last, (), times_of_day, other.zone))))
        for other in other_sites
        if other.pk != site.pk
    ]
    return Loosened(
        any_clinician=len(time.slots(ask(last, (), times_of_day))) if practitioner_ids else 0,
        any_time_of_day=len(time.slots(ask(last, practitioner_ids, ()))) if times_of_day else 0,
        later=[Offer(s.start, s.end, time.practitioners[s.practitioner_id]) for s in later[:2]],
        elsewhere=[(other, count) for other, count in elsewhere if count],
    )


def next_free(
    *,
    site_id: UUID,
    service_id: UUID,
    after: datetime,
    now: datetime,
    practitioner_id: UUID | None = None,
    minutes: int | None = None,
    n: int = 5,
    site: Site | None = None,
    service: Service | None = None,
) -> list[dict[str, Any]]:
    """The next free times from `after` on, as plain data for a refusal: start, end (UTC), practitioner_id, practitioner.

    With a practitioner only theirs. Empty when the site or the service is not there; looks four weeks ahead. `site`
    and `service` save their queries when they are at hand.
    """
    if site is None or service is None:
        asked = named(service_id=service_id, site_id=site_id)
        site, service = asked.site, asked.service
    if site is None or service is None or service.is_outside:
        return []
    first = local_day(max(after, now), site.zone)
    time = site_time(site, first, first + LOOK_AHEAD, [practitioner_id] if practitioner_id else [])
    found: list[Slot] = []
    day = first
    while len(found) < n and day <= first + LOOK_AHEAD:
        ask = Ask(day, day, site.zone, minutes or service.minutes, now, service.pk)
        found += [slot for slot in time.slots(ask) if slot.start >= after]
        day += timedelta(days=1)
    return [
        {
            "start": slot.start,
            "end": slot.end,
            "practitioner_id": slot.practitioner_id,
            "practitioner": str(time.practitioners[slot.practitioner_id]),
        }
        for slot in _spread(found, n)
    ]


def _spread(found: list[Slot], n: int) -> list[Slot]:
    """One practitioner for each start, in turn: five times to choose from, not five people at one time."""
    seen: Counter[datetime] = Counter()
    first_of_each = []
    for slot in found:
        seen[slot.start] += 1
        if seen[slot.start] == 1:
            first_of_each.append(slot)
    return (first_of_each if len(first_of_each) >= n else found)[:n]
