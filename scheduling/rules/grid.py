"""Where things stand on the calendar: a row for every quarter hour, lanes for what overlaps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from scheduling.rules.local_time import day_bounds

QUARTERS = 4  # rows in an hour
MOST_LANES = 6
EARLIEST, LATEST = 7, 18  # hours that are always shown
LONGEST = 96


@dataclass(frozen=True)
class Place:
    """First row (1 is the first quarter hour shown), number of rows, lane (from 1) and how many lanes share the time."""

    row: int
    rows: int
    lane: int = 1
    lanes: int = 1

    @property
    def classes(self) -> str:
        """Classes of schedule.css; never an inline style."""
        return f"r{self.row} s{self.rows} l{self.lane}of{self.lanes}"


def hours_shown(spans: Sequence[tuple[datetime, datetime]], zone: str) -> tuple[int, int]:
    """The first and last hour of the grid: 7 to 18, further when something is earlier or later."""
    tz = ZoneInfo(zone)
    first, last = EARLIEST, LATEST
    for start, end in spans:
        opens, closes = start.astimezone(tz), end.astimezone(tz)
        first = min(first, opens.hour)
        if closes.date() > opens.date():
            last = 24
        else:
            last = max(last, closes.hour + (1 if closes.minute or closes.second else 0))
    return first, last


def _row(moment: datetime, zone: str, first_hour: int) -> int:
    """The row of the quarter hour that holds this moment by the wall clock; 0 or less before the first one shown."""
    wall = moment.astimezone(ZoneInfo(zone))
    return (wall.hour - first_hour) * QUARTERS + wall.minute // 15 + 1


def place(
    spans: Sequence[tuple[datetime, datetime]], day: date, zone: str, first_hour: int, last_hour: int
) -> list[Place]:
    """A place for each span of one day, in the order given; what overlaps is set side by side.

    Rows follow the wall clock, so the hour that autumn repeats is drawn once, with both its visits in it.
    """
    rows = (last_hour - first_hour) * QUARTERS
    starts, _ends = day_bounds(day, zone)
    bounds = []
    for start, end in spans:
        top = _row(max(start, starts), zone, first_hour)
        # By its length, not by where the wall clock stands at its end: that may be an hour earlier in autumn.
        into = max(start, starts).astimezone(ZoneInfo(zone)).minute % 15
        length = -(-(into * 60 + (end - max(start, starts)).total_seconds()) // 900)
        bottom = min(max(top + int(length), 2), rows + 1)
        top = min(max(top, 1), rows)
        bounds.append((top, max(bottom, top + 1)))
    lanes = _lanes(bounds)
    return [
        Place(top, bottom - top, lane, of) for (top, bottom), (lane, of) in zip(bounds, lanes, strict=True)
    ]


def _lanes(bounds: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(lane, lanes) of each row span: a span takes the first lane that is free; one group shares its width."""
    order = sorted(range(len(bounds)), key=lambda n: (bounds[n][0], -bounds[n][1]))
    lane_of: dict[int, int] = {}
    groups: list[list[int]] = []
    ends: list[int] = []
    for n in order:
        top, bottom = bounds[n]
        if not groups or top >= max(ends):
            groups.append([])
            ends = []
        lane = next((k for k, end in enumerate(ends) if end <= top), len(ends))
        if lane == len(ends):
            ends.append(bottom)
        else:
            ends[lane] = bottom
        lane_of[n] = lane
        groups[-1].append(n)
    found = [(1, 1)] * len(bounds)
    for group in groups:
        of = max(lane_of[n] for n in group) + 1
        for n in group:
            found[n] = (lane_of[n] + 1, of)
    return found


def now_row(now: datetime, day: date, zone: str, first_hour: int, last_hour: int) -> int | None:
    """The row of the red line, or None when the day is not today or the hour is not shown."""
    wall = now.astimezone(ZoneInfo(zone))
    if wall.date() != day or not time(first_hour) <= wall.time() or wall.hour >= last_hour:
        return None
    return _row(now, zone, first_hour)
