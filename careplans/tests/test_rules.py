"""The rules, one vector at a time, and what must hold for every moment of every year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careplans import rules
from careplans.models import Outcome
from careplans.rules import Group, Offer
from coordinator.clocks.rules import Calendar

ZONE = "America/Chicago"
THANKSGIVING = date(2026, 11, 26)
CALENDAR = Calendar(
    "US federal", "1", holidays={THANKSGIVING: "Thanksgiving Day", date(2026, 12, 25): "Christmas Day"}
)


def at(text: str, zone: str = ZONE) -> datetime:
    """ "2026-11-18 10:24" on the clock of that zone, as UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local(moment: datetime | None, zone: str = ZONE) -> str:
    assert moment is not None
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def after(outcome: str, when: str, **given_facts):
    return rules.after_contact(outcome, at(when), CALENDAR, ZONE, **given_facts)


# --- what each result does ---


@pytest.mark.parametrize(
    ("outcome", "when", "next_at"),
    [
        ("left_message", "2026-11-18 10:24", "2026-11-19 14:00"),  # morning -> the afternoon of the next day
        ("left_message", "2026-11-18 15:10", "2026-11-19 10:00"),  # afternoon -> the next morning
        ("no_answer", "2026-11-18 11:59", "2026-11-19 14:00"),
        ("no_answer", "2026-11-18 12:00", "2026-11-19 10:00"),
        ("no_answer", "2026-11-20 09:00", "2026-11-23 14:00"),  # Friday -> Monday
        ("no_answer", "2026-11-21 09:00", "2026-11-23 14:00"),  # called on a Saturday
        ("left_message", "2026-11-25 16:00", "2026-11-27 10:00"),  # Thanksgiving is skipped, Friday is open
        ("left_message", "2026-12-24 09:00", "2026-12-28 14:00"),  # Christmas on a Friday
        ("busy", "2026-11-18 10:24", "2026-11-18 12:24"),
        ("busy", "2026-11-18 16:00", "2026-11-18 18:00"),
        ("busy", "2026-11-18 16:01", "2026-11-19 10:00"),  # nobody is called in the evening
        ("busy", "2026-11-21 21:41", "2026-11-23 10:00"),  # nor on the night to Sunday
        ("busy", "2026-11-25 23:30", "2026-11-27 10:00"),
        ("language_barrier", "2026-11-18 10:24", "2026-11-18 14:00"),  # same day
        ("language_barrier", "2026-11-18 12:30", "2026-11-19 10:00"),  # or next day
        ("language_barrier", "2026-11-20 15:00", "2026-11-23 10:00"),
    ],
)
def test_the_next_attempt(outcome, when, next_at):
    result = after(outcome, when)
    assert local(result.next_at) == next_at
    assert not result.reached
    assert not result.closes
    assert result.explanation


def test_reached_closes():
    result = after("reached_done", "2026-11-18 10:24")
    assert (result.reached, result.close_as, result.next_at) == (True, "complete", None)


def test_a_promised_call_back_is_at_the_promised_time():
    promised = at("2026-11-24 16:30")
    result = after("reached_call_back", "2026-11-18 10:24", promised_at=promised)
    assert (result.reached, result.next_at, result.closes) == (True, promised, False)
    assert "Tue, Nov 24, 2026, 4:30" in result.explanation[0]


@pytest.mark.parametrize("promised", [None, "2026-11-18 10:24", "2026-11-17 09:00"])
def test_a_call_back_needs_a_time_still_to_come(promised):
    with pytest.raises(ValueError, match=r"promised"):
        after("reached_call_back", "2026-11-18 10:24", promised_at=promised and at(promised))


@pytest.mark.parametrize("outcome", ["wrong_number", "disconnected"])
def test_a_bad_number_is_flagged_and_makes_a_data_task(outcome):
    result = after(outcome, "2026-11-18 10:24")
    assert (result.flags_number, result.reached, result.next_at) == (True, False, None)
    assert [task.kind for task in result.extra] == ["data_quality"]
    assert local(result.extra[0].due_at) == "2026-11-19 23:59"


def test_a_refusal_closes_without_doing():
    result = after("refused", "2026-11-18 10:24")
    assert (result.reached, result.close_as) == (True, "cancel")


