"""Reading an explanation back as plain sentences, in the language that is active."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coordinator.clocks.values import Adjustment, Explanation, Kind, Step, Terms, WarnPoint, Why
from coordinator.wording import day as written_day
from coordinator.wording import week_day

CALENDAR_KINDS = {Kind.CALENDAR_DAYS, Kind.WEEKS, Kind.MONTHS}


def day(value: date) -> str:
    """Such as "Thu Nov 26"."""
    return date_format(value, "WEEK_DAY_FORMAT")


def moment(value: datetime, zone: str) -> str:
    """Such as "Mon, Nov 2, 2026, 9:00 AM EST", in the zone given."""
    local = value.astimezone(ZoneInfo(zone))
    text = date_format(local, "ZONED_TIME_FORMAT").rstrip()
    # The format leaves the zone out in the hour that autumn repeats, just when it says which of the two is meant.
    name = local.tzname() or ""
    return f"{week_day(local.date())}, {text if text.endswith(name) else f'{text} {name}'}"


def step(item: Step) -> str:
    """One step, such as "Thu Nov 26: Thanksgiving Day, not counted"."""
    words = {"day": day(item.date), "name": item.name, "number": item.number, "minutes": item.minutes}
    return _step_text(item) % words


def due(due_at: datetime, due_on: date | None, zone: str) -> str:
    """When something is due: the end of a local day, or an exact local time."""
    if due_on is None:
        return moment(due_at, zone)
    return _("the end of %(day)s (%(zone)s)") % {"day": week_day(due_on), "zone": zone}


def sentences(explanation: Explanation) -> list[str]:
    """The deadline, what it counts from, every step, what moved it later, the calendar, the rule and its source."""
    e = explanation
    lines = [_("Due: %(when)s.") % {"when": due(e.due_at, e.due_on, e.zone)}, _basis(e)]
    lines += [f"{line}." for line in _steps(e)]
    if e.terms.kind in CALENDAR_KINDS:
        lines.append(_("Weekends and holidays count."))
    lines += [_adjustment(item, e.zone) for item in e.adjustments]
    if e.terms.kind is Kind.BUSINESS_DAYS:
        words = {"name": e.calendar_name, "version": e.calendar_version}
        lines.append(_("Days off come from the calendar %(name)s, version %(version)s.") % words)
    for year in e.unknown_years:
        lines.append(
            _("That calendar lists no holidays for %(year)s: please check the date.") % {"year": year}
        )
    lines.append(_rule(e))
    if e.source:
        lines.append(_("Source: %(source)s") % {"source": e.source})
    if not e.terms.verified:
        lines.append(_("This rule has not been compared with its source yet."))
    return lines


def length(terms: Terms) -> str:
    """How long a rule gives: "2 business days", "The same day", "A set date", "No deadline"."""
    if terms.kind is Kind.NO_DEADLINE:
        return _("No deadline")
    return {
        Kind.ELAPSED_HOURS: ngettext("%(n)d hour", "%(n)d hours", terms.amount),
        Kind.CALENDAR_DAYS: ngettext("%(n)d calendar day", "%(n)d calendar days", terms.amount),
        Kind.BUSINESS_DAYS: ngettext("%(n)d business day", "%(n)d business days", terms.amount),
        Kind.WEEKS: ngettext("%(n)d week", "%(n)d weeks", terms.amount),
        Kind.MONTHS: ngettext("%(n)d month", "%(n)d months", terms.amount),
        Kind.SAME_DAY: _("The same day"),
        Kind.FIXED_DATE: _("A set date"),
    }[terms.kind] % {"n": terms.amount}


def leeway(terms: Terms) -> list[str]:
    """What may move a deadline of this rule later, as sentences."""
    if terms.kind is Kind.NO_DEADLINE:
        return []
    extension, lines = terms.extension, []
    if extension is None:
        lines.append(_("It cannot be extended."))
    elif extension.days is None:
        lines.append(_("A recorded notice can extend it; no limit is known."))
    else:
        lines.append(
            ngettext(
                "A recorded notice can extend it by at most %(n)d calendar day in all.",
                "A recorded notice can extend it by at most %(n)d calendar days in all.",
                extension.days,
            )
            % {"n": extension.days}
        )
    if extension is not None and extension.times is not None:
        lines.append(
            ngettext("It can be extended %(n)d time.", "It can be extended %(n)d times.", extension.times)
            % {"n": extension.times}
        )
    lines.append(
        _("It can be put on hold with a reason; the time that was left then is given back.")
        if terms.can_hold
        else _("It cannot be put on hold: the time runs on, whatever is asked meanwhile.")
    )
    return lines


def warning(point: WarnPoint) -> str:
    """What a warning says: "80% of the time is used" or "4 hours left"."""
    if point.percent:
        return _("%(percent)d%% of the time is used") % {"percent": point.percent}
    return ngettext("%(hours)d hour left", "%(hours)d hours left", point.hours_left) % {
        "hours": point.hours_left
    }


def _step_text(item: Step) -> str:
    if item.why is Why.WEEKDAY_CLOSED:
        weekend = item.date.weekday() >= 5
        return _("%(day)s: weekend, not counted") if weekend else _("%(day)s: closed that day, not counted")
    return {
        Why.EVENT: _("%(day)s: the day of the event, day 0"),
        Why.COUNTED: _("%(day)s: day %(number)s"),
        Why.COUNTED_HOLIDAY: _("%(day)s: %(name)s, counts as day %(number)s"),
        Why.WEEK: _("%(day)s: week %(number)s"),
        Why.MONTH: _("%(day)s: month %(number)s"),
        Why.HOLIDAY: _("%(day)s: %(name)s, not counted"),
        Why.CLOCKS_BACK: _("%(day)s: clocks go back %(minutes)s minutes, so the local time reads earlier"),
        Why.CLOCKS_FORWARD: _(
            "%(day)s: clocks go forward %(minutes)s minutes, so the local time reads later"
        ),
        Why.HOURS_RUN: _("%(day)s: %(number)s hours have passed"),
        Why.SAME_DAY: _("%(day)s: due the same day"),
        Why.GIVEN: _("%(day)s: the date that was set"),
    }[item.why]


def _rule(e: Explanation) -> str:
    words = {"title": e.terms.title or e.rule_key, "version": e.rule_version}
    if e.terms.since is None:
        return _("Rule: %(title)s, version %(version)s.") % words
    words["since"] = written_day(e.terms.since)
    return _("Rule: %(title)s, version %(version)s, from %(since)s.") % words


def _basis(e: Explanation) -> str:
    start = moment(e.anchor, e.zone) if isinstance(e.anchor, datetime) else week_day(e.anchor)
    words = {"counted": length(e.terms), "start": start, "label": e.anchor_label}
    if e.anchor_label:
        return _("%(counted)s, starting with: %(label)s, %(start)s.") % words
    return _("%(counted)s, starting %(start)s.") % words


def _steps(e: Explanation) -> Iterator[str]:
    """One line a step; ordinary calendar days in a row share one line."""

    def row_of(pair: tuple[int, Step]) -> tuple[bool, date | int]:
        number, item = pair
        plain = e.terms.kind is Kind.CALENDAR_DAYS and item.why is Why.COUNTED
        return (True, item.date - timedelta(days=number)) if plain else (False, number)

    for _key, pairs in groupby(enumerate(e.steps), row_of):
        row = [item for _number, item in pairs]
        if len(row) < 3:
            yield from map(step, row)
            continue
        yield _("%(first)s to %(last)s: days %(from)s to %(to)s") % {
            "first": day(row[0].date),
            "last": day(row[-1].date),
            "from": row[0].number,
            "to": row[-1].number,
        }


def _adjustment(item: Adjustment, zone: str) -> str:
    words = {"when": due(item.due_at, item.due_on, zone), "days": item.days}
    if item.kind == "extended":
        return (
            ngettext(
                "Extended by %(days)d calendar day: now due %(when)s.",
                "Extended by %(days)d calendar days: now due %(when)s.",
                item.days,
            )
            % words
        )
    if item.since and item.until:
        words |= {"since": moment(item.since, zone), "until": moment(item.until, zone)}
    return _("On hold from %(since)s to %(until)s: now due %(when)s.") % words
