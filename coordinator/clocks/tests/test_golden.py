"""The published dates, worked out by the rules that ship and read back as whole sentences.

Golden vectors of the decision clocks (both changes of the clocks, Thanksgiving, an extension), of transitional care and
of the business calendar (observed holidays on both sides, days that are none), and a leap day. Dates alone stand in
test_rules.py and register_vectors.py.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from coordinator.clocks import rules
from coordinator.clocks.register import REGISTER
from coordinator.clocks.rules import Terms
from coordinator.clocks.tests.factories import NEW_YORK, federal, local
from coordinator.clocks.tests.test_rules import TCM_TABLE

EXPEDITED = "prior_auth.medicare_advantage.expedited"
STANDARD = "prior_auth.medicare_advantage.standard"
RECEIVED, DISCHARGE = "received by the payer", "discharge"
CALENDAR = "Days off come from the calendar US federal, version 1."


def shipped(key: str, anchor: datetime | date, label: str, zone: str = NEW_YORK) -> rules.Explanation:
    """A deadline as the register's newest version of this rule sets it."""
    entry = next(entry for entry in REGISTER if entry.key == key)
    version = entry.versions[-1]
    terms = Terms.read(
        kind=version.kind,
        params=version.params,
        key=key,
        version=len(entry.versions),
        title=entry.title,
        source=version.source,
        since=version.since,
        verified=version.verified,
    )
    return rules.explain(terms, anchor, zone, federal(), anchor_label=label)


CASES = [
    pytest.param(
        EXPEDITED,
        local(NEW_YORK, 2026, 10, 30, 10),
        RECEIVED,
        [
            "Due: Mon, Nov 2, 2026, 9:00 AM EST.",
            "72 hours, starting with: received by the payer, Fri, Oct 30, 2026, 10:00 AM EDT.",
            "Fri Oct 30: the day of the event, day 0.",
            "Sun Nov 1: clocks go back 60 minutes, so the local time reads earlier.",
            "Mon Nov 2: 72 hours have passed.",
            "Rule: Medicare Advantage: expedited decision, version 2, from Jan 1, 2026.",
            (
                "Source: 72 hours. Up to 14 calendar days more by extension. 42 CFR 422.568(b)(1), 422.572(a)(1), "
                "422.122. Decision clocks of CMS-0057-F apply from January 1, 2026."
            ),
        ],
        id="72 hours when the clocks go back",
    ),
    pytest.param(
        EXPEDITED,
        local(NEW_YORK, 2027, 3, 12, 16),
        RECEIVED,
        [
            "Due: Mon, Mar 15, 2027, 5:00 PM EDT.",
            "72 hours, starting with: received by the payer, Fri, Mar 12, 2027, 4:00 PM EST.",
            "Fri Mar 12: the day of the event, day 0.",
            "Sun Mar 14: clocks go forward 60 minutes, so the local time reads later.",
            "Mon Mar 15: 72 hours have passed.",
        ],
        id="72 hours when the clocks go forward",
    ),
    pytest.param(
        STANDARD,
        local(NEW_YORK, 2026, 11, 23, 11),
        RECEIVED,
        [
            "Due: the end of Mon, Nov 30, 2026 (America/New_York).",
            "7 calendar days, starting with: received by the payer, Mon, Nov 23, 2026, 11:00 AM EST.",
            "Mon Nov 23: the day of the event, day 0.",
            "Tue Nov 24: day 1.",
            "Wed Nov 25: day 2.",
            "Thu Nov 26: Thanksgiving Day, counts as day 3.",
            "Fri Nov 27 to Mon Nov 30: days 4 to 7.",
            "Weekends and holidays count.",
            "Rule: Medicare Advantage: standard decision, version 2, from Jan 1, 2026.",
        ],
        id="7 calendar days over Thanksgiving",
    ),
    pytest.param(
        "prior_auth.medicaid.standard",
        local(NEW_YORK, 2028, 2, 23, 11),
        RECEIVED,
        [
            "Due: the end of Wed, Mar 1, 2028 (America/New_York).",
            "7 calendar days, starting with: received by the payer, Wed, Feb 23, 2028, 11:00 AM EST.",
            "Wed Feb 23: the day of the event, day 0.",
            "Thu Feb 24 to Wed Mar 1: days 1 to 7.",
            "Weekends and holidays count.",
            "Rule: Medicaid fee-for-service: standard decision, version 2, from Jan 1, 2026.",
            (
                "Source: 7 calendar days. Extension as the rule allows; its wording is still to be checked. "
                "42 CFR 440.230(e), 431.80. Decision clocks of CMS-0057-F apply from January 1, 2026."
            ),
            "This rule has not been compared with its source yet.",
        ],
        id="a leap day counts, and the rule is still to be checked",
    ),
    pytest.param(
        "tcm.contact",
        date(2026, 11, 24),
        DISCHARGE,
        [
            "Due: the end of Fri, Nov 27, 2026 (America/New_York).",
            "2 business days, starting with: discharge, Tue, Nov 24, 2026.",
            "Tue Nov 24: the day of the event, day 0.",
            "Wed Nov 25: day 1.",
            "Thu Nov 26: Thanksgiving Day, not counted.",
            "Fri Nov 27: day 2.",
            CALENDAR,
            "Rule: Contact after discharge, version 1, from Jan 1, 2015.",
        ],
        id="the day after Thanksgiving is no holiday",
    ),
    pytest.param(
        "tcm.contact",
        date(2026, 12, 23),
        DISCHARGE,
        [
            "Due: the end of Mon, Dec 28, 2026 (America/New_York).",
            "2 business days, starting with: discharge, Wed, Dec 23, 2026.",
            "Wed Dec 23: the day of the event, day 0.",
            "Thu Dec 24: day 1.",
            "Fri Dec 25: Christmas Day, not counted.",
            "Sat Dec 26: weekend, not counted.",
            "Sun Dec 27: weekend, not counted.",
            "Mon Dec 28: day 2.",
            CALENDAR,
        ],
        id="Christmas Eve is no holiday",
    ),
    pytest.param(
        "tcm.contact",
        date(2026, 7, 1),
        DISCHARGE,
        [
            "Due: the end of Mon, Jul 6, 2026 (America/New_York).",
            "2 business days, starting with: discharge, Wed, Jul 1, 2026.",
            "Wed Jul 1: the day of the event, day 0.",
            "Thu Jul 2: day 1.",
            "Fri Jul 3: Independence Day (observed), not counted.",
            "Sat Jul 4: Independence Day, not counted.",
            "Sun Jul 5: weekend, not counted.",
            "Mon Jul 6: day 2.",
            CALENDAR,
        ],
        id="Saturday's holiday is kept on Friday",
    ),
    pytest.param(
        "tcm.contact",
        date(2027, 7, 1),
        DISCHARGE,
        [
            "Due: the end of Tue, Jul 6, 2027 (America/New_York).",
            "2 business days, starting with: discharge, Thu, Jul 1, 2027.",
            "Thu Jul 1: the day of the event, day 0.",
            "Fri Jul 2: day 1.",
            "Sat Jul 3: weekend, not counted.",
            "Sun Jul 4: Independence Day, not counted.",
            "Mon Jul 5: Independence Day (observed), not counted.",
            "Tue Jul 6: day 2.",
            CALENDAR,
        ],
        id="Sunday's holiday is kept on Monday",
    ),
    pytest.param(
        "tier.low.review",
        date(2028, 2, 29),
        "",
        [
            "Due: the end of Wed, Feb 28, 2029 (America/New_York).",
            "12 months, starting Tue, Feb 29, 2028.",
            "Tue Feb 29: the day of the event, day 0.",
            "Wed Mar 29: month 1.",
        ],
        id="a year from a leap day ends on the last of February",
    ),
]


