"""Golden dates of the rules, and the edges of the calendar."""

from datetime import UTC, date, datetime, timedelta

import holidays
import pytest

from coordinator.clocks import rules, sync
from coordinator.clocks.register import FEDERAL_YEARS
from coordinator.clocks.rules import Calendar, ExtensionTerms, Kind, Refusal, Why
from coordinator.clocks.tests.factories import (
    CHICAGO,
    EXPEDITED,
    NEW_YORK,
    STANDARD,
    business,
    due_day,
    federal,
    local,
    make_terms,
)

TCM_TABLE = [
    # discharge, contact due, 7-day visit, 14-day visit, period ends
    ("2026-11-16", "2026-11-18", "2026-11-23", "2026-11-30", "2026-12-15"),
    ("2026-11-20", "2026-11-24", "2026-11-27", "2026-12-04", "2026-12-19"),
    ("2026-11-21", "2026-11-24", "2026-11-28", "2026-12-05", "2026-12-20"),
    ("2026-11-24", "2026-11-27", "2026-12-01", "2026-12-08", "2026-12-23"),
    ("2026-11-25", "2026-11-30", "2026-12-02", "2026-12-09", "2026-12-24"),
    ("2026-12-24", "2026-12-29", "2026-12-31", "2027-01-07", "2027-01-22"),
    ("2026-07-01", "2026-07-06", "2026-07-08", "2026-07-15", "2026-07-30"),
]


@pytest.mark.parametrize(("discharge", "contact", "visit_7", "visit_14", "period_end"), TCM_TABLE)
def test_transitional_care_dates_match_the_published_table(discharge, contact, visit_7, visit_14, period_end):
    day = date.fromisoformat(discharge)
    assert due_day(business(2), day) == date.fromisoformat(contact)
    assert due_day(make_terms(Kind.CALENDAR_DAYS, 7), day) == date.fromisoformat(visit_7)
    assert due_day(make_terms(Kind.CALENDAR_DAYS, 14), day) == date.fromisoformat(visit_14)
    assert due_day(make_terms(Kind.CALENDAR_DAYS, 29), day) == date.fromisoformat(period_end)


def test_seventy_two_hours_end_an_hour_earlier_on_the_wall_when_clocks_go_back():
    explanation = rules.explain(EXPEDITED, local(NEW_YORK, 2026, 10, 30, 10), NEW_YORK)
    assert explanation.due_at == local(NEW_YORK, 2026, 11, 2, 9)
    assert explanation.due_on is None
    assert [(s.date, s.why, s.minutes) for s in explanation.steps if s.minutes] == [
        (date(2026, 11, 1), Why.CLOCKS_BACK, 60)
    ]


def test_seventy_two_hours_end_an_hour_later_on_the_wall_when_clocks_go_forward():
    explanation = rules.explain(EXPEDITED, local(NEW_YORK, 2027, 3, 12, 16), NEW_YORK)
    assert explanation.due_at == local(NEW_YORK, 2027, 3, 15, 17)
    assert explanation.steps[1].why is Why.CLOCKS_FORWARD


def test_a_standard_decision_counts_thanksgiving():
    explanation = rules.explain(STANDARD, local(NEW_YORK, 2026, 11, 23, 11), NEW_YORK, federal())
    assert explanation.due_on == date(2026, 11, 30)
    assert explanation.due_at == local(NEW_YORK, 2026, 11, 30, 23, 59, 59)
    thanksgiving = next(s for s in explanation.steps if s.date == date(2026, 11, 26))
    assert thanksgiving.counted
    assert thanksgiving.name == "Thanksgiving Day"


def test_a_fourteen_day_extension_moves_a_standard_decision_to_december_14():
    explanation = rules.explain(STANDARD, local(NEW_YORK, 2026, 11, 23, 11), NEW_YORK)
    extended = rules.extend(explanation, 14)
    assert extended.due_at == local(NEW_YORK, 2026, 12, 14, 23, 59, 59)
    assert extended.adjustments[0].days == 14
    assert explanation.due_on == date(2026, 11, 30), "the first explanation stays as it was"


def test_an_extension_of_an_hour_rule_keeps_the_local_time_across_a_clock_change():
    explanation = rules.explain(EXPEDITED, local(NEW_YORK, 2026, 10, 20, 10), NEW_YORK)
    assert rules.extend(explanation, 14).due_at == local(NEW_YORK, 2026, 11, 6, 10)


def test_extensions_of_one_deadline_count_together():
    explanation = rules.extend(rules.explain(STANDARD, date(2026, 11, 23), NEW_YORK), 10)
    assert rules.extend(explanation, 4).due_on == date(2026, 12, 14)
    with pytest.raises(Refusal, match="at most 14"):
        rules.extend(explanation, 5)


def test_a_rule_with_one_extension_refuses_the_second():
    erisa = make_terms(Kind.CALENDAR_DAYS, 15, extension=ExtensionTerms(days=15, times=1))
    once = rules.extend(rules.explain(erisa, date(2026, 11, 2), NEW_YORK), 5)
    with pytest.raises(Refusal, match="as often"):
        rules.extend(once, 5)


