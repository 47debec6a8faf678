"""Deadlines, worked out and explained. Pure functions: no database, no clock on the wall.

`explain()` takes what a rule says (`Terms`), the moment that starts it, a zone and a calendar, and returns the due
time *and every step that led to it*, so that a screen can answer "why this date?" and a test can read the reasoning.

Conventions: the day of the event is day 0. Hour rules are elapsed hours and end at
an exact instant. Day rules end with the local day (23:59:59) of the named zone. Instants go in and come out aware;
`due_at` is always UTC. Weekdays count from Monday = 0.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from coordinator.clocks.values import (
    FURTHEST,
    Adjustment,
    Calendar,
    Explanation,
    ExtensionTerms,
    Kind,
    Refusal,
    Step,
    Terms,
    WarnPoint,
    Why,
)

__all__ = [
    "Adjustment",
    "Calendar",
    "Explanation",
    "ExtensionTerms",
    "Kind",
    "Refusal",
    "Step",
    "Terms",
    "WarnPoint",
    "Why",
    "add_months",
    "book_by",
    "business_days_between",
    "check_can_hold",
    "end_of_day",
    "explain",
    "extend",
    "instant",
    "local_date",
    "next_open_day",
    "observed",
    "resume",
    "warn_points",
]

END_OF_DAY = time(23, 59, 59)
DAY = timedelta(days=1)


def explain(
    terms: Terms,
    anchor: datetime | date,
    zone: str,
    calendar: Calendar | None = None,
    *,
    on: date | None = None,
    anchor_label: str = "",
) -> Explanation:
    """Work out a deadline.

    `anchor` is an aware instant, or a date for things known by the day (a discharge). `on` is the stated date that a
    fixed-date rule goes by. Raises ValueError for a naive time, an unknown zone, a date where an instant is needed, or
    a business-day rule without a calendar, and `Refusal` for a rule that sets no deadline or whose date is unknown.
    """
    tz = _zone(zone)
    anchor_at, event_on = _instant(anchor, tz), _local_date(anchor, tz)
    if terms.kind is Kind.NO_DEADLINE:
        raise Refusal(_("%(rule)s: this rule sets no deadline.") % {"rule": terms.title or terms.key})
    if terms.kind is Kind.ELAPSED_HOURS:
        if not isinstance(anchor, datetime):
            raise ValueError(f"Rule {terms.key} counts hours and needs a time, not only a date.")
        due_at, due_on = anchor_at + timedelta(hours=terms.amount), None
        steps = _hour_steps(anchor_at, terms.amount, tz)
    else:
        steps = (Step(event_on, Why.EVENT), *_day_steps(terms, event_on, calendar, on))
        due_on = steps[-1].date
        due_at = end_of_day(due_on, zone)
    return Explanation(
        terms=terms,
        anchor=anchor,
        anchor_label=anchor_label,
        zone=zone,
        due_at=due_at,
        due_on=due_on,
        steps=steps,
        calendar_name=calendar.name if calendar else "",
        calendar_version=calendar.version if calendar else "",
        unknown_years=_unknown_years(terms, steps, calendar),
    )


def end_of_day(day: date, zone: str) -> datetime:
    """The last second (23:59:59) of a local day, as UTC. In the hour that is there twice: the second one."""
    return datetime.combine(day, END_OF_DAY, _zone(zone)).replace(fold=1).astimezone(UTC)


def extend(explanation: Explanation, days: int) -> Explanation:
    """The same deadline after an extension notice of `days` calendar days.

    A day rule moves to the end of the later day; an hour rule keeps its local time of day. Raises `Refusal` when the
    rule knows no extension or this one would pass its limit (all extensions of one deadline count together).
    """
    terms, earlier = (
        explanation.terms.extension,
        [a for a in explanation.adjustments if a.kind == "extended"],
    )
    if days < 1:
        raise Refusal(_("An extension is at least one calendar day."))
    if terms is None:
        raise Refusal(_("This rule allows no extension."))
    if terms.times is not None and len(earlier) >= terms.times:
        raise Refusal(_("This deadline was extended as often as its rule allows."))
    if terms.days is not None and days + sum(a.days for a in earlier) > terms.days:
        raise Refusal(
            _("The rule allows an extension of at most %(days)d calendar days in all.") % {"days": terms.days}
        )
    moved_to = _moved(explanation, days * DAY)
    return _adjusted(explanation, "extended", days, *moved_to)


def resume(
    explanation: Explanation, held_from: datetime, held_until: datetime, calendar: Calendar | None = None
) -> Explanation:
    """The same deadline after a hold: what was left of it when the hold began is left again when it ends.

    Hour rules move by the elapsed time of the hold, business-day rules by the open days in it, all others by its
    calendar days. Raises `Refusal` when the rule may not be held (federal clocks run on while a payer waits).
    """
    check_can_hold(explanation.terms)
    tz = _zone(explanation.zone)
    start, end = _instant(held_from, tz), _instant(held_until, tz)
    if end < start:
        raise ValueError("A hold cannot end before it began.")
    first, last = start.astimezone(tz).date(), end.astimezone(tz).date()
    days = (last - first).days
    if explanation.due_on is None:
        moved_to: tuple[datetime, date | None] = (explanation.due_at + (end - start), None)
    elif explanation.terms.kind is Kind.BUSINESS_DAYS:
        days = sum(_needed(calendar, explanation.terms).is_open(day) for day in _days_after(first, days))
        due_on = explanation.due_on
        for _ in range(days):
            due_on = next_open_day(due_on, _needed(calendar, explanation.terms))
        moved_to = (end_of_day(due_on, explanation.zone), due_on)
    else:
        moved_to = _moved(explanation, days * DAY)
    return _adjusted(explanation, "held", days, *moved_to, since=start, until=end)


def check_can_hold(terms: Terms) -> None:
    """Raise `Refusal` unless the rule's clocks may be stopped for a while."""
    if not terms.can_hold:
        raise Refusal(_("This clock cannot be put on hold: its rule lets the time run on."))


