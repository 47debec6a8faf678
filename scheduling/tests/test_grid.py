"""Rows and lanes of the calendar. No database."""

import datetime

import pytest

from scheduling.rules import grid
from scheduling.rules.remarks import about_day
from scheduling.tests.clinic import CENTRAL, HOUR, MINUTE, at

DAY = datetime.date(2026, 11, 18)
ZONE = str(CENTRAL)


def places(*spans: tuple[str, int]) -> list[str]:
    moments = [
        (at("2026-11-18", start), at("2026-11-18", start) + minutes * MINUTE) for start, minutes in spans
    ]
    return [place.classes for place in grid.place(moments, DAY, ZONE, 7, 18)]


def test_a_row_is_a_quarter_hour_from_the_first_hour_shown() -> None:
    assert places(("07:00", 15), ("08:30", 45), ("17:45", 15)) == [
        "r1 s1 l1of1",
        "r7 s3 l1of1",
        "r44 s1 l1of1",
    ]


def test_odd_minutes_take_the_whole_quarter_hours_they_touch() -> None:
    assert places(("08:20", 20)) == ["r6 s2 l1of1"]


def test_what_overlaps_shares_the_width_and_what_follows_does_not() -> None:
    assert places(("09:00", 60), ("09:30", 30), ("10:00", 30)) == [
        "r9 s4 l1of2",
        "r11 s2 l2of2",
        "r13 s2 l1of1",
    ]


def test_a_lane_is_used_again_when_it_is_free() -> None:
    assert places(("09:00", 120), ("09:00", 30), ("10:00", 30)) == [
        "r9 s8 l1of2",
        "r9 s2 l2of2",
        "r13 s2 l2of2",
    ]


def test_the_grid_grows_for_early_and_late_visits_and_never_cuts_one_off() -> None:
    early = (at("2026-11-18", "06:15"), at("2026-11-18", "06:45"))
    late = (at("2026-11-18", "18:30"), at("2026-11-18", "19:15"))
    assert grid.hours_shown([], ZONE) == (7, 18)
    assert grid.hours_shown([early, late], ZONE) == (6, 20)
    over_midnight = (at("2026-11-18", "23:30"), at("2026-11-19", "00:30"))
    assert grid.hours_shown([over_midnight], ZONE) == (7, 24)
    assert grid.place([over_midnight], DAY, ZONE, 7, 24)[0].classes == "r67 s2 l1of1"
    assert places(("05:00", 30))[0].startswith("r1 s1 ")


@pytest.mark.parametrize(
    ("time", "row"), [("06:59", None), ("07:00", 1), ("10:14", 13), ("17:59", 44), ("18:00", None)]
)
def test_the_line_of_now_is_on_the_quarter_hour_that_runs(time: str, row: int | None) -> None:
    assert grid.now_row(at("2026-11-18", time), DAY, ZONE, 7, 18) == row
    assert grid.now_row(at("2026-11-18", time), DAY + datetime.timedelta(days=1), ZONE, 7, 18) is None


def test_both_hours_of_the_night_clocks_go_back_stand_side_by_side() -> None:
    sunday = datetime.date(2026, 11, 1)
    first = at("2026-11-01", "01:30")
    spans = [(first, first + 30 * MINUTE), (first + HOUR, first + HOUR + 30 * MINUTE)]
    assert [p.classes for p in grid.place(spans, sunday, ZONE, 0, 18)] == ["r7 s2 l1of2", "r7 s2 l2of2"]


@pytest.mark.parametrize(
    ("day", "by", "words"),
    [
        (18, None, "today"),
        (19, None, "tomorrow"),
        (23, None, "in 5 days"),
        (23, 23, "last day to be seen"),
        (25, 23, "2 days late"),
        (20, 23, "in 2 days"),
    ],
)
def test_a_day_of_the_finder_has_a_plain_remark(day: int, by: int | None, words: str) -> None:
    must = datetime.date(2026, 11, by) if by else None
    assert about_day(datetime.date(2026, 11, day), DAY, must) == words
