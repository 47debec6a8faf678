"""Free times from weekly hours, blocks, bookings and closed days, across both clock changes. No database."""

import datetime
import uuid
from zoneinfo import ZoneInfo

import pytest

from scheduling.rules import local_time
from scheduling.rules.slots import (
    Ask,
    Busy,
    Slot,
    Window,
    covers,
    free_per_day,
    free_slots,
    merge,
    subtract,
)

CENTRAL = "America/Chicago"
WHO, OTHER = uuid.uuid4(), uuid.uuid4()
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
WEDNESDAY = datetime.date(2026, 11, 18)
FORWARD, BACK = datetime.date(2026, 3, 8), datetime.date(2026, 11, 1)  # both Sundays


def never(day: datetime.date) -> bool:
    return False


def window(day: datetime.date, starts: str, ends: str, who: uuid.UUID = WHO, **fields: object) -> Window:
    return Window(
        who,
        day.weekday(),
        datetime.time.fromisoformat(starts),
        datetime.time.fromisoformat(ends),
        **fields,  # type: ignore[arg-type]
    )


def ask(day: datetime.date, minutes: int = 30, days: int = 1, **fields: object) -> Ask:
    fields.setdefault("now", NOW)
    fields.setdefault("zone", CENTRAL)
    return Ask(day, day + datetime.timedelta(days=days - 1), minutes=minutes, **fields)  # type: ignore[arg-type]


def wall(slots: list[Slot], zone: str = CENTRAL) -> list[str]:
    return [f"{slot.start.astimezone(ZoneInfo(zone)):%H:%M}" for slot in slots]


def busy(day: datetime.date, starts: str, ends: str, who: uuid.UUID | None = WHO) -> Busy:
    tz = ZoneInfo(CENTRAL)
    return Busy(
        who,
        datetime.datetime.combine(day, datetime.time.fromisoformat(starts), tz),
        datetime.datetime.combine(day, datetime.time.fromisoformat(ends), tz),
    )


def test_times_are_offered_every_quarter_hour_while_the_whole_visit_fits() -> None:
    found = free_slots([window(WEDNESDAY, "08:00", "09:00")], [], never, ask(WEDNESDAY))
    assert wall(found) == ["08:00", "08:15", "08:30"]


def test_booked_time_and_blocks_are_left_out_for_the_right_people() -> None:
    windows = [window(WEDNESDAY, "08:00", "10:00"), window(WEDNESDAY, "08:00", "10:00", OTHER)]
    taken = [busy(WEDNESDAY, "08:20", "09:00"), busy(WEDNESDAY, "09:30", "10:00", None)]
    found = free_slots(windows, taken, never, ask(WEDNESDAY))
    assert wall([s for s in found if s.practitioner_id == WHO]) == ["09:00"]
    assert wall([s for s in found if s.practitioner_id == OTHER]) == [
        "08:00",
        "08:15",
        "08:30",
        "08:45",
        "09:00",
    ]


def test_a_closed_day_offers_nothing() -> None:
    assert not free_slots(
        [window(WEDNESDAY, "08:00", "17:00")], [], lambda day: day == WEDNESDAY, ask(WEDNESDAY)
    )


def test_hours_count_only_while_they_are_valid_and_for_their_services() -> None:
    nurse, doctor = uuid.uuid4(), uuid.uuid4()
    until_yesterday = window(WEDNESDAY, "08:00", "09:00", valid_to=WEDNESDAY - datetime.timedelta(days=1))
    from_tomorrow = window(WEDNESDAY, "08:00", "09:00", valid_from=WEDNESDAY + datetime.timedelta(days=1))
    only_nurse = window(WEDNESDAY, "13:00", "14:00", service_ids=frozenset({nurse}))
    windows = [until_yesterday, from_tomorrow, only_nurse]
    assert not free_slots(windows, [], never, ask(WEDNESDAY, service_id=doctor))
    assert wall(free_slots(windows, [], never, ask(WEDNESDAY, service_id=nurse))) == [
        "13:00",
        "13:15",
        "13:30",
    ]


def test_nothing_is_offered_that_is_past() -> None:
    now = datetime.datetime(2026, 11, 18, 14, 20, tzinfo=datetime.UTC)  # 8:20 Central
    found = free_slots([window(WEDNESDAY, "08:00", "09:30")], [], never, ask(WEDNESDAY, now=now))
    assert wall(found) == ["08:30", "08:45", "09:00"]


def test_touching_windows_are_one_stretch() -> None:
    windows = [window(WEDNESDAY, "08:00", "08:30"), window(WEDNESDAY, "08:30", "09:00")]
    assert wall(free_slots(windows, [], never, ask(WEDNESDAY, minutes=60))) == ["08:00"]


def test_the_night_clocks_go_forward_has_no_two_o_clock() -> None:
    found = free_slots([window(FORWARD, "01:00", "04:00")], [], never, ask(FORWARD, minutes=60))
    assert wall(found) == ["01:00", "01:15", "01:30", "01:45", "03:00"]
    assert len({slot.start for slot in found}) == len(found)


