"""What the pure rules need to know, fetched in one query each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from coordinator.accounts.models import Practitioner, Site
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import columns, records
from scheduling.rules.conflicts import Away, Openness, Visit, Wish, reach
from scheduling.rules.local_time import day_bounds, local_day
from scheduling.rules.slots import Busy, Window
from scheduling.workflow import HOLDING

LONGEST = timedelta(minutes=600)  # of a visit; lets the index on start answer "what is going on at ..."


def closed_days(site: Site) -> Callable[[date], bool]:
    """Whether the site is closed on a day. The calendar is kept in memory per version."""
    calendar = as_calendar(calendar_for(site))
    return lambda day: not calendar.is_open(day)


def closed_because(site: Site) -> Callable[[date], str | None]:
    """Why the site is closed on a day: a holiday's name, "" for a weekend, None when it is open."""
    calendar = as_calendar(calendar_for(site))

    def why(day: date) -> str | None:
        closed = calendar.closed_because(day)
        return None if closed is None else closed[1]

    return why


WINDOWS = f"""
select h.practitioner_id, h.weekday, h.starts, h.ends, h.valid_from, h.valid_to,
       array(select s.service_id from scheduling_availability_services s where s.availability_id = h.id),
       {columns(Practitioner, "w")}
  from scheduling_availability h
  join accounts_practitioner w on w.id = h.practitioner_id and w.is_active and w.is_bookable
 where h.site_id = %(site)s
   and (h.practitioner_id = any(%(who)s::uuid[]) or %(who)s::uuid[] = '{{}}')
   and (%(weekday)s is null or h.weekday = %(weekday)s)
 order by w.family_name, w.given_name, h.starts
"""  # noqa: S608


@dataclass(frozen=True)
class Hours:
    """Weekly times at a site, by family name of their practitioners, who come along."""

    windows: list[Window]
    practitioners: dict[UUID, Practitioner]


def weekly_hours(site_id: UUID, practitioner_ids: Iterable[UUID] = (), weekday: int | None = None) -> Hours:
    """Of these practitioners, or of all who can be booked (one query)."""
    with connection.cursor() as cursor:
        cursor.execute(WINDOWS, {"site": site_id, "who": list(practitioner_ids), "weekday": weekday})
        rows = cursor.fetchall()
    practitioners: dict[UUID, Practitioner] = {}
    for row in rows:
        if row[0] not in practitioners:
            practitioners[row[0]] = records(row[7:], Practitioner)[0]
    return Hours([Window(*[*row[:6], frozenset(row[6])]) for row in rows], practitioners)


TAKEN = """
select practitioner_id, starts_at, ends_at, reason, true
  from scheduling_block
 where (site_id = %(site)s and practitioner_id is null or practitioner_id = any(%(who)s::uuid[]))
   and starts_at < %(end)s and ends_at > %(start)s
 union all
select practitioner_id, start, "end", '', false
  from scheduling_appointment
 where practitioner_id = any(%(who)s::uuid[]) and status = any(%(holding)s) and time_known and not overlap_allowed
   and start < %(end)s and start > %(longest_before)s and "end" > %(start)s
 order by 2
"""


def taken(
    site_id: UUID, practitioner_ids: Iterable[UUID], start: datetime, end: datetime
) -> tuple[list[Away], list[Busy]]:
    """Blocks of the site and of these practitioners, and when they have visits, at any site (one query)."""
    params: dict[str, Any] = {
        "site": site_id,
        "who": list(practitioner_ids),
        "start": start,
        "end": end,
        "longest_before": start - LONGEST,
        "holding": [str(status) for status in HOLDING],
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, params)
        rows = cursor.fetchall()
    return [Away(*row[:4]) for row in rows if row[4]], [Busy(*row[:3]) for row in rows if not row[4]]


def place_of(site_id: Any, is_outside: bool, place: str) -> str:
    """The same text for the same place; two visits there need no time to travel."""
    return f"outside:{place.strip().casefold()}" if is_outside else str(site_id)


