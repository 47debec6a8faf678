"""What must hold for any date, zone and amount, not only for the golden ones."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.clocks import rules, storing
from coordinator.clocks.rules import Calendar, Kind, Why
from coordinator.clocks.tests.factories import federal, make_terms

# No deadline on a busy machine, no files left behind, the same examples on every run.
STEADY = settings(deadline=None, database=None, derandomize=True)
FEDERAL = federal()
US_ZONES = sorted(name for name in available_timezones() if name.startswith("US/"))
DAYS = st.dates(date(2015, 1, 1), date(2035, 6, 30))
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2035, 6, 30), timezones=st.just(UTC))
ZONES = st.sampled_from(US_ZONES)
DAY_KINDS = st.sampled_from([Kind.CALENDAR_DAYS, Kind.BUSINESS_DAYS, Kind.WEEKS, Kind.MONTHS])
AMOUNTS = st.integers(1, 30)
CALENDARS = st.builds(
    Calendar,
    name=st.just("any"),
    version=st.just("1"),
    closed_weekdays=st.frozensets(st.integers(0, 6), max_size=6),
    holidays=st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.just("Closed"), max_size=40),
)
# Both changes of the clocks in years to come, hour by hour around them.
CHANGES = [
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2027, 3, 14, 7, tzinfo=UTC),
    datetime(2027, 11, 7, 6, tzinfo=UTC),
    datetime(2028, 3, 12, 8, tzinfo=UTC),
]


@STEADY
@given(MOMENTS, MOMENTS, ZONES, DAY_KINDS, AMOUNTS)
def test_a_later_event_is_never_due_earlier(one, other, zone, kind, amount):
    first, second = sorted([one, other])
    terms = make_terms(kind, amount)
    assert (
        rules.explain(terms, first, zone, FEDERAL).due_at
        <= rules.explain(terms, second, zone, FEDERAL).due_at
    )


@STEADY
@given(MOMENTS, ZONES, DAY_KINDS, AMOUNTS)
def test_more_time_is_never_due_earlier(moment, zone, kind, amount):
    shorter = rules.explain(make_terms(kind, amount), moment, zone, FEDERAL)
    longer = rules.explain(make_terms(kind, amount + 1), moment, zone, FEDERAL)
    assert moment < shorter.due_at < longer.due_at


@STEADY
@given(st.dates(date(2025, 12, 1), date(2026, 12, 31)), st.integers(1, 15), CALENDARS)
def test_a_business_deadline_is_never_on_a_skipped_day_and_its_steps_add_up(day, amount, calendar):
    explanation = rules.explain(make_terms(Kind.BUSINESS_DAYS, amount), day, "America/Denver", calendar)
    assert calendar.is_open(explanation.due_on)
    counted = [step for step in explanation.steps if step.counted]
    assert len(counted) == amount
    assert [step.number for step in counted] == list(range(1, amount + 1))
    assert [step.date for step in explanation.steps] == [
        day + timedelta(days=n) for n in range((explanation.due_on - day).days + 1)
    ], "every day on the way is accounted for"
    assert explanation.steps[0].why is Why.EVENT


@STEADY
@given(DAYS, st.sampled_from([Kind.CALENDAR_DAYS, Kind.WEEKS, Kind.MONTHS]), AMOUNTS)
def test_the_counted_steps_are_as_many_as_the_rule_says(day, kind, amount):
    explanation = rules.explain(make_terms(kind, amount), day, "US/Alaska", FEDERAL)
    assert sum(step.counted for step in explanation.steps) == amount
    assert explanation.steps[-1].date == explanation.due_on


@STEADY
@given(MOMENTS, ZONES, st.integers(1, 200))
def test_hours_are_elapsed_hours_whatever_the_wall_says(moment, zone, hours):
    explanation = rules.explain(make_terms(Kind.ELAPSED_HOURS, hours), moment, zone)
    assert explanation.due_at - moment == timedelta(hours=hours)
    local_change = (
        explanation.due_at.astimezone(ZoneInfo(zone)).utcoffset()
        - moment.astimezone(ZoneInfo(zone)).utcoffset()
    )
    told = sum(
        step.minutes * (1 if step.why is Why.CLOCKS_FORWARD else -1)
        for step in explanation.steps
        if step.minutes
    )
    assert timedelta(minutes=told) == local_change, "the steps name every change of the clocks"


@pytest.mark.parametrize("zone", US_ZONES)
@pytest.mark.parametrize("change", CHANGES)
def test_around_every_change_of_the_clocks_days_end_at_their_last_second(zone, change):
    tz = ZoneInfo(zone)
    for hour in range(-50, 51):
        moment = change + timedelta(hours=hour, minutes=30)
        explanation = rules.explain(make_terms(Kind.CALENDAR_DAYS, 1), moment, zone)
        local = explanation.due_at.astimezone(tz)
        assert (local.hour, local.minute, local.second) == (23, 59, 59)
        assert local.date() == moment.astimezone(tz).date() + timedelta(days=1)
        assert (explanation.due_at + timedelta(seconds=1)).astimezone(tz).date() > local.date()
        exact = rules.explain(make_terms(Kind.ELAPSED_HOURS, 72), moment, zone)
        assert exact.due_at - moment == timedelta(hours=72)


@STEADY
@given(DAYS, ZONES)
def test_the_end_of_a_day_is_its_last_second_in_every_zone(day, zone):
    end = rules.end_of_day(day, zone)
    assert end.astimezone(ZoneInfo(zone)).date() == day
    assert (end + timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() == day + timedelta(days=1)


@STEADY
@given(DAYS, CALENDARS)
def test_book_by_is_open_and_nothing_open_lies_between(day, calendar):
    found = rules.book_by(day, calendar)
    assert found <= day
    assert calendar.is_open(found)
    assert not any(calendar.is_open(found + timedelta(days=n)) for n in range(1, (day - found).days + 1))


@STEADY
@given(MOMENTS, DAY_KINDS, AMOUNTS, st.integers(0, 200), st.integers(0, 400))
def test_a_hold_never_brings_a_deadline_forward_nor_onto_a_closed_day(moment, kind, amount, start, length):
    terms = make_terms(kind, amount, can_hold=True)
    explanation = rules.explain(terms, moment, "US/Central", FEDERAL)
    since = moment + timedelta(hours=start)
    held = rules.resume(explanation, since, since + timedelta(hours=length), FEDERAL)
    assert held.due_at >= explanation.due_at
    if kind is Kind.BUSINESS_DAYS:
        assert FEDERAL.is_open(held.due_on)


@STEADY
@given(MOMENTS | DAYS, ZONES, DAY_KINDS, st.integers(1, 200))
def test_a_stored_explanation_reads_back_the_same(anchor, zone, kind, amount):
    terms = make_terms(kind, amount, extension=rules.ExtensionTerms(), can_hold=True)
    explanation = rules.extend(rules.explain(terms, anchor, zone, FEDERAL, anchor_label="discharge"), 3)
    since = explanation.anchor_at + timedelta(hours=5)
    explanation = rules.resume(explanation, since, since + timedelta(days=2), FEDERAL)
    assert storing.unpack(storing.pack(explanation), terms, "discharge") == explanation


@STEADY
@given(MOMENTS, ZONES)
def test_a_stored_hour_explanation_reads_back_the_same(anchor, zone):
    terms = make_terms(Kind.ELAPSED_HOURS, 72)
    explanation = rules.explain(terms, anchor, zone)
    assert storing.unpack(storing.pack(explanation), terms) == explanation


@STEADY
@given(DAYS)
def test_half_a_year_of_days_is_stored_in_a_few_rows(day):
    explanation = rules.explain(make_terms(Kind.CALENDAR_DAYS, 180), day, "US/Eastern")
    assert len(storing.pack(explanation)["steps"]) == 2
