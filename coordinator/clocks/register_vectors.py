"""Test dates of the rules that ship: what each version must give, as data (see `vectors.py` for how to read a line).

Every version of `register.py` has at least one here. They are kept with the version in the database, shown on the
page Rules, and worked out again by every test run. Times are New York's.
"""

from __future__ import annotations

from coordinator.clocks.vectors import Vector, parse

ZONE = "America/New_York"

# A Wednesday before Thanksgiving: the holiday and the weekends are not counted.
BUSINESS_1 = ("2026-11-25 -> 2026-11-27",)
BUSINESS_2 = ("2026-11-25 -> 2026-11-30",)
BUSINESS_3 = ("2026-11-25 -> 2026-12-01",)
BUSINESS_5 = ("2026-11-25 -> 2026-12-03",)
BUSINESS_7 = ("2026-11-25 -> 2026-12-07",)
BUSINESS_10 = ("2026-11-25 -> 2026-12-10",)
BUSINESS_20 = ("2026-11-25 -> 2026-12-24",)
# The Monday of that week: every day is counted.
DAYS_2 = ("2026-11-23 -> 2026-11-25",)
DAYS_7 = ("2026-11-23 -> 2026-11-30", "2026-11-23 11:00 -> 2026-11-30")
DAYS_14 = ("2026-11-23 -> 2026-12-07",)
DAYS_15 = ("2026-11-23 -> 2026-12-08",)
DAYS_30 = ("2026-11-23 -> 2026-12-23",)
DAYS_45 = ("2026-11-23 -> 2027-01-07",)
DAYS_60 = ("2026-11-23 -> 2027-01-22",)
DAYS_65 = ("2026-11-23 -> 2027-01-27",)
DAYS_90 = ("2026-11-23 -> 2027-02-21",)
DAYS_120 = ("2026-11-23 -> 2027-03-23",)
DAYS_180 = ("2026-11-23 -> 2027-05-22",)
DAYS_240 = ("2026-11-23 -> 2027-07-21",)
# Over both changes of the clocks: elapsed hours, not hours on the wall.
HOURS_72 = ("2026-10-30 10:00 -> 2026-11-02 09:00", "2027-03-12 16:00 -> 2027-03-15 17:00")
HOURS_2 = ("2026-11-23 16:30 -> 2026-11-23 18:30", "2027-03-14 01:30 -> 2027-03-14 04:30")
HOURS_4 = ("2026-11-23 09:30 -> 2026-11-23 13:30", "2026-10-31 23:00 -> 2026-11-01 02:00")
WEEKS_1 = ("2026-11-20 -> 2026-11-27",)
# A month that is too short ends on its last day.
MONTHS_1 = ("2027-01-31 -> 2027-02-28",)
MONTHS_3 = ("2026-11-30 -> 2027-02-28",)
MONTHS_6 = ("2026-08-31 -> 2027-02-28",)
MONTHS_12 = ("2028-02-29 -> 2029-02-28",)
SAME_DAY = ("2026-11-20 -> 2026-11-20",)
SET_DATE = ("2026-11-23, set 2026-12-01 -> 2026-12-01",)
NO_DEADLINE = ("2026-11-23 -> none",)
# Before January 1, 2026.
DAYS_14_IN_2025 = ("2025-11-24 -> 2025-12-08",)
HOURS_72_IN_2025 = ("2025-10-31 10:00 -> 2025-11-03 09:00",)
NO_DEADLINE_IN_2025 = ("2025-11-24 -> none",)
# The discharges of the published table: contact, 7-day visit, 14-day visit, end of the period.
DISCHARGES = (
    ("2026-11-16", "2026-11-18", "2026-11-23", "2026-11-30", "2026-12-15"),
    ("2026-11-20", "2026-11-24", "2026-11-27", "2026-12-04", "2026-12-19"),
    ("2026-11-21", "2026-11-24", "2026-11-28", "2026-12-05", "2026-12-20"),
    ("2026-11-24", "2026-11-27", "2026-12-01", "2026-12-08", "2026-12-23"),
    ("2026-11-25", "2026-11-30", "2026-12-02", "2026-12-09", "2026-12-24"),
    ("2026-12-24", "2026-12-29", "2026-12-31", "2027-01-07", "2027-01-22"),
    ("2026-07-01", "2026-07-06", "2026-07-08", "2026-07-15", "2026-07-30"),
)


def _discharges(column: int) -> tuple[str, ...]:
    return tuple(f"{row[0]} -> {row[column]}" for row in DISCHARGES)