@pytest.mark.parametrize(("key", "anchor", "label", "sentences"), CASES)
def test_a_reference_clock_reads_back_as_sentences(key, anchor, label, sentences):
    assert shipped(key, anchor, label).sentences()[: len(sentences)] == sentences


def test_a_fourteen_day_extension_is_told_after_the_days_it_was_added_to():
    explanation = rules.extend(shipped(STANDARD, local(NEW_YORK, 2026, 11, 23, 11), RECEIVED), 14)
    lines = explanation.sentences()
    assert lines[0] == "Due: the end of Mon, Dec 14, 2026 (America/New_York)."
    assert lines[7:9] == [
        "Weekends and holidays count.",
        "Extended by 14 calendar days: now due the end of Mon, Dec 14, 2026 (America/New_York).",
    ]


@pytest.mark.parametrize(("discharge", "contact", "visit_7", "visit_14", "period_end"), TCM_TABLE)
def test_each_discharge_of_the_table_says_its_four_dates(discharge, contact, visit_7, visit_14, period_end):
    dates = {"contact": contact, "visit_7": visit_7, "visit_14": visit_14, "period": period_end}
    for step, wanted in dates.items():
        day = date.fromisoformat(wanted)
        first = shipped(f"tcm.{step}", date.fromisoformat(discharge), DISCHARGE).sentences()[0]
        assert first == f"Due: the end of {day:%a, %b} {day.day}, {day.year} (America/New_York)."


def test_of_the_hour_that_is_there_twice_the_explanation_says_which():
    first = shipped("referral.acknowledge.stat", datetime(2026, 11, 1, 3, 30, tzinfo=UTC), "sent")
    second = shipped("referral.acknowledge.stat", datetime(2026, 11, 1, 4, 30, tzinfo=UTC), "sent")
    assert first.sentences()[0] == "Due: Sun, Nov 1, 2026, 1:30 AM EDT."
    assert second.sentences()[0] == "Due: Sun, Nov 1, 2026, 1:30 AM EST."
