"""When a step of a visit makes sense. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from scheduling.rules.local_time import day_bounds, local_day

UNDO_CANCEL = timedelta(hours=24)  # product default


def no_show_from(*, start: datetime, zone: str, time_known: bool, grace_minutes: int) -> datetime:
    """The first instant at which a visit can count as missed; of a visit known by its day: when the day is over."""
    if not time_known:
        return day_bounds(local_day(start, zone), zone)[1]
    return start + timedelta(minutes=grace_minutes)