def test_a_caregiver_counts_only_when_they_may_hear_about_it():
    counted = after("spoke_with_caregiver", "2026-11-18 10:24", may_hear=True)
    assert (counted.reached, counted.close_as) == (True, "complete")
    for may_hear in (False, None):
        not_counted = after("spoke_with_caregiver", "2026-11-18 10:24", may_hear=may_hear)
        assert (not_counted.reached, not_counted.closes) == (False, False)
        assert local(not_counted.next_at) == "2026-11-19 14:00"
        assert "Nothing about the patient" in not_counted.explanation[0]


def test_a_language_barrier_books_an_interpreter_before_the_next_call():
    result = after("language_barrier", "2026-11-18 09:00", language="Spanish")
    (task,) = result.extra
    assert task.title == "Book an interpreter: Spanish"
    assert task.due_at == result.next_at


def test_the_explanation_names_the_holiday():
    assert "Thu, Nov 26, 2026 is Thanksgiving Day." in after("no_answer", "2026-11-25 16:00").explanation


def test_an_unknown_result_is_refused():
    with pytest.raises(ValueError, match="shrugged"):
        after("shrugged", "2026-11-18 10:24")


@pytest.mark.parametrize(
    ("when", "deadline", "next_at"),
    [
        ("2026-11-18 10:24", "2026-11-18 17:00", "2026-11-18 14:00"),  # this afternoon instead
        ("2026-11-18 14:10", "2026-11-18 17:00", "2026-11-18 16:10"),  # in two hours
        ("2026-11-18 16:00", "2026-11-18 17:00", "2026-11-18 16:30"),  # half of what is left
        ("2026-11-18 10:24", "2026-11-20 17:00", "2026-11-19 14:00"),  # far enough: as always
        ("2026-11-18 10:24", "2026-11-17 17:00", "2026-11-19 14:00"),  # passed already: as always
    ],
)
def test_a_rules_deadline_brings_the_next_attempt_forward(when, deadline, next_at):
    assert local(after("no_answer", when, deadline=at(deadline)).next_at) == next_at


@pytest.mark.parametrize(
    ("when", "next_at", "utc"),
    [
        ("2026-10-30 15:00", "2026-11-02 10:00", "16:00"),  # clocks go back on Sunday, Nov 1
        ("2026-03-06 15:00", "2026-03-09 10:00", "15:00"),  # clocks go forward on Sunday, Mar 8
    ],
)
def test_a_clock_change_does_not_move_the_local_time(when, next_at, utc):
    result = after("no_answer", when)
    assert local(result.next_at) == next_at
    assert result.next_at is not None
    assert result.next_at.strftime("%H:%M") == utc


def test_two_hours_are_two_elapsed_hours_when_clocks_change():
    before = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 12:30 AM in Chicago, then 1 AM comes twice
    result = rules.after_contact("busy", before.astimezone(ZoneInfo(ZONE)), CALENDAR, ZONE)
    assert result.next_at == before + timedelta(hours=2)


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))
ZONES = st.sampled_from(["America/Chicago", "America/New_York", "America/Phoenix", "America/Los_Angeles"])
RESULTS = st.sampled_from([o.value for o in Outcome if o.value != "reached_call_back"])


@settings(max_examples=300, deadline=None)
@given(moment=MOMENTS, zone=ZONES, outcome=RESULTS, may_hear=st.booleans())
def test_every_result_at_every_moment_says_what_comes_next(moment, zone, outcome, may_hear):
    result = rules.after_contact(outcome, moment, CALENDAR, zone, may_hear=may_hear)
    assert result.explanation
    assert result.closes or result.next_at is not None or result.extra
    if result.next_at is None:
        return
    assert result.next_at > moment
    there = result.next_at.astimezone(ZoneInfo(zone))
    if outcome in ("left_message", "no_answer"):
        assert CALENDAR.is_open(there.date())
        assert result.day_part != rules.day_part(moment, zone)
        assert (there.date() - moment.astimezone(ZoneInfo(zone)).date()).days <= 5


@settings(max_examples=200, deadline=None)
@given(
    moment=MOMENTS, hours=st.integers(1, 24 * 10), outcome=st.sampled_from(["no_answer", "busy"]), zone=ZONES
)
def test_a_deadline_still_to_come_is_never_passed_over(moment, hours, outcome, zone):
    deadline = moment + timedelta(hours=hours)
    result = rules.after_contact(outcome, moment, CALENDAR, zone, deadline=deadline)
    assert result.next_at is not None
    assert moment - timedelta(minutes=1) < result.next_at <= deadline


