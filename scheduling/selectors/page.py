"""Everything the schedule's page shows, put together so that it costs the same few queries for any clinic."""

from __future__ import annotations

import calendar as months
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from coordinator.accounts.models import Site
from coordinator.clocks.rules import book_by, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.wording import language_name
from scheduling.models import Service
from scheduling.rules.remarks import about_day
from scheduling.selectors import slots
from scheduling.selectors.slots import DayOfOffers, Found, Loosened, Offer, SiteTime

DEFAULT_MINUTES = 30
SHOWN_OF_A_DAY = 6
SHOWN_DAYS = 10
MONDAY_TO_FRIDAY = range(5)


@dataclass(frozen=True)
class Search:
    """What the finder looks for, once its form is valid."""

    service: Service
    first: date
    last: date
    practitioner_ids: tuple[UUID, ...] = ()
    times_of_day: tuple[str, ...] = ()
    must_be_by: date | None = None
    patient_id: UUID | None = None
    minutes: int | None = None
    prefer: UUID | None = None


@dataclass(frozen=True)
class FoundDay:
    """A day of the finder with its remark; the first few times, and the rest behind "more"."""

    day: date
    remark: str
    is_late: bool
    first: list[Offer]
    more: int = 0  # how many others there are; a search of that day alone shows them


@dataclass(frozen=True)
class Answer:
    """The finder's answer as the page shows it."""

    days: list[FoundDay] = field(default_factory=list)
    total: int = 0
    best: Offer | None = None
    offers: list[Offer] = field(default_factory=list)
    loosened: Loosened | None = None

    def on_grid(self) -> list[Offer]:
        """What the calendar draws: the first few times of each day, as in the finder."""
        return [offer for entry in self.days for offer in entry.first]

    def choice(self, wanted: str = "") -> str:
        """The value that is chosen at first: what the address names if it is free, else the best."""
        if any(offer.value == wanted for offer in self.offers):
            return wanted
        return self.best.value if self.best else ""


@dataclass(frozen=True)
class MonthDay:
    day: date
    free: int
    in_month: bool
    is_today: bool
    is_shown: bool


def shown_days(day: date, site: Site) -> list[date]:
    """The week's columns: Monday to Friday, and a weekend day on which this site is open."""
    monday = day - timedelta(days=day.weekday())
    closed = calendar_for(site).closed_weekdays
    return [monday + timedelta(days=n) for n in range(7) if n in MONDAY_TO_FRIDAY or n not in closed]


def week_days(day: date) -> list[date]:
    """Monday to Sunday."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=n) for n in range(7)]


def time_for(site: Site, days: Sequence[date], search: Search | None) -> SiteTime:
    """Free time for everything on the page at once: the days shown, their month, and the finder's stretch."""
    edges = [*month_bounds(days[0]), days[0], days[-1]]
    if search:
        # The page may turn to the week and the month of the best time.
        edges += [month_bounds(search.first)[0], month_bounds(search.last)[1]]
    return slots.site_time(site, min(edges), max(edges))


def answer(
    user: Any,
    site: Site,
    search: Search,
    time: SiteTime,
    *,
    now: datetime,
    today: date,
    sites: Sequence[Site],
) -> Answer:
    """Free times for the finder; when there are none, what would help."""
    found = slots.find_slots(
        user,
        search.service,
        site,
        search.first,
        search.last,
        now=now,
        practitioner_ids=search.practitioner_ids,
        times_of_day=search.times_of_day,
        must_be_by=search.must_be_by,
        patient_id=search.patient_id,
        minutes=search.minutes,
        prefer=search.prefer,
        time=time,
    )
    loosened = None
    if not found.total and not search.service.is_outside:
        loosened = slots.loosen(
            user,
            search.service,
            site,
            search.first,
            search.last,
            now=now,
            practitioner_ids=search.practitioner_ids,
            times_of_day=search.times_of_day,
            other_sites=sites,
        )
    return Answer(
        days=[_shown(entry, today, search) for entry in found.days[:SHOWN_DAYS]],
        total=found.total,
        best=found.best,
        offers=_offers(found),
        loosened=loosened,
    )


def _offers(found: Found) -> list[Offer]:
    return [offer for entry in found.days for offer in entry.offers]


def _shown(entry: DayOfOffers, today: date, search: Search) -> FoundDay:
    first = entry.offers if search.first == search.last else spread_out(entry.offers, SHOWN_OF_A_DAY)
    return FoundDay(
        entry.day,
        about_day(entry.day, today, search.must_be_by),
        entry.is_late,
        first,
        len(entry.offers) - len(first),
    )


def spread_out(offers: Sequence[Offer], n: int) -> list[Offer]:
    """The earliest and then evenly through the day: six quarter hours before nine help nobody who comes at three."""
    if len(offers) <= n:
        return list(offers)
    step = (len(offers) - 1) / (n - 1)
    return [offers[round(k * step)] for k in range(n)]


def month_bounds(day: date) -> tuple[date, date]:
    """The Monday before the month and the Sunday after it."""
    first = day.replace(day=1)
    last = day.replace(day=months.monthrange(day.year, day.month)[1])
    return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())


def month_strip(
    time: SiteTime, day: date, shown: Sequence[date], *, now: datetime, today: date, search: Search | None
) -> list[list[MonthDay]]:
    """Weeks of a month with how many visits still fit on each day. No query."""
    first, last = month_bounds(day)
    free = time.per_day(
        first,
        last,
        minutes=search.service.minutes if search else DEFAULT_MINUTES,
        now=now,
        practitioner_ids=search.practitioner_ids if search else (),
        service_id=search.service.pk if search else None,
    )
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    cells = [
        MonthDay(each, free.get(each, 0), each.month == day.month, each == today, each in shown)
        for each in days
    ]
    return [cells[n : n + 7] for n in range(0, len(cells), 7)]


def next_open(site: Site, day: date) -> date:
    """This day, or the next one on which the site is open: where the schedule opens on a weekend."""
    return next_open_day(day - timedelta(days=1), as_calendar(calendar_for(site)))


def next_days(day: date, view: str, span: str, site: Site) -> tuple[date, date]:
    """Where "previous" and "next" lead: a week, or the next open day."""
    if view == "week" or (view == "list" and span == "week"):
        return day - timedelta(days=7), day + timedelta(days=7)
    calendar = as_calendar(calendar_for(site))
    return book_by(day - timedelta(days=1), calendar), next_open_day(day, calendar)


def needs_of(patient: Any) -> list[tuple[str, str]]:
    """What the finder says about the patient: (icon, words)."""
    needs = []
    language = patient.language.split("-")[0]
    if patient.interpreter_needed:
        words = _("%(language)s, interpreter") % {"language": language_name(patient.language)}
        needs.append(("globe", words))
    elif language not in ("", "en"):
        needs.append(("globe", language_name(patient.language)))
    return needs
