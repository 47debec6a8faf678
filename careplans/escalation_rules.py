"""How long a task is overdue in business days, and which set points it has passed. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from coordinator.clocks.rules import Calendar, business_days_between

PRIORITIES = ("routine", "urgent", "asap", "stat")


def overdue_days(due_at: datetime | None, now: datetime, zone: str, calendar: Calendar) -> int:
    """Whole business days that have passed since the local day of the deadline; today does not count yet.

    Due on Monday: 0 on Tuesday, 1 on Wednesday. Closed days do not count. 0 without a deadline.
    """
    if due_at is None or due_at >= now:
        return 0
    tz = ZoneInfo(zone)
    yesterday = now.astimezone(tz).date() - timedelta(days=1)
    return business_days_between(due_at.astimezone(tz).date(), yesterday, calendar)


def applies(point: Any, task: Any) -> bool:
    """Whether a set point (kind, applies_to, days) is for such a task (anything with kind, priority, clock_id)."""
    if point.kind and point.kind != task.kind:
        return False
    if point.applies_to == "clock":
        return task.clock_id is not None
    return point.applies_to != "urgent" or task.priority != "routine"


def passed(points: Iterable[Any], task: Any, days: int) -> list[Any]:
    """The points that a task so many business days overdue has passed."""
    return [point for point in points if days >= point.days and applies(point, task)]


def raised(priority: str) -> str:
    """One step more urgent; the highest stays."""
    return PRIORITIES[min(PRIORITIES.index(priority) + 1, len(PRIORITIES) - 1)]
