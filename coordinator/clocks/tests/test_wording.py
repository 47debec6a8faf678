"""Explanations read aloud."""

from datetime import date

from django.utils import translation

from coordinator.clocks import rules, wording
from coordinator.clocks.rules import Calendar, Kind
from coordinator.clocks.tests.factories import (
    CHICAGO,
    EXPEDITED,
    NEW_YORK,
    STANDARD,
    business,
    federal,
    local,
    make_terms,
)


def test_a_discharge_before_thanksgiving_explains_each_skipped_day():
    terms = make_terms(
        Kind.BUSINESS_DAYS, 2, title="Contact after discharge", source="CMS TCM booklet.", key="tcm.contact"
    )
    explanation = rules.explain(terms, date(2026, 11, 25), CHICAGO, federal(), anchor_label="discharge")
    assert explanation.sentences() == [
        "Due: the end of Mon, Nov 30, 2026 (America/Chicago).",
        "2 business days, starting with: discharge, Wed, Nov 25, 2026.",
        "Wed Nov 25: the day of the event, day 0.",
        "Thu Nov 26: Thanksgiving Day, not counted.",
        "Fri Nov 27: day 1.",
        "Sat Nov 28: weekend, not counted.",
        "Sun Nov 29: weekend, not counted.",
        "Mon Nov 30: day 2.",
        "Days off come from the calendar US federal, version 1.",
        "Rule: Contact after discharge, version 1.",
        "Source: CMS TCM booklet.",
    ]
    assert explanation.steps[1].reason == "Thu Nov 26: Thanksgiving Day, not counted"


def test_an_hour_rule_explains_the_change_of_the_clocks():
    lines = rules.explain(EXPEDITED, local(NEW_YORK, 2026, 10, 30, 10), NEW_YORK).sentences()
    assert lines[0] == "Due: Mon, Nov 2, 2026, 9:00 AM EST."
    assert lines[1] == "72 hours, starting Fri, Oct 30, 2026, 10:00 AM EDT."
    assert "Sun Nov 1: clocks go back 60 minutes, so the local time reads earlier." in lines
    assert "Mon Nov 2: 72 hours have passed." in lines


def test_calendar_days_in_a_row_share_a_line_and_the_holiday_stands_out():
    lines = rules.explain(STANDARD, date(2026, 11, 23), NEW_YORK, federal()).sentences()
    assert lines[2:7] == [
        "Mon Nov 23: the day of the event, day 0.",
        "Tue Nov 24: day 1.",
        "Wed Nov 25: day 2.",
        "Thu Nov 26: Thanksgiving Day, counts as day 3.",
        "Fri Nov 27 to Mon Nov 30: days 4 to 7.",
    ]
    assert "Weekends and holidays count." in lines


def test_an_extension_and_a_hold_are_told_in_order():
    terms = make_terms(Kind.CALENDAR_DAYS, 7, extension=rules.ExtensionTerms(days=14), can_hold=True)
    explanation = rules.extend(rules.explain(terms, date(2026, 11, 23), NEW_YORK), 14)
    explanation = rules.resume(
        explanation, local(NEW_YORK, 2026, 12, 1, 9), local(NEW_YORK, 2026, 12, 3, 9, 30)
    )
    lines = explanation.sentences()
    first = lines.index(
        "Extended by 14 calendar days: now due the end of Mon, Dec 14, 2026 (America/New_York)."
    )
    assert lines[first + 1] == (
        "On hold from Tue, Dec 1, 2026, 9:00 AM EST to Thu, Dec 3, 2026, 9:30 AM EST: "
        "now due the end of Wed, Dec 16, 2026 (America/New_York)."
    )


def test_an_unverified_rule_and_an_unknown_year_say_so():
    terms = make_terms(Kind.BUSINESS_DAYS, 2, verified=False)
    lines = rules.explain(terms, date(2035, 12, 31), NEW_YORK, federal()).sentences()
    assert "This rule has not been compared with its source yet." in lines
    assert "That calendar lists no holidays for 2036: please check the date." in lines


def test_other_ways_of_counting_have_words_of_their_own():
    def lines(kind, amount=0, **more):
        return rules.explain(make_terms(kind, amount), date(2026, 11, 20), CHICAGO, **more).sentences()

    assert "Fri Dec 4: week 2." in lines(Kind.WEEKS, 2)
    assert "Sun Dec 20: month 1." in lines(Kind.MONTHS, 1)
    assert "Fri Nov 20: due the same day." in lines(Kind.SAME_DAY)
    assert "Tue Dec 1: the date that was set." in lines(Kind.FIXED_DATE, on=date(2026, 12, 1))


def test_a_closed_weekday_that_is_no_weekend_is_not_called_one():
    calendar = Calendar(name="four days", version="1", closed_weekdays=frozenset({2, 5, 6}))
    lines = rules.explain(business(2), date(2026, 11, 23), CHICAGO, calendar).sentences()
    assert "Wed Nov 25: closed that day, not counted." in lines


def test_month_names_follow_the_active_language():
    explanation = rules.explain(STANDARD, date(2026, 1, 20), NEW_YORK)
    with translation.override("es"):
        spanish = " ".join(explanation.sentences())
    assert "ene" in spanish.lower()


def test_warnings_have_words():
    points = rules.warn_points(rules.explain(EXPEDITED, local(NEW_YORK, 2026, 11, 9, 10), NEW_YORK))
    assert [wording.warning(p) for p in points] == [
        "50% of the time is used",
        "24 hours left",
        "80% of the time is used",
        "4 hours left",
    ]
