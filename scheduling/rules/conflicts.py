"""What stands against a visit at a time. Pure: facts in, findings with sentences out.

Levels: BLOCK cannot be booked. OVERRIDE needs a reason from somebody who may override. ASK needs an answer, which
is kept with the visit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.wording import clock_time, week_day
from scheduling.rules import slots
from scheduling.rules.local_time import day_bounds, local_day

TRAVEL = timedelta(minutes=30)  # product default between two places
SAME_SERVICE_DAYS = 7  # product default


class Level(IntEnum):
    ASK = 1
    OVERRIDE = 2
    BLOCK = 3


@dataclass(frozen=True)
class Found:
    """One finding. `kind` is for programs, `text` is a sentence that can be shown."""

    kind: str
    level: Level
    text: str
    since: datetime | None = None  # when what is in the way was booked
    offers: tuple[str, ...] = ()  # what could be done about an authorization (scheduling.rules.units)
    about: UUID | None = None  # the visit that may be the same
    authorization: UUID | None = None  # whose continuation is offered, when the visit names none
    until: date | None = None  # the last day that is covered, when the visit is later


@dataclass(frozen=True)
class Wish:
    """The visit that is asked for. `place` tells two sites, or a site and somewhere outside, apart."""

    patient_id: UUID
    practitioner_id: UUID | None
    room_id: UUID | None
    service_id: UUID
    start: datetime
    end: datetime
    zone: str
    place: str
    is_outside: bool = False
    must_be_by: date | None = None
    moved_from: datetime | None = None  # when a booked visit that moves is now


@dataclass(frozen=True)
class Visit:
    """A visit that is booked already and may be in the way."""

    patient_id: UUID
    practitioner_id: UUID | None
    room_id: UUID | None
    service_id: UUID
    start: datetime
    end: datetime
    place: str
    practitioner: str = ""
    room: str = ""
    service: str = ""
    time_known: bool = True
    booked_at: datetime | None = None
    pk: UUID | None = None

    def overlaps(self, wish: Wish) -> bool:
        return self.time_known and self.start < wish.end and wish.start < self.end


@dataclass(frozen=True)
class Away:
    """A block: a practitioner's leave, or (without a practitioner) the whole site."""

    practitioner_id: UUID | None
    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True)
class Openness:
    """When the place is open: the closed day's name or "", the windows, the blocks, and the site's hours."""

    closed_because: str | None
    windows: list[slots.Window]
    blocks: list[Away]
    open_hour: int
    close_hour: int


def findings(wish: Wish, visits: Iterable[Visit], openness: Openness) -> list[Found]:
    """Everything against this time, the worst first. Texts use the site's own clock."""
    with timezone.override(ZoneInfo(wish.zone)):
        found = [*_about_visits(wish, list(visits)), *_about_the_day(wish, openness), *_about_dates(wish)]
    return sorted(found, key=lambda one: -one.level)


def _about_visits(wish: Wish, visits: list[Visit]) -> Iterator[Found]:
    for visit in visits:
        if visit.overlaps(wish):
            yield from _overlap(wish, visit)
        elif visit.patient_id == wish.patient_id:
            yield from _near(wish, visit)
    same = [v for v in visits if v.patient_id == wish.patient_id and _same_need(wish, v)]
    if same:
        words = {"service": same[0].service, "day": week_day(same[0].start)}
        yield Found(
            "same_service",
            Level.ASK,
            _("The patient already has a visit for %(service)s on %(day)s. Is this one needed as well?")
            % words,
            about=same[0].pk,
        )


def _overlap(wish: Wish, visit: Visit) -> Iterator[Found]:
    times = {"from": clock_time(visit.start), "to": clock_time(visit.end)}
    if wish.practitioner_id and visit.practitioner_id == wish.practitioner_id:
        text = _("%(who)s has another visit from %(from)s to %(to)s.")
        words = {**times, "who": visit.practitioner}
        yield Found("practitioner_busy", Level.BLOCK, text % words, visit.booked_at)
    if wish.room_id and visit.room_id == wish.room_id:
        text = _("%(room)s is taken from %(from)s to %(to)s.")
        yield Found("room_busy", Level.BLOCK, text % {**times, "room": visit.room}, visit.booked_at)
    if visit.patient_id == wish.patient_id:
        text = _("The patient has another visit (%(service)s) from %(from)s to %(to)s.")
        yield Found("patient_overlap", Level.OVERRIDE, text % {**times, "service": visit.service})


