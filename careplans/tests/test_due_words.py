"""A day as people type it."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplans.due_words import WEEKDAYS, read_due

TODAY = date(2026, 11, 18)  # Wednesday


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("today", TODAY), ("Tomorrow", date(2026, 11, 19)), ("mañana", date(2026, 11, 19)),
        ("mon", date(2026, 11, 23)), ("Friday", date(2026, 11, 20)), ("wed", date(2026, 11, 25)),
        ("next tue", date(2026, 11, 24)), ("lunes", date(2026, 11, 23)),
        ("+3d", date(2026, 11, 21)), ("+ 2w", date(2026, 12, 2)), ("in 2 weeks", date(2026, 12, 2)),
        ("in a month", date(2026, 12, 18)), ("3 days", date(2026, 11, 21)), ("en 2 semanas", date(2026, 12, 2)),
        ("2026-12-01", date(2026, 12, 1)), ("11/30", date(2026, 11, 30)), ("1/5", date(2027, 1, 5)),
        ("Nov 30", date(2026, 11, 30)), ("30 nov", date(2026, 11, 30)), ("jan 2", date(2027, 1, 2)),
        ("30 de noviembre de 2026", date(2026, 11, 30)), ("Dec. 1, 2026", date(2026, 12, 1)),
        ("feb 29", date(2028, 2, 29)),
    ],
)  # fmt: skip
def test_days(typed, day):
    assert read_due(typed, TODAY) == (day, None)


@pytest.mark.parametrize(
    ("typed", "day", "hour"),
    [
        ("tomorrow 3pm", date(2026, 11, 19), time(15)),
        ("mon at 9:30", date(2026, 11, 23), time(9, 30)),
        ("15:00", TODAY, time(15)),
        ("+3d 12am", date(2026, 11, 21), time(0)),
        ("Nov 30, 12:15 pm", date(2026, 11, 30), time(12, 15)),
    ],
)
def test_days_with_an_hour(typed, day, hour):
    assert read_due(typed, TODAY) == (day, hour)


@pytest.mark.parametrize(
    "typed",
    ["someday", "x", "+3y", "32 nov", "13/40", "feb 30 2027", "25:00", "mon 13pm", "in weeks", "+", "<b>"],
)
def test_what_is_not_understood_is_said_with_examples(typed):
    with pytest.raises(ValueError, match="is not understood"):
        read_due(typed, TODAY)


@pytest.mark.parametrize(("typed", "said"), [("2026-11-17", "is past"), ("2030-01-01", "two years")])
def test_days_out_of_reach(typed, said):
    with pytest.raises(ValueError, match=said):
        read_due(typed, TODAY)


def read(typed):
    """The day, or the sentence that says why not."""
    try:
        return read_due(typed, TODAY)[0]
    except ValueError as error:
        return str(error)


@given(st.text(max_size=40))
def test_any_text_is_a_day_ahead_or_a_sentence(typed):
    found = read(typed)
    assert found
    assert isinstance(found, str) or TODAY <= found <= TODAY + timedelta(days=730)


@given(
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    st.sampled_from([name for names in WEEKDAYS for name in names]),
)
def test_a_weekday_is_within_the_next_seven_days(today, name):
    day = read_due(name, today)[0]
    assert timedelta(days=1) <= day - today <= timedelta(days=7)
    assert name in WEEKDAYS[day.weekday()]
