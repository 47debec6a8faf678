"""Between the clock on the clinic's wall and instants. Pure; instants are UTC, local times naive."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

QUARTER = timedelta(minutes=15)


class NoSuchTime(ValueError):
    """The wall clock never shows this time on that day, or shows it twice. The text can be shown."""


def is_skipped(day: date, at: time, zone: str) -> bool:
    """True for 2:30 on the night clocks go forward."""
    moment = datetime.combine(day, at, ZoneInfo(zone))
    return moment.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != moment.replace(
        tzinfo=None
    )


def is_repeated(day: date, at: time, zone: str) -> bool:
    """True for 1:30 on the night clocks go back."""
    moment = datetime.combine(day, at, ZoneInfo(zone))
    return not is_skipped(day, at, zone) and moment.utcoffset() != moment.replace(fold=1).utcoffset()


def exact_instant(day: date, at: time, zone: str) -> datetime:
    """The one instant of this local time. Raises NoSuchTime with a sentence when there is none or there are two."""
    words = {"time": f"{at:%H:%M}", "day": f"{day:%b} {day.day}, {day.year}"}
    if is_skipped(day, at, zone):
        raise NoSuchTime(
            _("%(time)s does not exist on %(day)s: clocks go forward. Choose another time.") % words
        )
    if is_repeated(day, at, zone):
        raise NoSuchTime(
            _("%(time)s comes twice on %(day)s: clocks go back. Choose one of the offered times.") % words
        )
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def opens_at(day: date, at: time, zone: str) -> datetime:
    """The first instant at which the wall shows this time or later: for the start of a weekly window."""
    moment = datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
    return _after_the_gap(moment, zone) if is_skipped(day, at, zone) else moment


def closes_at(day: date, at: time, zone: str) -> datetime:
    """The last instant at which the wall shows this time: for the end of a window; a repeated hour counts whole."""
    if is_skipped(day, at, zone):
        return opens_at(day, at, zone)
    return datetime.combine(day, at, ZoneInfo(zone)).replace(fold=1).astimezone(UTC)


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """[start, end) of a local day as instants: 23, 24 or 25 hours apart."""
    return opens_at(day, time(0), zone), opens_at(day + timedelta(days=1), time(0), zone)


def local_day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def _after_the_gap(moment: datetime, zone: str) -> datetime:
    """Walk back from inside the shifted hour to the instant of the change."""
    tz = ZoneInfo(zone)
    offset = moment.astimezone(tz).utcoffset()
    while (moment - QUARTER).astimezone(tz).utcoffset() == offset:
        moment -= QUARTER
    return moment