def test_an_extension_needs_a_rule_that_knows_one_and_at_least_a_day():
    with pytest.raises(Refusal, match="no extension"):
        rules.extend(rules.explain(business(2), date(2026, 11, 20), NEW_YORK, federal()), 1)
    with pytest.raises(Refusal, match="at least one"):
        rules.extend(rules.explain(STANDARD, date(2026, 11, 20), NEW_YORK), 0)


def test_an_extension_without_a_known_limit_follows_the_notice():
    open_ended = make_terms(Kind.CALENDAR_DAYS, 7, extension=ExtensionTerms())
    assert rules.extend(rules.explain(open_ended, date(2026, 3, 2), NEW_YORK), 30).due_on == date(2026, 4, 8)


def test_the_day_after_thanksgiving_and_christmas_eve_are_open():
    calendar = federal()
    assert calendar.is_open(date(2026, 11, 27))
    assert calendar.is_open(date(2026, 12, 24))
    assert not calendar.is_open(date(2026, 11, 26))
    assert not calendar.is_open(date(2026, 12, 25))


@pytest.mark.parametrize(
    ("holiday", "kept"),
    [
        ("2026-07-04", "2026-07-03"),
        ("2027-07-04", "2027-07-05"),
        ("2021-12-25", "2021-12-24"),
        ("2026-12-25", "2026-12-25"),
    ],
)
def test_a_holiday_on_a_weekend_is_kept_on_the_nearest_weekday(holiday, kept):
    assert rules.observed(date.fromisoformat(holiday)) == date.fromisoformat(kept)


def test_the_shipped_holidays_follow_the_observed_rule_in_every_year():
    actual = holidays.country_holidays("US", years=FEDERAL_YEARS, observed=False)
    shipped = sync.federal_holidays()
    for day in actual:
        assert rules.observed(day) in shipped, day
    assert all(rules.observed(day) in {*actual, *map(rules.observed, actual)} for day in shipped)


def test_new_years_day_2022_was_kept_in_2021():
    assert not federal().is_open(date(2021, 12, 31))


def test_leap_days_count_like_any_other():
    assert due_day(make_terms(Kind.CALENDAR_DAYS, 7), date(2028, 2, 24)) == date(2028, 3, 2)
    assert due_day(make_terms(Kind.CALENDAR_DAYS, 7), date(2027, 2, 24)) == date(2027, 3, 3)
    assert due_day(business(2), date(2028, 2, 28)) == date(2028, 3, 1)


def test_weeks_and_months_land_on_the_same_day_or_the_last_of_a_short_month():
    assert due_day(make_terms(Kind.WEEKS, 2), date(2026, 11, 20)) == date(2026, 12, 4)
    assert due_day(make_terms(Kind.MONTHS, 1), date(2026, 1, 31)) == date(2026, 2, 28)
    assert due_day(make_terms(Kind.MONTHS, 12), date(2028, 2, 29)) == date(2029, 2, 28)
    assert due_day(make_terms(Kind.MONTHS, 1), date(2026, 12, 15)) == date(2027, 1, 15)
    assert due_day(make_terms(Kind.MONTHS, 11), date(2026, 1, 31)) == date(2026, 12, 31)


def test_the_same_day_ends_with_the_local_day_of_the_event():
    late_evening = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)  # 22:30 the day before in Chicago
    explanation = rules.explain(make_terms(Kind.SAME_DAY), late_evening, CHICAGO)
    assert explanation.due_at == local(CHICAGO, 2026, 11, 20, 23, 59, 59)


def test_a_set_date_is_the_end_of_that_day_and_must_be_known():
    explanation = rules.explain(
        make_terms(Kind.FIXED_DATE), date(2026, 11, 20), CHICAGO, on=date(2026, 12, 1)
    )
    assert explanation.due_at == local(CHICAGO, 2026, 12, 1, 23, 59, 59)
    with pytest.raises(Refusal, match="not known yet"):
        rules.explain(make_terms(Kind.FIXED_DATE), date(2026, 11, 20), CHICAGO)


def test_a_rule_without_a_deadline_says_so():
    with pytest.raises(Refusal, match="sets no deadline"):
        rules.explain(make_terms(Kind.NO_DEADLINE), date(2026, 11, 20), CHICAGO)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        rules.explain(EXPEDITED, datetime(2026, 10, 30, 10), NEW_YORK)
    with pytest.raises(ValueError, match="zone"):
        rules.local_date(datetime(2026, 10, 30, 10), NEW_YORK)


@pytest.mark.parametrize("zone", ["America/Nowhere", "", "../etc/passwd"])
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(ValueError, match="no time zone"):
        rules.explain(STANDARD, date(2026, 10, 30), zone)


def test_an_hour_rule_needs_a_time_and_a_business_rule_a_calendar():
    with pytest.raises(ValueError, match="only a date"):
        rules.explain(EXPEDITED, date(2026, 10, 30), NEW_YORK)
    with pytest.raises(ValueError, match="needs a calendar"):
        rules.explain(business(2), date(2026, 10, 30), NEW_YORK)


