"""Dates, deadlines, people and numbers in words."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone, translation

from coordinator import wording

NOW = datetime(2026, 11, 18, 16, 24, tzinfo=UTC)  # 10:24 AM in Chicago


@pytest.fixture(autouse=True)
def chicago() -> Generator[None]:
    with timezone.override("America/Chicago"), translation.override("en"):
        yield


def test_a_date_has_its_month_in_letters_and_its_year() -> None:
    assert wording.day(date(2026, 11, 18)) == "Nov 18, 2026"
    assert wording.week_day(date(2026, 11, 18)) == "Wed, Nov 18, 2026"
    assert wording.day(None) == ""


def test_a_moment_is_shown_on_the_clock_of_the_active_zone() -> None:
    midnight_utc = datetime(2026, 11, 18, 3, 5, tzinfo=UTC)
    assert wording.day_time(midnight_utc) == "Nov 17, 2026, 9:05 PM"
    assert wording.day_time(midnight_utc, zone=True) == "Nov 17, 2026, 9:05 PM CST"


def test_spanish_puts_the_day_first_and_counts_24_hours() -> None:
    with translation.override("es"):
        assert wording.day(date(2026, 11, 18)).lower() == "18 nov 2026"
        assert wording.clock_time(datetime(2026, 11, 18, 19, 5, tzinfo=UTC)) == "13:05"


def test_in_the_hour_that_autumn_repeats_the_zone_is_named() -> None:
    first, second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC), datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    assert wording.clock_time(first) == "1:30 AM CDT"
    assert wording.clock_time(second) == "1:30 AM CST"
    assert wording.clock_time(datetime(2026, 11, 1, 9, 30, tzinfo=UTC)) == "3:30 AM"


def test_a_short_day_drops_the_year_only_when_it_is_near() -> None:
    today = date(2026, 11, 18)
    assert wording.short_day(date(2026, 11, 2), today) == "Nov 2"
    assert wording.short_day(date(2025, 11, 2), today) == "Nov 2, 2025"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(minutes=12), "12 min"),
        (timedelta(hours=6, minutes=36), "6 h 36 min"),
        (timedelta(hours=4), "4 h"),
        (timedelta(hours=26), "1 d 2 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=5, hours=3), "5 days"),
    ],
)
def test_a_length_of_time_has_at_most_two_units(length: timedelta, words: str) -> None:
    assert wording.span(length) == words


@pytest.mark.parametrize(
    ("value", "options", "text", "absolute", "tone"),
    [
        (date(2026, 11, 16), {}, "2 days overdue", "Mon, Nov 16", "over"),
        (date(2026, 11, 17), {}, "1 day overdue", "Tue, Nov 17", "over"),
        (date(2026, 11, 18), {}, "Today", "Wed, Nov 18", ""),
        (date(2026, 11, 19), {}, "Tomorrow", "Thu, Nov 19", "plain"),
        (date(2026, 11, 20), {}, "In 2 days", "Fri, Nov 20", "plain"),
        (date(2027, 11, 20), {}, "In 367 days", "Sat, Nov 20, 2027", "plain"),
        (NOW + timedelta(hours=2, minutes=36), {"has_time": True}, "Today 1:00 PM", "Wed, Nov 18", ""),
        (NOW - timedelta(hours=3), {"has_time": True}, "3 h overdue", "Wed, Nov 18, 7:24 AM", "over"),
        (
            NOW + timedelta(hours=6, minutes=36),
            {"has_time": True, "clock": True},
            "6 h 36 min left",
            "Today 5:00 PM",
            "soon",
        ),
        (date(2026, 11, 19), {"clock": True}, "1 day left", "Thu, Nov 19", "soon"),
        (date(2026, 11, 23), {"clock": True}, "5 days left", "Mon, Nov 23", "plain"),
    ],
)
def test_a_deadline_says_how_far_and_when(
    value: date | datetime, options: dict[str, bool], text: str, absolute: str, tone: str
) -> None:
    words = wording.due_words(value, now=NOW, **options)
    assert (words.text, words.absolute, words.tone) == (text, absolute, tone)


def test_a_deadline_without_an_hour_is_good_until_its_local_day_ends() -> None:
    last_second = datetime(2026, 11, 19, 5, 59, 59, tzinfo=UTC)  # 11:59:59 PM on Nov 18 in Chicago
    assert wording.due_words(last_second, now=NOW).text == "Today"


def test_every_toned_deadline_has_an_icon_that_says_the_same() -> None:
    for ends in (NOW - timedelta(days=2), NOW + timedelta(hours=2)):
        words = wording.due_words(ends, now=NOW, has_time=True, clock=True)
        assert words.tone in ("over", "soon")
        assert words.icon


def test_a_held_clock_says_what_was_left() -> None:
    assert wording.left_when_held(NOW + timedelta(hours=74), NOW) == "Paused at 3 days"


def test_a_name_starts_with_the_family_in_capitals() -> None:
    person = SimpleNamespace(family_name="Ramírez", given_name="Elena", preferred_name="Lena")
    assert wording.family_first(person) == "RAMÍREZ, Elena “Lena”"
    assert wording.family_first(SimpleNamespace(family_name="Abdi", given_name="")) == "ABDI"
    same = SimpleNamespace(family_name="Abdi", given_name="Hodan", preferred_name="hodan")
    assert wording.family_first(same) == "ABDI, Hodan"


@pytest.mark.parametrize(
    ("born", "today", "words"),
    [
        (date(1958, 3, 14), date(2026, 3, 13), "67"),
        (date(1958, 3, 14), date(2026, 3, 14), "68"),
        (date(2024, 2, 29), date(2026, 2, 28), "23 mo"),
        (date(2026, 11, 18), date(2026, 11, 18), "0 mo"),
        (None, date(2026, 1, 1), ""),
    ],
)
def test_age_is_counted_on_birthdays(born: date | None, today: date, words: str) -> None:
    assert wording.age(born, today) == words


def test_someone_who_has_died_stays_the_age_they_were() -> None:
    assert wording.age(date(1950, 1, 1), date(2026, 1, 1), date(2000, 6, 1)) == "50"


def test_telephone_numbers_of_north_america_are_grouped_and_others_kept() -> None:
    assert wording.phone("+16125550143") == wording.phone("612.555.0143") == "(612) 555-0143"
    assert wording.phone("+44 20 7946 0018") == "+44 20 7946 0018"
    assert wording.phone_uri("(612) 555-0143") == "tel:+16125550143"
    assert wording.phone_uri("none") == ""


def test_initials_leave_credentials_out() -> None:
    assert wording.initials("Dana Whitfield, RN") == "DW"
    assert wording.initials("Cher") == "C"


def test_a_language_is_named_by_its_main_code() -> None:
    assert wording.language_name("es-MX") == "Spanish"
    assert wording.language_name("xx") == "xx"
