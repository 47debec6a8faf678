"""The calendar's columns: a day each in the week view, a clinician each in the day view. The same few queries for
one visit and for hundreds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site
from scheduling.models import Appointment
from scheduling.rules import grid
from scheduling.rules.local_time import day_bounds, local_day
from scheduling.selectors import facts
from scheduling.selectors.choices import people_at
from scheduling.selectors.items import (
    NOBODY,
    STRIPES,
    Calendar,
    Item,
    block_items,
    more_items,
    open_items,
    short_practitioner,
    visit_items,
)
from scheduling.selectors.slots import Offer, SiteTime
from scheduling.workflow import Status

MOST_DRAWN = 600  # visits; beyond that the list is the better view
SHOWN_AT_FIRST = 3  # calendars of the week view when nobody chose
FEW = 4  # so many are all shown
COLUMNS = 12  # clinicians of a day view


@dataclass(frozen=True)
class Filters:
    """What is shown. Practitioners: none chosen means the first few; NOBODY is a choice too."""

    site: Site
    calendars: tuple[str, ...] = ()
    service_id: UUID | None = None
    status: str = ""

    def narrow(self, found: Any) -> Any:
        if self.service_id:
            found = found.filter(service=self.service_id)
        if self.status == "to_mark":
            found = found.filter(status=Status.BOOKED)
        elif self.status:
            found = found.filter(status=self.status)
        else:
            found = found.exclude(status=Status.RESCHEDULED)
        return found


@dataclass(frozen=True)
class Column:
    """A day, or a clinician's day."""

    key: str
    day: date
    items: list[Item]
    in_order: list[Item] = field(default_factory=list)  # all of them by time, for the list on phones
    open_count: int = 0
    untimed: int = 0  # visits of which only the day is known
    is_today: bool = False
    is_past: bool = False
    closed: str | None = None  # a closed day's name, "" for a weekend, None when open
    now_row: int | None = None
    label: str = ""


@dataclass(frozen=True)
class Drawn:
    """The whole calendar."""

    columns: list[Column]
    calendars: list[Calendar]
    first_hour: int
    last_hour: int
    left_out: int = 0

    @property
    def rows(self) -> int:
        return (self.last_hour - self.first_hour) * grid.QUARTERS

    @cached_property
    def hours(self) -> list[int]:
        return list(range(self.first_hour, self.last_hour))

    @property
    def is_past(self) -> bool:
        return all(column.is_past for column in self.columns)

    @property
    def legend(self) -> list[Calendar]:
        return [calendar for calendar in self.calendars if calendar.shown]


def calendars_of(user: Any, filters: Filters, *, all_at_first: bool = False) -> list[Calendar]:
    """The calendars of a site (one query): who can be booked there, then visits without a practitioner."""
    if filters.site.pk not in user.site_ids:
        return []
    people = people_at([filters.site.pk])
    found = [(str(person.pk), short_practitioner(person)) for person in people]
    chosen = set(filters.calendars) & ({key for key, _label in found} | {NOBODY})
    few = all_at_first or len(found) <= FEW
    return [
        *(
            Calendar(
                key,
                label,
                f"k{n % STRIPES + 1}",
                key in chosen if chosen else few or n < SHOWN_AT_FIRST,
            )
            for n, (key, label) in enumerate(found)
        ),
        Calendar(NOBODY, _("No provider named"), "k-none", NOBODY in chosen if chosen else True),
    ]


def week_view(
    user: Any,
    filters: Filters,
    days: Sequence[date],
    time: SiteTime,
    *,
    now: datetime,
    minutes: int,
    offers: Iterable[Offer] = (),
    chosen: str = "",
) -> Drawn:
    """A column for each of these days. Two queries beside those of `time` (site_time of at least these days)."""
    calendars = calendars_of(user, filters)
    visits, left_out = _visits(user, filters, calendars, days[0], days[-1])
    free = time.per_day(
        days[0], days[-1], minutes=minutes, now=now, practitioner_ids=_people(calendars), service_id=None
    )
    sorter = {
        day: [
            *visit_items((v for v in visits if v.time_known and _on(v, filters.site) == day), calendars),
            *block_items(time.away, day, calendars, filters.site.zone),
            *open_items((o for o in offers if local_day(o.start, filters.site.zone) == day), chosen),
        ]
        for day in days
    }
    columns = [
        Column(
            key=day.isoformat(),
            day=day,
            items=sorter[day],
            open_count=free.get(day, 0),
            untimed=sum(1 for v in visits if not v.time_known and _on(v, filters.site) == day),
        )
        for day in days
    ]
    return _draw(columns, calendars, filters.site, now, left_out)