@pytest.mark.parametrize(
    ("kind", "amount"), [(Kind.BUSINESS_DAYS, 0), (Kind.CALENDAR_DAYS, 99999), (Kind.SAME_DAY, 1)]
)
def test_a_rule_with_a_senseless_amount_cannot_be_made(kind, amount):
    with pytest.raises(ValueError, match="does not go with"):
        make_terms(kind, amount)


def test_an_unknown_word_in_the_parameters_is_an_error():
    with pytest.raises(ValueError, match="unknown parameters"):
        rules.Terms.read(kind="calendar_days", params={"amount": 7, "amuont": 8}, key="x", version=1)


def test_a_calendar_that_never_opens_cannot_be_made_and_cannot_be_changed():
    with pytest.raises(ValueError, match="open weekday"):
        Calendar(name="never", version="1", closed_weekdays=frozenset(range(7)))
    with pytest.raises(TypeError):
        federal().holidays[date(2026, 1, 2)] = "made up"  # type: ignore[index]


def test_a_site_that_works_saturdays_counts_them():
    calendar = Calendar(name="six days", version="3", closed_weekdays=frozenset({6}))
    assert rules.explain(business(2), date(2026, 11, 20), CHICAGO, calendar).due_on == date(2026, 11, 23)


def test_book_by_is_the_last_open_day_on_or_before_and_moves_no_deadline():
    calendar = federal()
    assert rules.book_by(date(2026, 11, 28), calendar) == date(2026, 11, 27)
    assert rules.book_by(date(2026, 11, 26), calendar) == date(2026, 11, 25)
    assert rules.book_by(date(2026, 7, 5), calendar) == date(2026, 7, 2)
    assert rules.book_by(date(2026, 11, 24), calendar) == date(2026, 11, 24)


def test_business_days_between_two_dates_leave_out_the_first():
    calendar = federal()
    assert rules.business_days_between(date(2026, 11, 24), date(2026, 11, 30), calendar) == 3
    assert rules.business_days_between(date(2026, 11, 24), date(2026, 11, 24), calendar) == 0


def test_warnings_come_at_half_four_fifths_and_the_last_hours_of_an_expedited_decision():
    start = local(NEW_YORK, 2026, 11, 9, 10)
    points = rules.warn_points(rules.explain(EXPEDITED, start, NEW_YORK))
    assert [(p.percent, p.hours_left) for p in points] == [(50, 0), (0, 24), (80, 0), (0, 4)]
    assert points[0].at == start.astimezone(UTC) + timedelta(hours=36)
    assert points[-1].at == start.astimezone(UTC) + timedelta(hours=68)


def test_there_is_nothing_to_warn_about_when_the_date_is_already_past():
    explanation = rules.explain(
        make_terms(Kind.FIXED_DATE), local(CHICAGO, 2026, 11, 20, 8), CHICAGO, on=date(2026, 11, 1)
    )
    assert rules.warn_points(explanation) == []


def test_a_hold_gives_back_the_hours_it_took():
    explanation = rules.explain(EXPEDITED, local(NEW_YORK, 2026, 11, 9, 10), NEW_YORK)
    held = rules.resume(explanation, local(NEW_YORK, 2026, 11, 10, 8), local(NEW_YORK, 2026, 11, 10, 20))
    assert held.due_at == local(NEW_YORK, 2026, 11, 12, 22)


def test_a_hold_over_a_weekend_gives_back_only_its_business_days():
    explanation = rules.explain(business(5), date(2026, 11, 16), NEW_YORK, federal())
    assert explanation.due_on == date(2026, 11, 23)
    since, until = local(NEW_YORK, 2026, 11, 20, 9), local(NEW_YORK, 2026, 11, 24, 9)
    held = rules.resume(explanation, since, until, federal())
    assert held.due_on == date(2026, 11, 25), "Monday and Tuesday were held"
    assert held.adjustments[0].days == 2


def test_a_hold_gives_back_calendar_days_of_a_calendar_rule():
    terms = make_terms(Kind.CALENDAR_DAYS, 7, can_hold=True)
    explanation = rules.explain(terms, date(2026, 11, 16), NEW_YORK)
    held = rules.resume(explanation, local(NEW_YORK, 2026, 11, 17, 9), local(NEW_YORK, 2026, 11, 20, 9))
    assert held.due_on == date(2026, 11, 26)
    with pytest.raises(ValueError, match="before it began"):
        rules.resume(explanation, local(NEW_YORK, 2026, 11, 20, 9), local(NEW_YORK, 2026, 11, 17, 9))


def test_a_federal_clock_cannot_be_held():
    explanation = rules.explain(STANDARD, date(2026, 11, 16), NEW_YORK)
    with pytest.raises(Refusal, match="cannot be put on hold"):
        rules.resume(explanation, local(NEW_YORK, 2026, 11, 17, 9), local(NEW_YORK, 2026, 11, 20, 9))


def test_a_year_the_calendar_does_not_know_is_named():
    explanation = rules.explain(business(2), date(2035, 12, 31), NEW_YORK, federal())
    assert explanation.unknown_years == (2036,)
