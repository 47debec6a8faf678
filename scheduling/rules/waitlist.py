"""Who is asked first when a time opens. Pure.

The order is published on the page: urgent before routine, then who has waited longest. Only who fits is asked: the same
visit type and place, the wished provider, inside the wished dates, on a wished weekday and time of day. Product default;
nothing about the patient but these wishes counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

NOON = 12
NOTICE = timedelta(hours=1)  # an answer is needed so long before the visit begins; product default


@dataclass(frozen=True)
class Wish:
    """What somebody waits for. Empty limits mean that anything suits."""

    key: UUID
    patient_id: UUID
    service_id: UUID
    site_id: UUID
    since: datetime
    practitioner_id: UUID | None = None
    earliest: date | None = None
    latest: date | None = None
    weekdays: frozenset[int] = field(default_factory=frozenset)
    part: str = ""
    is_urgent: bool = False


@dataclass(frozen=True)
class Opening:
    """A time that became free; UTC, `zone` is the place's."""

    service_id: UUID
    site_id: UUID
    practitioner_id: UUID
    start: datetime
    end: datetime
    zone: str

    @property
    def local(self) -> datetime:
        return self.start.astimezone(ZoneInfo(self.zone))


def fits(wish: Wish, opening: Opening) -> bool:
    """Whether this time is what they wait for."""
    at = opening.local
    return (
        wish.service_id == opening.service_id
        and wish.site_id == opening.site_id
        and wish.practitioner_id in (None, opening.practitioner_id)
        and (wish.earliest is None or wish.earliest <= at.date())
        and (wish.latest is None or at.date() <= wish.latest)
        and (not wish.weekdays or at.weekday() in wish.weekdays)
        and (not wish.part or (wish.part == "morning") == (at.hour < NOON))
    )


def order(wish: Wish) -> tuple[Any, ...]:
    """The published order; the key decides between two of the same instant, so that it never varies."""
    return (not wish.is_urgent, wish.since, wish.key)


def ranked(wishes: Iterable[Wish], opening: Opening, without: Collection[UUID] = ()) -> list[Wish]:
    """Those who fit, first who is asked first. `without`: patients who were asked about it, or are busy then."""
    return sorted(
        (wish for wish in wishes if wish.patient_id not in without and fits(wish, opening)), key=order
    )


def answer_until(due: datetime | None, start: datetime) -> datetime:
    """Until when an answer counts: what the rule says, but an hour before the visit at the latest."""
    last = start - NOTICE
    return min(due, last) if due else last


def why(wish: Wish, opening: Opening, place: int, of: int, now: datetime) -> Iterator[str]:
    """Why this person: a sentence for each reason. `place` counts from 1 among the `of` who fit."""
    days = max((now - wish.since).days, 0)
    waited = ngettext("Waits for %(n)d day.", "Waits for %(n)d days.", days) % {"n": days}
    if wish.is_urgent:
        yield _("Urgent.")
    yield waited
    if of == 1:
        yield _("The only one whom this time suits.")
    elif place == 1 and not wish.is_urgent:
        yield _("Has waited longest of %(n)d whom this time suits.") % {"n": of}
    else:
        yield _("Number %(place)d of %(n)d whom this time suits.") % {"place": place, "n": of}
    if wish.practitioner_id:
        yield _("Asked for this provider.")
