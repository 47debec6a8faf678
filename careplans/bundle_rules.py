"""When each task of a bundle is due, and why. Pure: no database, no clock on the wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from coordinator.clocks.rules import Calendar, Kind, end_of_day, explain, next_open_day
from coordinator.clocks.values import Terms
from coordinator.wording import week_day


@dataclass(frozen=True)
class PlannedDay:
    """A local day, its end as an instant (UTC), and the sentences that lead to it."""

    day: date
    due_at: datetime
    why: tuple[str, ...]


def planned_day(
    *,
    days: int,
    counts: str,
    anchor_on: date,
    anchor: str,
    zone: str,
    calendar: Calendar,
    rule: str,
    version: int,
) -> PlannedDay:
    """The day of a task `days` after the event; 0 is the day itself. It is never a closed day.

    Business days skip what the calendar closes, by the clock rules. Calendar days count every day, and one that
    ends on a closed day moves to the next open day. `counts` is a Kind; `rule` and `version` name the bundle.
    """
    kind = Kind(counts) if days else Kind.SAME_DAY
    terms = Terms(key="bundle", version=version, kind=kind, amount=days, title=rule)
    found = explain(terms, anchor_on, zone, calendar, anchor_label=anchor)
    day = found.due_on or anchor_on
    first, *rest = found.sentences()
    if calendar.is_open(day):
        return PlannedDay(day, found.due_at, (first, *rest))
    later = next_open_day(day, calendar)
    name = calendar.holidays.get(day) or _("weekend")
    words = {"day": week_day(day), "name": name, "later": week_day(later)}
    moved = _("%(day)s is closed (%(name)s): moved to the next open day, %(later)s.") % words
    return PlannedDay(later, end_of_day(later, zone), (moved, *rest))