# --- after the last planned attempt ---


def test_the_third_failed_attempt_offers_what_else_can_be_done():
    assert rules.offers(2, 3, "no_answer") == ()
    assert rules.offers(3, 3, "no_answer") == (
        Offer.LETTER,
        Offer.OTHER_CONTACT,
        Offer.ASK_CLINICIAN,
        Offer.CLOSE,
    )
    assert rules.offers(3, 3, "reached_call_back") == ()
    assert rules.offers(3, 3, "") == ()


# --- groups and age ---

NOW = at("2026-11-18 10:24")


def task(due: str | None = None, **fields):
    fields = {"due_at": at(due) if due else None, "clock_id": None, "due_has_time": False} | fields
    return SimpleNamespace(**fields)


@pytest.mark.parametrize(
    ("due", "group"),
    [
        (None, Group.NO_DEADLINE),
        ("2026-11-17 23:59", Group.OVERDUE),
        ("2026-11-18 09:00", Group.OVERDUE),
        ("2026-11-18 13:00", Group.TODAY),
        ("2026-11-18 23:59", Group.TODAY),
        ("2026-11-19 00:01", Group.NEXT_7_DAYS),
        ("2026-11-25 23:59", Group.NEXT_7_DAYS),
        ("2026-11-26 08:00", Group.LATER),
    ],
)
def test_lists_sort_by_consequence(due, group):
    assert rules.group_of(task(due), NOW, ZONE) == group


@pytest.mark.parametrize(
    ("due", "group"),
    [
        ("2026-11-10 17:00", Group.ON_THE_CLOCK),
        ("2026-11-25 17:00", Group.ON_THE_CLOCK),
        ("2026-12-18 17:00", Group.LATER),
    ],
)
def test_a_rules_deadline_comes_first_when_it_is_near(due, group):
    assert rules.group_of(task(due, clock_id=1), NOW, ZONE) == group


def test_today_is_the_day_of_the_zone():
    late = at("2026-11-18 23:30")
    assert rules.group_of(task("2026-11-19 00:30"), late, ZONE) == Group.NEXT_7_DAYS
    assert rules.group_of(task("2026-11-19 00:30"), late, "America/Denver") == Group.TODAY


def aged(**fields):
    fields = {"opened_at": NOW, "held_seconds": 0, "held_since": None, "ended_at": None} | fields
    return SimpleNamespace(**fields)


def test_age_leaves_out_the_time_on_hold():
    on_hold = aged(held_seconds=3600, held_since=NOW + timedelta(hours=5))
    result = rules.age(on_hold, NOW + timedelta(hours=7))
    assert (result.open_for, result.held_for) == (timedelta(hours=4), timedelta(hours=3))


@given(elapsed=st.integers(-100, 10**6), held=st.integers(0, 10**6), since=st.none() | st.integers(0, 10**6))
def test_age_is_never_negative(elapsed, held, since):
    held_since = None if since is None else NOW + timedelta(seconds=since)
    result = rules.age(aged(held_seconds=held, held_since=held_since), NOW + timedelta(seconds=elapsed))
    assert result.open_for >= timedelta()
    assert result.held_for >= timedelta()


def test_snooze_shortcuts():
    times = rules.snooze_times(NOW, ZONE)
    assert {name: local(moment) for name, moment in times.items()} == {
        "later": "2026-11-18 12:30",
        "tomorrow": "2026-11-19 08:00",
        "week": "2026-11-25 08:00",
    }
    assert "later" not in rules.snooze_times(at("2026-11-18 17:00"), ZONE)


def test_snooze_skips_days_on_which_nobody_is_there():
    friday = rules.snooze_times(at("2026-11-20 10:00"), ZONE, calendar=CALENDAR)
    assert local(friday["tomorrow"]) == "2026-11-23 08:00"
    before_thanksgiving = rules.snooze_times(at("2026-11-19 10:00"), ZONE, calendar=CALENDAR)
    assert local(before_thanksgiving["week"]) == "2026-11-27 08:00"


# --- caseload ---


def test_a_heavy_caseload_is_marked():
    assert [rules.load_band(n) for n in (149, 150, 199, 200)] == ["", "warn", "warn", "danger"]
