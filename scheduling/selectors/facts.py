"""What the pure rules need to know, fetched in one query each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q

from coordinator.accounts.models import Practitioner, Site
from coordinator.clocks.selectors import as_calendar, calendar_for
from scheduling.models import Appointment, Availability, Block
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


def windows(site_id: UUID, practitioner_ids: Iterable[UUID] = (), weekday: int | None = None) -> list[Window]:
    """Weekly times at a site, of bookable practitioners (one query), by family name."""
    found = Availability.objects.filter(
        site_id=site_id, practitioner__is_active=True, practitioner__is_bookable=True
    )
    if practitioner_ids:
        found = found.filter(practitioner__in=practitioner_ids)
    if weekday is not None:
        found = found.filter(weekday=weekday)
    rows = found.annotate(only=ArrayAgg("services", filter=Q(services__isnull=False), default=[]))
    return [
        Window(
            row.practitioner_id,
            row.weekday,
            row.starts,
            row.ends,
            row.valid_from,
            row.valid_to,
            frozenset(row.only),
        )
        for row in rows.order_by("practitioner__family_name", "practitioner__given_name", "starts")
    ]


def blocks(
    site_id: UUID, start: datetime, end: datetime, practitioner_ids: Iterable[UUID] = ()
) -> list[Away]:
    """Blocks of the site, and of practitioners wherever their leave was written down (one query)."""
    whose = Q(site_id=site_id) | Q(practitioner__in=practitioner_ids)
    found = Block.objects.filter(whose, starts_at__lt=end, ends_at__gt=start).order_by("starts_at")
    return [
        Away(who, starts, ends, reason)
        for who, starts, ends, reason in found.values_list(
            "practitioner_id", "starts_at", "ends_at", "reason"
        )
    ]


def booked(practitioner_ids: Iterable[UUID], start: datetime, end: datetime) -> list[Busy]:
    """When these practitioners are taken, at any site (one query)."""
    found = Appointment.objects.holding().filter(
        practitioner__in=practitioner_ids,
        time_known=True,
        overlap_allowed=False,
        start__lt=end,
        start__gt=start - LONGEST,
        end__gt=start,
    )
    return [Busy(*row) for row in found.values_list("practitioner_id", "start", "end")]


def place_of(site_id: Any, is_outside: bool, place: str) -> str:
    """The same text for the same place; two visits there need no time to travel."""
    return f"outside:{place.strip().casefold()}" if is_outside else str(site_id)


def visits_near(wish: Wish, without: UUID | None = None) -> list[Visit]:
    """Visits that overlap the wish, and the patient's own within a week (one query)."""
    first, last = reach(wish)
    overlapping = Q(start__lt=wish.end, start__gt=wish.start - LONGEST, end__gt=wish.start)
    who = Q(practitioner_id=wish.practitioner_id) if wish.practitioner_id else Q(pk__in=[])
    if wish.room_id:
        who |= Q(room_id=wish.room_id)
    found = (
        Appointment.objects.filter(
            Q(patient_id=wish.patient_id, start__gte=first, start__lt=last) | (who & overlapping),
            status__in=HOLDING,
            overlap_allowed=False,
        )
        .select_related("practitioner", "room", "service")
        .only(
            "patient", "site", "start", "end", "time_known", "status", "is_outside", "place", "booked_at",
            "practitioner__given_name", "practitioner__family_name", "practitioner__credentials",
            "room__name", "service__name",
        )
    )  # fmt: skip
    if without:
        found = found.exclude(pk=without)
    return [
        Visit(
            patient_id=row.patient_id,
            practitioner_id=row.practitioner_id,
            room_id=row.room_id,
            service_id=row.service_id,
            start=row.start,
            end=row.end,
            place=place_of(row.site_id, row.is_outside, row.place),
            practitioner=str(row.practitioner or ""),
            room=str(row.room or ""),
            service=str(row.service),
            time_known=row.time_known,
            booked_at=row.booked_at,
        )
        for row in found
    ]


def openness(wish: Wish, site: Site) -> Openness:
    """Whether the site and the practitioner take visits then (two queries at most)."""
    on = local_day(wish.start, wish.zone)
    calendar = as_calendar(calendar_for(site))
    closed = calendar.closed_because(on)
    if wish.is_outside:
        return Openness(None, [], [], site.open_hour, site.close_hour)
    who = [wish.practitioner_id] if wish.practitioner_id else []
    start, end = day_bounds(on, wish.zone)
    return Openness(
        closed_because=None if closed is None else closed[1],
        windows=windows(site.pk, who, on.weekday()) if who else [],
        blocks=blocks(site.pk, start, end, who),
        open_hour=site.open_hour,
        close_hour=site.close_hour,
    )


def practitioners_by_id(practitioner_ids: Iterable[UUID]) -> dict[UUID, Practitioner]:
    return Practitioner.objects.in_bulk(list(practitioner_ids))