# Rule -> the lines of its versions, from version 1 on.
VECTORS: dict[str, tuple[tuple[str, ...], ...]] = {
    "tcm.contact": (_discharges(1),),
    "tcm.visit_7": (_discharges(2),),
    "tcm.visit_14": (_discharges(3),),
    "tcm.period": (_discharges(4),),
    "tcm.medicine_reconciliation": (SAME_DAY,),
    "prior_auth.medicare_advantage.standard": (DAYS_14_IN_2025, DAYS_7),
    "prior_auth.medicare_advantage.expedited": (HOURS_72_IN_2025, HOURS_72),
    "prior_auth.medicaid_managed.standard": (DAYS_14_IN_2025, DAYS_7),
    "prior_auth.medicaid_managed.expedited": (HOURS_72_IN_2025, HOURS_72),
    "prior_auth.medicaid.standard": (NO_DEADLINE_IN_2025, DAYS_7),
    "prior_auth.medicaid.expedited": (NO_DEADLINE_IN_2025, HOURS_72),
    "prior_auth.chip.standard": (DAYS_14_IN_2025, DAYS_7),
    "prior_auth.chip.expedited": (HOURS_72_IN_2025, HOURS_72),
    "prior_auth.marketplace.standard": (NO_DEADLINE,),
    "prior_auth.marketplace.expedited": (NO_DEADLINE,),
    "prior_auth.employer.standard": (DAYS_15,),
    "prior_auth.employer.expedited": (HOURS_72,),
    "prior_auth.employer.information": (DAYS_45,),
    **{
        f"prior_auth.{payer}.{urgency}": (SET_DATE,)
        for payer in (
            "medicare",
            "drug",
            "state_regulated",
            "tricare",
            "workers_compensation",
            "self_pay",
            "other",
        )
        for urgency in ("standard", "expedited")
    },
    "appeal.medicare_advantage.file": (DAYS_65,),
    "appeal.medicare_advantage.expedited": (HOURS_72,),
    "appeal.medicare_advantage.standard": (DAYS_30,),
    "appeal.medicare_advantage.part_b_drug": (DAYS_7,),
    "appeal.medicare_advantage.payment": (DAYS_60,),
    "appeal.employer.file": (DAYS_180,),
    "appeal.employer.expedited": (HOURS_72,),
    "appeal.employer.standard": (DAYS_30,),
    "appeal.medicaid_managed.file": (DAYS_60,),
    "appeal.medicaid_managed.standard": (DAYS_30,),
    "appeal.medicaid_managed.expedited": (HOURS_72,),
    "referral.acknowledge.routine": (BUSINESS_2,),
    "referral.acknowledge.urgent": (BUSINESS_1,),
    "referral.acknowledge.stat": (HOURS_2,),
    "referral.schedule.routine": (BUSINESS_7,),
    "referral.schedule.urgent": (BUSINESS_2,),
    "referral.schedule.stat": (BUSINESS_2,),
    "referral.seen_by": (SET_DATE,),
    "referral.report": (BUSINESS_10,),
    "referral.report_again": (BUSINESS_5,),
    "referral.review": (BUSINESS_2,),
    "referral.review_critical": (SAME_DAY,),
    "referral.tell_patient": (BUSINESS_2,),
    "referral.tell_requester": (BUSINESS_2,),
    "referral.send": (BUSINESS_2,),
    "referral.authorization_check": (BUSINESS_3,),
    "referral.rebook": (BUSINESS_1,),
    "referral.cancel_answer": (BUSINESS_5,),
    "contact.again": (BUSINESS_1,),
    "contact.again_busy": (HOURS_2,),
    "contact.interpreter": (BUSINESS_1,),
    "authorization.prepare": (BUSINESS_2,),
    "authorization.follow_up": (BUSINESS_3,),
    "task.undated": (BUSINESS_5,),
    "no_show.follow_up": (BUSINESS_1,),
    "visit.tell_move": (BUSINESS_1,),
    "waitlist.answer": (HOURS_4,),
    "waitlist.review": (BUSINESS_5,),
    "care_plan.review": (SET_DATE,),
    "care_plan.overdue_review": (BUSINESS_1,),
    "tier.low.contact": (DAYS_90,),
    "tier.rising.contact": (DAYS_30,),
    "tier.high.contact": (DAYS_14,),
    "tier.intensive.contact": (WEEKS_1,),
    "tier.low.review": (MONTHS_12,),
    "tier.rising.review": (MONTHS_6,),
    "tier.high.review": (MONTHS_3,),
    "tier.intensive.review": (MONTHS_1,),
    "estimate.scheduled_near": (BUSINESS_1,),
    "estimate.scheduled_far": (BUSINESS_3,),
    "estimate.requested": (BUSINESS_3,),
    "bill.before_collection": (DAYS_120,),
    "bill.aid_application": (DAYS_240,),
    # No number of ours: the notice, the contract or the plan says the day.
    **{
        f"appeal.{payer}.{what}": (SET_DATE,)
        for payer in ("medicare", "medicaid", "chip", "marketplace", "other")
        for what in ("file", "standard", "expedited")
    },
    "appeal.notice.file": (SET_DATE,),
    "appeal.medicare_advantage.ire": (SET_DATE,),
    "appeal.employer.external": (SET_DATE,),
    "appeal.medicaid_managed.fair_hearing": (SET_DATE,),
    "appeal.peer_to_peer": (SET_DATE,),
    "referral.visit_check": (SET_DATE,),
    "inbound.sort": (BUSINESS_1,),
    "aid.send": (BUSINESS_3,),
    "aid.decision": (BUSINESS_5,),
    "aid.award_ends": (SET_DATE,),
    "benefit.file": (BUSINESS_10,),
    "benefit.decision": (BUSINESS_20,),
    "benefit.renewal": (SET_DATE,),
    "bill.explain": (BUSINESS_3,),
    "bill.answer": (BUSINESS_10,),
    "bill.dispute": (BUSINESS_20,),
    "money.tell_patient": (BUSINESS_2,),
    "quality.trc_notification": (DAYS_2,),
    "quality.trc_engagement": (DAYS_30,),
    "quality.trc_medicines": (DAYS_30,),
    "quality.fmc": (DAYS_7,),
}


def vectors_of(key: str, number: int) -> list[Vector]:
    """The test dates of one shipped version; empty when there are none. Raises ValueError for a line that is no vector."""
    versions = VECTORS.get(key, ())
    if number > len(versions):
        return []
    found, wrong = parse("\n".join(versions[number - 1]), ZONE)
    if wrong:
        raise ValueError(f"{key}: {' '.join(wrong)}")
    return found
