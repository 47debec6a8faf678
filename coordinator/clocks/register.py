"""The rules that ship, as data: each dated version with what it says and where that comes from.

A new version is a new line; a landed line only ever gains its last day (`until`). `verified=False` marks what nobody
has compared with its source yet: the screen says so. "Product default" marks numbers that are ours: starting
settings that a clinic may change by adding its own version. `sync.py` brings this list into the database.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from coordinator.clocks.values import Kind

FEDERAL_CALENDAR = "US federal"
FEDERAL_ZONE = "America/New_York"
FEDERAL_YEARS = range(2015, 2036)

START = date(2015, 1, 1)  # the first day of the calendar that ships; nothing earlier is computed
CMS_0057_F = date(2026, 1, 1)
BEFORE_CMS_0057_F = date(2025, 12, 31)


@dataclass(frozen=True)
class Version:
    """What a rule says from `since` to `until` (both included; None = open)."""

    kind: Kind
    amount: int = 0
    source: str = ""
    verified: bool = True
    since: date = START
    until: date | None = None
    federal: bool = False  # the rule names the federal calendar itself
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, Any]:
        return {"amount": self.amount, **self.more} if self.amount else dict(self.more)


@dataclass(frozen=True)
class Entry:
    """One rule of the register; its versions are numbered from 1 in the order given."""

    key: str
    title: str
    area: str
    versions: tuple[Version, ...]


def entry(key: str, title: str, area: str, kind: Kind, amount: int = 0, **says: Any) -> Entry:
    """A rule with one version."""
    return Entry(key, title, area, (Version(kind, amount, **says),))


HOURS, DAYS, BUSINESS, MONTHS = (Kind.ELAPSED_HOURS, Kind.CALENDAR_DAYS, Kind.BUSINESS_DAYS, Kind.MONTHS)
WEEKS, SAME_DAY, FIXED, NONE = (Kind.WEEKS, Kind.SAME_DAY, Kind.FIXED_DATE, Kind.NO_DEADLINE)

# --- transitional care management -----------------------------------------------------------------
TCM = "Transitional care (TCM)"
TCM_SOURCE = "CMS TCM booklet content as given by Noridian; UTHealth; CareJourney; eVigils."

TRANSITIONS = [
    entry(
        "tcm.contact",
        "Contact after discharge",
        TCM,
        BUSINESS,
        2,
        federal=True,
        source=f"Interactive contact within 2 business days after discharge. Business days are Monday to Friday "
        f"except holidays, whatever the practice's own hours. {TCM_SOURCE}",
    ),
    entry(
        "tcm.visit_7",
        "Visit within 7 days (99496)",
        TCM,
        DAYS,
        7,
        federal=True,
        source=f"99496, high complexity: within 7 calendar days of discharge. {TCM_SOURCE}",
    ),
    entry(
        "tcm.visit_14",
        "Visit within 14 days (99495)",
        TCM,
        DAYS,
        14,
        federal=True,
        source=f"99495, at least moderate complexity: within 14 calendar days of discharge. {TCM_SOURCE}",
    ),
    entry(
        "tcm.period",
        "End of the 30-day period",
        TCM,
        DAYS,
        29,
        federal=True,
        source=f"The discharge date is day 1; 30 days are the discharge date and the next 29 days. {TCM_SOURCE}",
    ),
    entry(
        "tcm.medicine_reconciliation",
        "Medicine reconciliation",
        TCM,
        SAME_DAY,
        source=f"No later than the date of the visit. {TCM_SOURCE}",
    ),
]

# --- prior authorization: starts when the payer receives the request -----------------------------------
PRIOR_AUTH = "Prior authorization"
UP_TO_14 = {"extension": {"days": 14}}
AS_RULE_ALLOWS: dict[str, Any] = {"extension": {}}
ONCE_15 = {"extension": {"days": 15, "times": 1}}
WARN = {"warn_hours": [24, 4]}
SINCE_2026 = "Decision clocks of CMS-0057-F apply from January 1, 2026."
EARLIER = (
    "Before CMS-0057-F; kept for requests received in 2025 or earlier and not compared with the older text."
)
PER_PAYER = "Per payer: the date the payer gives for this request."


def federal_decision(
    payer_type: str, name: str, cites: str, extension: dict[str, Any], earlier: int, verified: bool
) -> list[Entry]:
    """Standard 7 calendar days and expedited 72 hours since 2026, and what stood before (0 = no federal clock)."""
    before: dict[str, Any] = {"until": BEFORE_CMS_0057_F, "verified": False, "source": f"{EARLIER} {cites}"}
    now: dict[str, Any] = {"since": CMS_0057_F, "verified": verified}
    return [
        Entry(
            f"prior_auth.{payer_type}.standard",
            f"{name}: standard decision",
            PRIOR_AUTH,
            (
                Version(DAYS if earlier else NONE, earlier, more=UP_TO_14 if earlier else {}, **before),
                Version(DAYS, 7, source=f"7 calendar days. {cites} {SINCE_2026}", more=extension, **now),
            ),
        ),
        Entry(
            f"prior_auth.{payer_type}.expedited",
            f"{name}: expedited decision",
            PRIOR_AUTH,
            (
                Version(
                    HOURS if earlier else NONE, 72 if earlier else 0, more=WARN if earlier else {}, **before
                ),
                Version(
                    HOURS, 72, source=f"72 hours. {cites} {SINCE_2026}", more={**extension, **WARN}, **now
                ),
            ),
        ),
    ]


def per_payer(payer_type: str, name: str, source: str, verified: bool = True) -> list[Entry]:
    return [
        entry(
            f"prior_auth.{payer_type}.{urgency}",
            f"{name}: {urgency} decision",
            PRIOR_AUTH,
            FIXED,
            source=source,
            verified=verified,
        )
        for urgency in ("standard", "expedited")
    ]


UNSURE_EXTENSION = "Extension as the rule allows; its wording is still to be checked."
ERISA = "29 CFR 2560.503-1."
MARKETPLACE = "No new federal clock. 45 CFR 156.223."

AUTHORIZATIONS = [
    *federal_decision(
        "medicare_advantage",
        "Medicare Advantage",
        "Up to 14 calendar days more by extension. 42 CFR 422.568(b)(1), 422.572(a)(1), 422.122.",
        UP_TO_14,
        earlier=14,
        verified=True,
    ),
    *federal_decision(
        "medicaid_managed",
        "Medicaid managed care",
        "Rating periods from January 1, 2026. Up to 14 calendar days more by extension. "
        "42 CFR 438.210(d)(1), (d)(2), (f).",
        UP_TO_14,
        earlier=14,
        verified=True,
    ),
    *federal_decision(
        "medicaid",
        "Medicaid fee-for-service",
        f"{UNSURE_EXTENSION} 42 CFR 440.230(e), 431.80.",
        AS_RULE_ALLOWS,
        earlier=0,
        verified=False,
    ),
    *federal_decision(
        "chip",
        "CHIP",
        f"Fee-for-service and managed care. {UNSURE_EXTENSION} 42 CFR 457.495, 457.732.",
        AS_RULE_ALLOWS,
        earlier=14,
        verified=False,
    ),
    entry(
        "prior_auth.marketplace.standard",
        "Marketplace plan: standard decision",
        PRIOR_AUTH,
        NONE,
        source=MARKETPLACE,
    ),
    entry(
        "prior_auth.marketplace.expedited",
        "Marketplace plan: expedited decision",
        PRIOR_AUTH,
        NONE,
        source=MARKETPLACE,
    ),
    entry(
        "prior_auth.employer.standard",
        "Employer plan (ERISA): standard decision",
        PRIOR_AUTH,
        DAYS,
        15,
        source=f"15 calendar days before the service; one extension of 15 days. {ERISA}",
        more=ONCE_15,
    ),
    entry(
        "prior_auth.employer.expedited",
        "Employer plan (ERISA): urgent decision",
        PRIOR_AUTH,
        HOURS,
        72,
        source=f"72 hours when urgent. {ERISA}",
        more=WARN,
    ),
    entry(
        "prior_auth.employer.information",
        "Employer plan (ERISA): our time to supply information",
        PRIOR_AUTH,
        DAYS,
        45,
        source=f"The claimant gets at least 45 days to supply information. {ERISA}",
    ),
    *per_payer("medicare", "Medicare", PER_PAYER),
    *per_payer(
        "drug", "Drugs", f"Outside CMS-0057-F; own clocks, still to be checked. {PER_PAYER}", verified=False
    ),
    *per_payer("state_regulated", "State-regulated plan", PER_PAYER),
    *per_payer("tricare", "TRICARE", PER_PAYER),
    *per_payer("workers_compensation", "Workers' compensation", PER_PAYER),
    *per_payer("self_pay", "Self-pay", PER_PAYER),
    *per_payer("other", "Other payer", PER_PAYER),
]

# --- appeals: count from the notice date ------------------------------------------------------------------
APPEALS = "Appeals"
MA_APPEAL = "Medicare Advantage reconsideration"
ERISA_APPEAL = "Employer plan (ERISA) appeal"
MEDICAID_APPEAL = "Medicaid managed care appeal"
TO_CHECK = "Still to be checked."

APPEAL_RULES = [
    entry(
        "appeal.medicare_advantage.file",
        f"{MA_APPEAL}: file by",
        APPEALS,
        DAYS,
        65,
        verified=False,
        source="65 calendar days of the notice date. Older CMS pages still say 60. " + TO_CHECK,
    ),
    entry(
        "appeal.medicare_advantage.expedited",
        f"{MA_APPEAL}: expedited decision",
        APPEALS,
        HOURS,
        72,
        source="Expedited 72 hours; 14 more days possible.",
        more={**UP_TO_14, **WARN},
    ),
    entry(
        "appeal.medicare_advantage.standard",
        f"{MA_APPEAL}: standard decision before the service",
        APPEALS,
        DAYS,
        30,
        source="Standard, before the service: 30 days; 14 more days possible.",
        more=UP_TO_14,
    ),
    entry(
        "appeal.medicare_advantage.part_b_drug",
        f"{MA_APPEAL}: Part B drug decision",
        APPEALS,
        DAYS,
        7,
        source="Part B drug: 7 days.",
    ),
    entry(
        "appeal.medicare_advantage.payment",
        f"{MA_APPEAL}: payment decision",
        APPEALS,
        DAYS,
        60,
        source="Payment: 60 days.",
    ),
    entry(
        "appeal.employer.file", f"{ERISA_APPEAL}: file by", APPEALS, DAYS, 180, source=f"180 days. {ERISA}"
    ),
    entry(
        "appeal.employer.expedited",
        f"{ERISA_APPEAL}: urgent decision",
        APPEALS,
        HOURS,
        72,
        source=f"Urgent: 72 hours. {ERISA}",
        more=WARN,
    ),
    entry(
        "appeal.employer.standard",
        f"{ERISA_APPEAL}: decision before the service",
        APPEALS,
        DAYS,
        30,
        verified=False,
        source=f"Before the service: 30 days. {TO_CHECK} {ERISA}",
    ),
    entry(
        "appeal.medicaid_managed.file",
        f"{MEDICAID_APPEAL}: file by",
        APPEALS,
        DAYS,
        60,
        verified=False,
        source=f"60 days from the notice. {TO_CHECK}",
    ),
    entry(
        "appeal.medicaid_managed.standard",
        f"{MEDICAID_APPEAL}: standard decision",
        APPEALS,
        DAYS,
        30,
        verified=False,
        source=f"Standard: 30 days. {TO_CHECK}",
    ),
    entry(
        "appeal.medicaid_managed.expedited",
        f"{MEDICAID_APPEAL}: expedited decision",
        APPEALS,
        HOURS,
        72,
        verified=False,
        source=f"Expedited: 72 hours. {TO_CHECK}",
        more=WARN,
    ),
]

# What a payer's own terms say, or the notice prints: the date is given, and the explanation says whose it is.
PRINTED = "Per payer: the date the payer's notice gives, or its own terms."
APPEAL_RULES += [
    *(
        entry(f"appeal.{payer_type}.{step}", f"{name} appeal: {words}", APPEALS, FIXED, source=PRINTED)
        for payer_type, name in (
            ("medicare", "Medicare"),
            ("medicaid", "Medicaid fee-for-service"),
            ("chip", "CHIP"),
            ("marketplace", "Marketplace plan"),
            ("other", "Other payer"),
        )
        for step, words in (
            ("file", "file by"),
            ("standard", "standard decision"),
            ("expedited", "expedited decision"),
        )
    ),
    entry("appeal.notice.file", "Appeal: file by the date the notice prints", APPEALS, FIXED, source=PRINTED),
    entry(
        "appeal.medicare_advantage.ire",
        "Medicare Advantage: Independent Review Entity",
        APPEALS,
        FIXED,
        verified=False,
        source=f"After an upheld reconsideration the plan must send the case to the Independent Review Entity by itself; "
        f"the date it names. {TO_CHECK}",
    ),
    entry(
        "appeal.employer.external",
        "Employer plan (ERISA): ask for external review by",
        APPEALS,
        FIXED,
        verified=False,
        source=f"The date the final notice gives. {TO_CHECK} {ERISA}",
    ),
    entry(
        "appeal.medicaid_managed.fair_hearing",
        "Medicaid managed care: ask for a state fair hearing by",
        APPEALS,
        FIXED,
        verified=False,
        source=f"The date the notice of resolution gives; each state sets its own. {TO_CHECK}",
    ),
    entry(
        "appeal.peer_to_peer",
        "Peer-to-peer: ask for the talk by",
        APPEALS,
        FIXED,
        source="The payer's own window, often a few days after the notice. Not an appeal; it does not stop the appeal clock.",
    ),
]

# --- referrals: no federal clock exists -----------------------------------------------------------------------
REFERRALS = "Referrals"
OURS = "Product default; no federal clock exists."
NCQA = (
    "Product default. NCQA PCMH CC 04 requires tracking until the report arrives and following up overdue reports, "
    "but sets no number."
)
MAY_HOLD = {"can_hold": True}


def referral(step: str, title: str, kind: Kind, amount: int = 0, source: str = OURS) -> Entry:
    return entry(f"referral.{step}", title, REFERRALS, kind, amount, source=source, more=MAY_HOLD)


REFERRAL_RULES = [
    referral("acknowledge.routine", "Acknowledged, routine", BUSINESS, 2),
    referral("acknowledge.urgent", "Acknowledged, urgent", BUSINESS, 1),
    referral("acknowledge.stat", "Acknowledged, stat", HOURS, 2),
    referral("schedule.routine", "Visit scheduled, routine", BUSINESS, 7),
    referral("schedule.urgent", "Visit scheduled, urgent", BUSINESS, 2),
    referral(
        "schedule.stat", "Visit scheduled, stat", BUSINESS, 2, f"{OURS} No number of its own; as urgent."
    ),
    referral("seen_by", "Seen by the requested date", FIXED),
    referral("visit_check", "Visit checked, on its day", FIXED),
    referral("report", "Report received", BUSINESS, 10, NCQA),
    referral("report_again", "Report asked for again", BUSINESS, 5, NCQA),
    referral("review", "Report reviewed", BUSINESS, 2),
    referral("review_critical", "Critical report reviewed", SAME_DAY),
    referral("tell_patient", "Patient told", BUSINESS, 2),
    referral("tell_requester", "Requester told of the end", BUSINESS, 2),
    referral("send", "Sent, once written", BUSINESS, 2),
    referral("authorization_check", "Ask how the authorization stands", BUSINESS, 3),
    referral("rebook", "New visit date asked for", BUSINESS, 1),
    referral("cancel_answer", "Cancel request answered", BUSINESS, 5),
]

# --- our own work ------------------------------------------------------------------------------------------------
TASKS = "Contact and follow-up"
REVIEWS = "Care plan"
MONEY = "Estimates and bills"
DEFAULT = "Product default."
TIERS = "Product default by risk tier; the points behind the tiers are ours and unvalidated."


def own(key: str, title: str, kind: Kind, amount: int = 0, source: str = DEFAULT, area: str = TASKS) -> Entry:
    return entry(key, title, area, kind, amount, source=source, more=MAY_HOLD)


OWN_WORK = [
    own("contact.again", "Try to reach the patient again", BUSINESS, 1),
    own("contact.again_busy", "Call again, line busy", HOURS, 2),
    own("contact.interpreter", "Call again with an interpreter", BUSINESS, 1),
    own("authorization.prepare", "Next step on an authorization", BUSINESS, 2, area=PRIOR_AUTH),
    own("authorization.follow_up", "Follow up an authorization", BUSINESS, 3, area=PRIOR_AUTH),
    own("task.undated", "A task that nobody dated", BUSINESS, 5),
    own("inbound.sort", "Sort an incoming paper", BUSINESS, 1),
    own("no_show.follow_up", "Follow up a no-show", BUSINESS, 1),
    own("visit.tell_move", "Tell the patient that a visit was moved", BUSINESS, 1),
    own("waitlist.answer", "Answer to an offered time", HOURS, 4),
    own("waitlist.review", "Look again at who waits for a visit", BUSINESS, 5),
    own(
        "care_plan.review", "Care plan review", FIXED, area=REVIEWS, source="The plan's own next review date."
    ),
    own("care_plan.overdue_review", "Catch up an overdue review", BUSINESS, 1, area=REVIEWS),
    own("aid.send", "Aid application sent", BUSINESS, 3, area=MONEY),
    own("aid.decision", "Ask a fund for its decision", BUSINESS, 5, area=MONEY),
    own(
        "aid.award_ends",
        "Award paid before it expires",
        FIXED,
        area=MONEY,
        source="The award's own last day.",
    ),
    own("benefit.file", "Benefit application filed", BUSINESS, 10, area=MONEY),
    own("benefit.decision", "Ask an agency for its decision", BUSINESS, 20, area=MONEY),
    own("benefit.renewal", "Benefit renewed", FIXED, area=MONEY, source="The agency's own renewal date."),
    own("bill.explain", "Bill explained to the patient", BUSINESS, 3, area=MONEY),
    own("bill.answer", "Answer to a question about a bill", BUSINESS, 10, area=MONEY),
    own("bill.dispute", "Ask how a dispute stands", BUSINESS, 20, area=MONEY),
    own("money.tell_patient", "Patient told of a refusal", BUSINESS, 2, area=MONEY),
    own("tier.low.contact", "Contact, low risk", DAYS, 90, TIERS),
    own("tier.rising.contact", "Contact, rising risk", DAYS, 30, TIERS),
    own("tier.high.contact", "Contact, high risk", DAYS, 14, TIERS),
    own("tier.intensive.contact", "Contact, intensive", WEEKS, 1, TIERS),
    own("tier.low.review", "Plan review, low risk", MONTHS, 12, TIERS, REVIEWS),
    own("tier.rising.review", "Plan review, rising risk", MONTHS, 6, TIERS, REVIEWS),
    own("tier.high.review", "Plan review, high risk", MONTHS, 3, TIERS, REVIEWS),
    own("tier.intensive.review", "Plan review, intensive", MONTHS, 1, TIERS, REVIEWS),
]

# --- estimates, bills, quality windows ----------------------------------------------------------------------------
NO_SURPRISES = "No Surprises Act patient notices."
SECTION_501R = f"IRS 501(r)(6); the usual period is unconfirmed. {TO_CHECK}"
QUALITY = "Quality windows"

OTHERS = [
    entry(
        "estimate.scheduled_near",
        "Good-faith estimate, visit 3 to 9 business days ahead",
        MONEY,
        BUSINESS,
        1,
        federal=True,
        source=f"Visit scheduled at least 3 business days ahead: within 1 business day of scheduling. {NO_SURPRISES}",
    ),
    entry(
        "estimate.scheduled_far",
        "Good-faith estimate, visit 10 or more business days ahead",
        MONEY,
        BUSINESS,
        3,
        federal=True,
        source=f"Visit scheduled at least 10 business days ahead: within 3 business days. {NO_SURPRISES}",
    ),
    entry(
        "estimate.requested",
        "Good-faith estimate on request",
        MONEY,
        BUSINESS,
        3,
        federal=True,
        source=f"On request: within 3 business days. {NO_SURPRISES}",
    ),
    entry(
        "bill.before_collection",
        "No collection before",
        MONEY,
        DAYS,
        120,
        verified=False,
        source=SECTION_501R,
    ),
    entry(
        "bill.aid_application",
        "Apply for assistance by",
        MONEY,
        DAYS,
        240,
        verified=False,
        source=SECTION_501R,
    ),
    entry(
        "quality.trc_notification",
        "TRC: notification received",
        QUALITY,
        DAYS,
        2,
        source="TRC: day of the event through 2 following days (3 in all).",
    ),
    entry(
        "quality.trc_engagement",
        "TRC: engagement after discharge",
        QUALITY,
        DAYS,
        30,
        source="TRC: within 30 days, not on the discharge day.",
    ),
    entry(
        "quality.trc_medicines",
        "TRC: medicine reconciliation",
        QUALITY,
        DAYS,
        30,
        source="TRC: discharge date through 30 following days (31 in all).",
    ),
    entry(
        "quality.fmc",
        "FMC: follow-up after an emergency visit",
        QUALITY,
        DAYS,
        7,
        source="FMC, multiple conditions: within 7 days.",
    ),
]

REGISTER = [*TRANSITIONS, *AUTHORIZATIONS, *APPEAL_RULES, *REFERRAL_RULES, *OWN_WORK, *OTHERS]