def day_view(
    user: Any,
    filters: Filters,
    day: date,
    time: SiteTime,
    *,
    now: datetime,
    minutes: int,
    offers: Iterable[Offer] = (),
    chosen: str = "",
) -> Drawn:
    """A column for each clinician who is shown; visits without one have a column when there are any."""
    calendars = calendars_of(user, filters, all_at_first=True)
    visits, left_out = _visits(user, filters, calendars, day, day)
    shown = [calendar for calendar in calendars if calendar.shown and calendar.key != NOBODY]
    by_key: dict[str, list[Appointment]] = defaultdict(list)
    for visit in visits:
        by_key[str(visit.practitioner_id) if visit.practitioner_id else NOBODY].append(visit)
    if by_key[NOBODY]:
        shown.append(calendars[-1])
    offers = list(offers)
    columns = []
    for calendar in shown[:COLUMNS]:
        own = by_key[calendar.key]
        people = [UUID(calendar.key)] if calendar.key != NOBODY else []
        free = (
            time.per_day(day, day, minutes=minutes, now=now, practitioner_ids=people, service_id=None)
            if people
            else {}
        )
        columns.append(
            Column(
                key=calendar.key,
                day=day,
                label=calendar.label,
                items=[
                    *visit_items((v for v in own if v.time_known), calendars),
                    *block_items(time.away, day, [calendar], filters.site.zone),
                    *open_items(
                        (
                            o
                            for o in offers
                            if str(o.practitioner.pk) == calendar.key
                            and local_day(o.start, filters.site.zone) == day
                        ),
                        chosen,
                    ),
                ],
                open_count=free.get(day, 0),
                untimed=sum(1 for v in own if not v.time_known),
            )
        )
    return _draw(columns, calendars, filters.site, now, left_out + max(len(shown) - COLUMNS, 0))


def visits_between(user: Any, filters: Filters, first: date, last: date) -> Any:
    """Visits of local days from `first` to `last` that the filters let through, unordered."""
    start, end = day_bounds(first, filters.site.zone)[0], day_bounds(last, filters.site.zone)[1]
    found = Appointment.objects.visible_to(user).filter(site=filters.site).between(start, end)
    return filters.narrow(found)


def _visits(
    user: Any, filters: Filters, calendars: list[Calendar], first: date, last: date
) -> tuple[list[Appointment], int]:
    found = visits_between(user, filters, first, last)
    hidden = [UUID(c.key) for c in calendars if not c.shown and c.key != NOBODY]
    if hidden:
        found = found.exclude(practitioner__in=hidden)
    if filters.calendars and NOBODY not in filters.calendars:
        found = found.exclude(practitioner=None)
    rows = list(found.select_related("patient", "service").order_by("start", "id")[: MOST_DRAWN + 1])
    return rows[:MOST_DRAWN], max(len(rows) - MOST_DRAWN, 0)


def _people(calendars: list[Calendar]) -> list[UUID]:
    return [UUID(c.key) for c in calendars if c.shown and c.key != NOBODY]


def _on(visit: Appointment, site: Site) -> date:
    return local_day(visit.start, site.zone)


def _draw(
    columns: list[Column], calendars: list[Calendar], site: Site, now: datetime, left_out: int
) -> Drawn:
    spans = [(item.start, item.end) for column in columns for item in column.items if item.kind != "block"]
    first, last = grid.hours_shown(spans, site.zone)
    today = local_day(now, site.zone)
    closed = facts.closed_because(site)
    drawn = [
        replace(
            column,
            items=_placed(column, site, first, last),
            in_order=sorted(column.items, key=lambda item: (item.start, item.end)),
            is_today=column.day == today,
            is_past=column.day < today,
            closed=closed(column.day),
            now_row=grid.now_row(now, column.day, site.zone, first, last),
        )
        for column in columns
    ]
    return Drawn(drawn, calendars, first, last, left_out)


def _placed(column: Column, site: Site, first: int, last: int) -> list[Item]:
    items = sorted(column.items, key=lambda item: (item.start, item.end))
    places = grid.place([(i.start, i.end) for i in items], column.day, site.zone, first, last)
    kept, crowded = [], []
    for item, place in zip(items, places, strict=True):
        if place.lanes <= grid.MOST_LANES:
            kept.append(replace(item, place=place))
        elif place.lane < grid.MOST_LANES:
            kept.append(replace(item, place=replace(place, lanes=grid.MOST_LANES)))
        else:
            crowded.append((item, place))
    return [*kept, *more_items(crowded)]


def weekdays(day: date) -> list[date]:
    """Monday to Friday of the week that holds this day; Saturday and Sunday belong to the week before."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=n) for n in range(5)]