def test_a_window_that_begins_in_the_missing_hour_begins_when_the_hour_is_over() -> None:
    found = free_slots([window(FORWARD, "02:30", "04:00")], [], never, ask(FORWARD))
    assert wall(found) == ["03:00", "03:15", "03:30"]
    assert not free_slots([window(FORWARD, "02:00", "02:45")], [], never, ask(FORWARD))


def test_the_night_clocks_go_back_has_one_o_clock_twice_and_both_can_be_booked() -> None:
    found = free_slots([window(BACK, "01:00", "02:00")], [], never, ask(BACK, minutes=60))
    assert wall(found) == ["01:00", "01:15", "01:30", "01:45", "01:00"]
    first, last = found[0], found[-1]
    assert last.start - first.start == datetime.timedelta(hours=1)


@pytest.mark.parametrize(("day", "hours"), [(FORWARD, 23), (BACK, 25), (WEDNESDAY, 24)])
def test_a_local_day_is_as_long_as_it_is(day: datetime.date, hours: int) -> None:
    start, end = local_time.day_bounds(day, CENTRAL)
    assert end - start == datetime.timedelta(hours=hours)


def test_ordinary_hours_keep_their_wall_time_on_both_sides_of_a_change() -> None:
    monday = datetime.date(2026, 3, 2)
    found = free_slots([window(monday, "08:00", "08:30")], [], never, ask(monday, days=14))
    assert wall(found) == ["08:00", "08:00"]
    assert found[1].start - found[0].start == datetime.timedelta(days=7) - datetime.timedelta(hours=1)


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
def test_zones_with_odd_offsets_offer_whole_quarter_hours(zone: str) -> None:
    found = free_slots([window(WEDNESDAY, "08:00", "09:00")], [], never, ask(WEDNESDAY, zone=zone))
    assert wall(found, zone) == ["08:00", "08:15", "08:30"]


def test_a_local_time_that_is_not_or_is_twice_is_refused_by_name() -> None:
    with pytest.raises(local_time.NoSuchTime, match="does not exist on Mar 8, 2026"):
        local_time.exact_instant(FORWARD, datetime.time(2, 30), CENTRAL)
    with pytest.raises(local_time.NoSuchTime, match="comes twice on Nov 1, 2026"):
        local_time.exact_instant(BACK, datetime.time(1, 30), CENTRAL)
    plain = local_time.exact_instant(WEDNESDAY, datetime.time(8), CENTRAL)
    assert plain == datetime.datetime(2026, 11, 18, 14, tzinfo=datetime.UTC)


def test_every_change_of_twelve_zones_in_three_years_is_refused_or_shown_as_stored() -> None:
    zones = [
        "America/Chicago", "America/New_York", "America/Denver", "America/Los_Angeles", "America/Anchorage",
        "Europe/Berlin", "Europe/London", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo",
        "Asia/Beirut", "America/Phoenix",
    ]  # fmt: skip
    refused = 0
    for zone in zones:
        for day in _changes(zone):
            for minutes in range(0, 24 * 60, 15):
                at = datetime.time(minutes // 60, minutes % 60)
                try:
                    moment = local_time.exact_instant(day, at, zone)
                except local_time.NoSuchTime:
                    refused += 1
                else:
                    assert moment.astimezone(ZoneInfo(zone)).replace(
                        tzinfo=None
                    ) == datetime.datetime.combine(day, at)
    assert refused > 100


def _changes(zone: str) -> list[datetime.date]:
    tz, found = ZoneInfo(zone), []
    day = datetime.date(2026, 1, 1)
    while day.year < 2029:
        start = datetime.datetime.combine(day, datetime.time(12), tz)
        if start.utcoffset() != (start + datetime.timedelta(days=1)).utcoffset():
            found += [day, day + datetime.timedelta(days=1)]
        day += datetime.timedelta(days=1)
    return found


def test_a_visit_is_inside_the_hours_only_as_a_whole() -> None:
    windows = [window(WEDNESDAY, "08:00", "12:00")]
    start = datetime.datetime(2026, 11, 18, 17, 30, tzinfo=datetime.UTC)  # 11:30
    half = datetime.timedelta(minutes=30)
    inside = {"zone": CENTRAL, "service_id": None}
    assert covers(windows, WHO, start, start + half, **inside)  # type: ignore[arg-type]
    assert not covers(windows, WHO, start, start + 2 * half, **inside)  # type: ignore[arg-type]
    assert not covers(windows, OTHER, start, start + half, **inside)  # type: ignore[arg-type]


def test_room_in_a_day_counts_visits_that_fit_one_after_another() -> None:
    windows = [window(WEDNESDAY, "08:00", "10:00")]
    taken = [busy(WEDNESDAY, "08:45", "09:00")]
    assert free_per_day(windows, taken, never, ask(WEDNESDAY)) == {WEDNESDAY: 3}
    assert free_per_day(windows, taken, lambda day: True, ask(WEDNESDAY)) == {}


def test_spans_are_merged_and_subtracted() -> None:
    assert merge([(5, 7), (1, 3), (2, 4), (7, 9)]) == [(1, 4), (5, 9)]
    assert list(subtract([(0, 10)], [(2, 3), (5, 20)])) == [(0, 2), (3, 5)]
    assert list(subtract([(0, 10)], [(0, 10)])) == []