IN_THE_WAY = """
select a.patient_id, a.practitioner_id, a.room_id, a.service_id, a.start, a."end", a.time_known, a.booked_at,
       a.site_id, a.is_outside, a.place, w.given_name, w.family_name, w.credentials, r.name, s.name, a.id, false
  from scheduling_appointment a
  join scheduling_service s on s.id = a.service_id
  left join accounts_practitioner w on w.id = a.practitioner_id
  left join scheduling_room r on r.id = a.room_id
 where a.status = any(%(holding)s) and not a.overlap_allowed and a.id is distinct from %(without)s
   and (a.patient_id = %(patient)s and a.start >= %(first)s and a.start < %(last)s
        or (a.practitioner_id = %(practitioner)s or a.room_id = %(room)s)
           and a.start < %(end)s and a.start > %(longest_before)s and a."end" > %(start)s)
 union all
select null, practitioner_id, null, null, starts_at, ends_at, null, null, null, null, reason, null, null, null, null, null, null, true
  from scheduling_block
 where (site_id = %(site)s and practitioner_id is null or practitioner_id = %(practitioner)s)
   and starts_at < %(day_end)s and ends_at > %(day_start)s
 order by 5
"""


def in_the_way(wish: Wish, site_id: UUID, without: UUID | None = None) -> tuple[list[Visit], list[Away]]:
    """Visits that overlap the wish and the patient's own within a week; blocks on its day (one query)."""
    first, last = reach(wish)
    day_start, day_end = day_bounds(local_day(wish.start, wish.zone), wish.zone)
    params: dict[str, Any] = {
        "holding": [str(status) for status in HOLDING],
        "without": without,
        "patient": wish.patient_id,
        "practitioner": wish.practitioner_id,
        "room": wish.room_id,
        "site": site_id,
        "first": first,
        "last": last,
        "start": wish.start,
        "end": wish.end,
        "longest_before": wish.start - LONGEST,
        "day_start": day_start,
        "day_end": day_end,
    }
    with connection.cursor() as cursor:
        cursor.execute(IN_THE_WAY, params)
        rows = cursor.fetchall()
    blocks = [Away(row[1], row[4], row[5], row[10]) for row in rows if row[-1]]
    return [_visit(*row[:-1]) for row in rows if not row[-1]], blocks


def _visit(
    patient_id: UUID, practitioner_id: UUID | None, room_id: UUID | None, service_id: UUID, start: datetime,
    end: datetime, time_known: bool, booked_at: datetime, site_id: UUID, is_outside: bool, place: str,
    given_name: str | None, family_name: str | None, credentials: str | None, room: str | None, service: str,
    pk: UUID,
) -> Visit:  # fmt: skip
    who = Practitioner(
        given_name=given_name or "", family_name=family_name or "", credentials=credentials or ""
    )
    return Visit(
        patient_id=patient_id,
        practitioner_id=practitioner_id,
        room_id=room_id,
        service_id=service_id,
        start=start,
        end=end,
        place=place_of(site_id, is_outside, place),
        practitioner=str(who) if practitioner_id else "",
        room=room or "",
        service=service,
        time_known=time_known,
        booked_at=booked_at,
        pk=pk,
    )


def openness(wish: Wish, site: Site, blocks: list[Away]) -> Openness:
    """Whether the site and the practitioner take visits then (one query at most)."""
    on = local_day(wish.start, wish.zone)
    calendar = as_calendar(calendar_for(site))
    closed = calendar.closed_because(on)
    if wish.is_outside:
        return Openness(None, [], [], site.open_hour, site.close_hour)
    who = [wish.practitioner_id] if wish.practitioner_id else []
    return Openness(
        closed_because=None if closed is None else closed[1],
        windows=weekly_hours(site.pk, who, on.weekday()).windows if who else [],
        blocks=blocks,
        open_hour=site.open_hour,
        close_hour=site.close_hour,
    )


def practitioners_by_id(practitioner_ids: Iterable[UUID]) -> dict[UUID, Practitioner]:
    return Practitioner.objects.in_bulk(list(practitioner_ids))