def warn_points(explanation: Explanation) -> list[WarnPoint]:
    """When to warn, earliest first: at 50 % and 80 % of the time, and the rule's hours before the end.

    Empty when the deadline is not after its anchor.
    """
    start, end = explanation.anchor_at, explanation.due_at
    if end <= start:
        return []
    points = [WarnPoint(start + (end - start) * percent / 100, percent=percent) for percent in (50, 80)]
    points += [WarnPoint(end - timedelta(hours=h), hours_left=h) for h in explanation.terms.warn_hours]
    return sorted((p for p in points if p.at > start), key=lambda p: p.at)


def book_by(day: date, calendar: Calendar) -> date:
    """The last open day on or before `day`: what to book by when a deadline falls on a closed day. It never moves
    the deadline itself."""
    for back in range(FURTHEST):
        if calendar.is_open(day - back * DAY):
            return day - back * DAY
    raise ValueError(f"The calendar {calendar.name} has no open day before {day}.")


def next_open_day(day: date, calendar: Calendar) -> date:
    """The first open day after `day`."""
    for later in _days_after(day, FURTHEST):
        if calendar.is_open(later):
            return later
    raise ValueError(f"The calendar {calendar.name} has no open day after {day}.")


def business_days_between(first: date, last: date, calendar: Calendar) -> int:
    """How many open days lie after `first`, up to and including `last` ("at least 3 business days ahead")."""
    return sum(calendar.is_open(day) for day in _days_after(first, (last - first).days))


def observed(day: date) -> date:
    """The day on which a holiday is kept: Saturday's on Friday, Sunday's on Monday."""
    return day + {5: -DAY, 6: DAY}.get(day.weekday(), timedelta())


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    next_year, next_month = divmod(year * 12 + month + 1, 12)
    last = (date(next_year, next_month + 1, 1) - DAY).day
    return date(year, month + 1, min(day.day, last))


def instant(moment: datetime | date, zone: str) -> datetime:
    """The moment as UTC; a plain date starts with its local day. ValueError for a time without a zone."""
    return _instant(moment, _zone(zone))


