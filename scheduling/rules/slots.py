"""Free times, worked out in memory from weekly availability, blocks, closed days and what is booked.

Everything inside counts whole minutes since 1970 (UTC), so that a repeated or missing hour needs no special case;
only the ends of a weekly window are local times. Nothing is stored, and reading never writes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from scheduling.rules.local_time import closes_at, local_day, opens_at

STEP = 15  # minutes between offered times
Span = tuple[int, int]  # [start, end) in minutes since 1970


@dataclass(frozen=True)
class Window:
    """A weekly time in which a practitioner takes visits, on the wall clock. No services: any."""

    practitioner_id: UUID
    weekday: int
    starts: time
    ends: time
    valid_from: date | None = None
    valid_to: date | None = None
    service_ids: frozenset[UUID] = frozenset()

    def applies(self, day: date, service_id: UUID | None) -> bool:
        return (
            self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
            and (service_id is None or not self.service_ids or service_id in self.service_ids)
        )


@dataclass(frozen=True)
class Busy:
    """Time that is taken. Without a practitioner: the whole site's."""

    practitioner_id: UUID | None
    start: datetime
    end: datetime


@dataclass(frozen=True, order=True)
class Slot:
    """A free time, in UTC."""

    start: datetime
    end: datetime
    practitioner_id: UUID


@dataclass(frozen=True)
class Ask:
    """What is looked for: from one local day to another (both included), in the site's zone."""

    first: date
    last: date
    zone: str
    minutes: int
    now: datetime
    service_id: UUID | None = None
    practitioner_ids: frozenset[UUID] = frozenset()  # empty: anyone
    fits: Callable[[datetime], bool] = field(
        default=lambda local: True
    )  # on the local start, for time of day

    def days(self) -> Iterator[date]:
        day = self.first
        while day <= self.last:
            yield day
            day += timedelta(days=1)


def minute(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def minute_up(moment: datetime) -> int:
    """The end of something that is taken: part of a minute counts whole."""
    return -int(-moment.timestamp() // 60)


def instant(minutes: int) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)


def merge(spans: Iterable[Span]) -> list[Span]:
    """Overlapping or touching spans as one, in order."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def subtract(spans: Iterable[Span], taken: list[Span]) -> Iterator[Span]:
    """What is left of `spans` without `taken` (merged and in order)."""
    for start, end in spans:
        for busy_start, busy_end in taken:
            if busy_end <= start:
                continue
            if busy_start >= end:
                break
            if busy_start > start:
                yield start, busy_start
            start = max(start, busy_end)
        if start < end:
            yield start, end


def open_spans(
    windows: Iterable[Window], day: date, zone: str, service_id: UUID | None
) -> dict[UUID, list[Span]]:
    """When each practitioner takes visits on this local day, ignoring what is booked."""
    found: dict[UUID, list[Span]] = defaultdict(list)
    for window in windows:
        if window.applies(day, service_id):
            start, end = opens_at(day, window.starts, zone), closes_at(day, window.ends, zone)
            if start < end:
                found[window.practitioner_id].append((minute_up(start), minute(end)))
    return {who: merge(spans) for who, spans in found.items()}


def covers(
    windows: Iterable[Window],
    practitioner_id: UUID,
    start: datetime,
    end: datetime,
    *,
    zone: str,
    service_id: UUID | None,
) -> bool:
    """True when the practitioner's weekly time holds the whole visit."""
    spans = open_spans(windows, local_day(start, zone), zone, service_id).get(practitioner_id, [])
    return any(opens <= minute(start) and minute_up(end) <= closes for opens, closes in spans)


def _taken(busy: Iterable[Busy]) -> Callable[[UUID], list[Span]]:
    site: list[Span] = []
    own: dict[UUID, list[Span]] = defaultdict(list)
    for entry in busy:
        spans = site if entry.practitioner_id is None else own[entry.practitioner_id]
        spans.append((minute(entry.start), minute_up(entry.end)))
    merged: dict[UUID, list[Span]] = {}

    def of(practitioner_id: UUID) -> list[Span]:
        if practitioner_id not in merged:
            merged[practitioner_id] = merge([*site, *own.get(practitioner_id, [])])
        return merged[practitioner_id]

    return of


def _starts(
    windows: list[Window], busy: Iterable[Busy], closed: Callable[[date], bool], ask: Ask
) -> Iterator[tuple[date, int, UUID]]:
    taken = _taken(busy)
    earliest = minute(ask.now) + 1
    for day in ask.days():
        if closed(day):
            continue
        for who, spans in open_spans(windows, day, ask.zone, ask.service_id).items():
            if ask.practitioner_ids and who not in ask.practitioner_ids:
                continue
            for start, end in subtract(spans, taken(who)):
                first = -(-max(start, earliest) // STEP) * STEP
                for at in range(first, end - ask.minutes + 1, STEP):
                    yield day, at, who


def free_slots(
    windows: list[Window], busy: Iterable[Busy], closed: Callable[[date], bool], ask: Ask
) -> list[Slot]:
    """Every free time, earliest first; at one time, in the order of the windows. `closed` says which days are."""
    found = []
    for _day, at, who in _starts(windows, busy, closed, ask):
        start = instant(at)
        if ask.fits(start):
            found.append(Slot(start, instant(at + ask.minutes), who))
    found.sort(key=lambda slot: slot.start)
    return found


def free_per_day(
    windows: list[Window], busy: Iterable[Busy], closed: Callable[[date], bool], ask: Ask
) -> dict[date, int]:
    """How many visits of this length still fit one after another on each day; days without room are left out.

    Not the number of offered times: those overlap each other.
    """
    taken = _taken(busy)
    earliest = minute(ask.now) + 1
    counts: Counter[date] = Counter()
    for day in ask.days():
        if closed(day):
            continue
        for who, spans in open_spans(windows, day, ask.zone, ask.service_id).items():
            if ask.practitioner_ids and who not in ask.practitioner_ids:
                continue
            for start, end in subtract(spans, taken(who)):
                first = -(-max(start, earliest) // STEP) * STEP
                fit = max(end - first, 0) // _rounded(ask.minutes)
                if fit:
                    counts[day] += fit
    return dict(counts)


def _rounded(minutes: int) -> int:
    return -(-minutes // STEP) * STEP