def _near(wish: Wish, visit: Visit) -> Iterator[Found]:
    gap = max(wish.start - visit.end, visit.start - wish.end)
    if visit.time_known and visit.place != wish.place and gap < TRAVEL:
        text = _("Only %(minutes)d minutes to get from one place to the other (%(service)s at %(time)s).")
        words = {
            "minutes": gap.total_seconds() // 60,
            "service": visit.service,
            "time": clock_time(visit.start),
        }
        yield Found("travel_time", Level.ASK, text % words)


def _same_need(wish: Wish, visit: Visit) -> bool:
    """Two visits of one service within days of each other; of one that moves, only when it was not so before."""
    if visit.service_id != wish.service_id or not _within_days(wish.start, visit, wish.zone):
        return False
    return wish.moved_from is None or not _within_days(wish.moved_from, visit, wish.zone)


def _within_days(start: datetime, visit: Visit, zone: str) -> bool:
    return abs((local_day(visit.start, zone) - local_day(start, zone)).days) <= SAME_SERVICE_DAYS


def _about_the_day(wish: Wish, openness: Openness) -> Iterator[Found]:
    if wish.is_outside:
        return
    if openness.closed_because is not None:
        name = f" ({openness.closed_because})" if openness.closed_because else ""
        text = _("The clinic is closed on %(day)s%(name)s.") % {"day": week_day(wish.start), "name": name}
        yield Found("closed_day", Level.BLOCK, text)
    for block in openness.blocks:
        if not (block.start < wish.end and wish.start < block.end):
            continue
        if block.practitioner_id is None:
            text = _("The clinic takes no visits then: %(reason)s.")
            yield Found("site_block", Level.BLOCK, text % {"reason": block.reason})
        elif block.practitioner_id == wish.practitioner_id:
            text = _("The provider is away then: %(reason)s.")
            yield Found("practitioner_away", Level.BLOCK, text % {"reason": block.reason})
    if openness.closed_because is None and not _in_hours(wish, openness):
        text = (
            _("This is outside the hours in which the provider takes such visits.")
            if wish.practitioner_id
            else _("This is outside the clinic's opening hours.")
        )
        yield Found("outside_availability", Level.OVERRIDE, text)


def _in_hours(wish: Wish, openness: Openness) -> bool:
    if wish.practitioner_id:
        return slots.covers(
            openness.windows,
            wish.practitioner_id,
            wish.start,
            wish.end,
            zone=wish.zone,
            service_id=wish.service_id,
        )
    tz = ZoneInfo(wish.zone)
    opens, closes = wish.start.astimezone(tz), wish.end.astimezone(tz)
    until = time(openness.close_hour) if openness.close_hour < 24 else time.max
    return (
        opens.date() == closes.date() and opens.time() >= time(openness.open_hour) and closes.time() <= until
    )


def _about_dates(wish: Wish) -> Iterator[Found]:
    on = local_day(wish.start, wish.zone)
    if wish.must_be_by and on > wish.must_be_by:
        text = _("The patient must be seen by %(day)s. This is later.") % {"day": week_day(wish.must_be_by)}
        yield Found("after_must_be_by", Level.ASK, text)


def reach(wish: Wish) -> tuple[datetime, datetime]:
    """The stretch of time in which another visit of the patient could matter: a week either way."""
    on = local_day(wish.start, wish.zone)
    first, _end = day_bounds(on - timedelta(days=SAME_SERVICE_DAYS), wish.zone)
    _start, last = day_bounds(on + timedelta(days=SAME_SERVICE_DAYS), wish.zone)
    return first, last