def local_date(moment: datetime | date, zone: str) -> date:
    """The day on the clock of that zone; a plain date is its own day. ValueError for a time without a zone."""
    return _local_date(instant(moment, zone) if isinstance(moment, datetime) else moment, _zone(zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"There is no time zone called {name!r}.") from error


def _instant(moment: datetime | date, tz: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.min, tz).astimezone(UTC)
    if moment.utcoffset() is None:
        raise ValueError("A clock needs a time with its zone; this one has none.")
    return moment.astimezone(UTC)


def _local_date(moment: datetime | date, tz: ZoneInfo) -> date:
    return moment.astimezone(tz).date() if isinstance(moment, datetime) else moment


def _needed(calendar: Calendar | None, terms: Terms) -> Calendar:
    if calendar is None:
        raise ValueError(f"Rule {terms.key} counts business days and needs a calendar.")
    return calendar


def _days_after(day: date, count: int) -> Iterator[date]:
    return (day + n * DAY for n in range(1, count + 1))


def _day_steps(terms: Terms, event_on: date, calendar: Calendar | None, on: date | None) -> Iterator[Step]:
    if terms.kind is Kind.BUSINESS_DAYS:
        yield from _business_steps(event_on, terms.amount, _needed(calendar, terms))
    elif terms.kind is Kind.CALENDAR_DAYS:
        for number, day in enumerate(_days_after(event_on, terms.amount), 1):
            holiday = calendar.holidays.get(day, "") if calendar else ""
            yield Step(day, Why.COUNTED_HOLIDAY if holiday else Why.COUNTED, holiday, number)
    elif terms.kind is Kind.WEEKS:
        for number in range(1, terms.amount + 1):
            yield Step(event_on + number * 7 * DAY, Why.WEEK, number=number)
    elif terms.kind is Kind.MONTHS:
        for number in range(1, terms.amount + 1):
            yield Step(add_months(event_on, number), Why.MONTH, number=number)
    elif terms.kind is Kind.SAME_DAY:
        yield Step(event_on, Why.SAME_DAY)
    elif on is None:
        raise Refusal(_("%(rule)s: the date is not known yet.") % {"rule": terms.title or terms.key})
    else:
        yield Step(on, Why.GIVEN)


def _business_steps(event_on: date, amount: int, calendar: Calendar) -> Iterator[Step]:
    number = 0
    for day in _days_after(event_on, FURTHEST):
        closed = calendar.closed_because(day)
        if closed:
            yield Step(day, *closed)
            continue
        number += 1
        yield Step(day, Why.COUNTED, number=number)
        if number == amount:
            return
    raise ValueError(f"The calendar {calendar.name} has too few open days after {event_on}.")


def _hour_steps(anchor_at: datetime, hours: int, tz: ZoneInfo) -> tuple[Step, ...]:
    steps, before = ([Step(anchor_at.astimezone(tz).date(), Why.EVENT)], anchor_at.astimezone(tz))
    for hour in range(1, hours + 1):
        after = (anchor_at + timedelta(hours=hour)).astimezone(tz)
        change = _offset(after) - _offset(before)
        if change:
            why = Why.CLOCKS_FORWARD if change > timedelta() else Why.CLOCKS_BACK
            steps.append(Step(after.date(), why, minutes=abs(int(change.total_seconds())) // 60))
        before = after
    return (*steps, Step(before.date(), Why.HOURS_RUN, number=hours))


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


def _unknown_years(terms: Terms, steps: tuple[Step, ...], calendar: Calendar | None) -> tuple[int, ...]:
    if calendar is None or terms.kind is not Kind.BUSINESS_DAYS:
        return ()
    return tuple(sorted({step.date.year for step in steps if not calendar.knows(step.date.year)}))


def _moved(explanation: Explanation, by: timedelta) -> tuple[datetime, date | None]:
    if explanation.due_on is not None:
        due_on = explanation.due_on + by
        return end_of_day(due_on, explanation.zone), due_on
    local = explanation.due_at.astimezone(ZoneInfo(explanation.zone))
    return (local + by).astimezone(UTC), None  # wall-clock arithmetic: the same local time on a later day


def _adjusted(
    explanation: Explanation,
    kind: str,
    days: int,
    due_at: datetime,
    due_on: date | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Explanation:
    adjustment = Adjustment(kind=kind, days=days, due_at=due_at, due_on=due_on, since=since, until=until)
    return replace(
        explanation, due_at=due_at, due_on=due_on, adjustments=(*explanation.adjustments, adjustment)
    )
