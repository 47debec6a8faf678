"""Money help: what comes next and by which rule, periods of funds, who pays themselves, which estimate is due when.

Pure: no ORM, no wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from coordinator.clocks.rules import business_days_between
from coordinator.clocks.values import Calendar
from patients.rules.text import fold
from referrals.money_workflow import AidStatus, BenefitStatus, BillStatus, EstimateStatus

DISPUTE_FROM = Decimal(400)  # No Surprises Act patient notices: $400 or more above the estimate
RENEWAL_DAYS = 45  # so long before a benefit's renewal its task opens; product default

ESTIMATE_NEAR, ESTIMATE_FAR, ESTIMATE_REQUESTED = (
    "estimate.scheduled_near",
    "estimate.scheduled_far",
    "estimate.requested",
)


@dataclass(frozen=True)
class NextStep:
    """`rule` is a key of the clocks register; `on` the field of the record with a fixed rule's date."""

    text: Any
    rule: str
    on: str = ""


NEXT_STEPS: dict[tuple[str, str], NextStep] = {
    ("aid", AidStatus.DRAFT): NextStep(_("Collect the papers and send the application"), "aid.send"),
    ("aid", AidStatus.SUBMITTED): NextStep(_("Ask the fund for its decision"), "aid.decision"),
    ("aid", AidStatus.AWARDED): NextStep(
        _("Pay it before the award expires"), "aid.award_ends", "expires_on"
    ),
    ("aid", AidStatus.REFUSED): NextStep(_("Tell the patient and look for other help"), "money.tell_patient"),
    ("aid", AidStatus.EXPIRED): NextStep(_("Tell the patient, or ask again"), "money.tell_patient"),
    ("benefit", BenefitStatus.GATHERING): NextStep(_("Collect the papers and file"), "benefit.file"),
    ("benefit", BenefitStatus.FILED): NextStep(_("Ask the agency how it stands"), "benefit.decision"),
    ("benefit", BenefitStatus.APPROVED): NextStep(_("Renew it"), "benefit.renewal", "renews_on"),
    ("benefit", BenefitStatus.DENIED): NextStep(
        _("Tell the patient; appeal, ask again or end it"), "money.tell_patient"
    ),
    ("bill", BillStatus.LOGGED): NextStep(
        _("Explain it to the patient and decide what to do"), "bill.explain"
    ),
    ("bill", BillStatus.QUESTIONED): NextStep(_("Get the answer"), "bill.answer"),
    ("bill", BillStatus.DISPUTED): NextStep(_("Ask how the dispute stands"), "bill.dispute"),
    ("estimate", EstimateStatus.DUE): NextStep(
        _("Give the patient the good-faith estimate"), ESTIMATE_REQUESTED
    ),
}
# What somebody is asked to do with what is open when its patient dies or leaves: title and next step of the task.
_WITHDRAW = (_("End the application: %(what)s"), _("Withdraw it; nobody outside acts on it yet."))
_CLOSE = (_("End the application: %(what)s"), _("It is decided: close it."))
_TELL = _("Tell whoever decides, then end it.")
_SETTLE = (
    _("Settle the bill: %(what)s"),
    _("Say who it belongs to now: the family, an estate or another payer. Then record the outcome."),
)
ENDINGS: dict[tuple[str, str], tuple[Any, Any]] = {
    ("aid", AidStatus.DRAFT): _WITHDRAW,
    ("aid", AidStatus.SUBMITTED): (_("End the application: %(what)s"), _TELL),
    ("aid", AidStatus.AWARDED): (
        _("Give back what is reserved: %(what)s"),
        _("Pay what was promised for bills that stand, then give the rest back to the fund."),
    ),
    ("aid", AidStatus.REFUSED): _CLOSE,
    ("aid", AidStatus.EXPIRED): _CLOSE,
    ("benefit", BenefitStatus.GATHERING): _WITHDRAW,
    ("benefit", BenefitStatus.FILED): (_("End the application: %(what)s"), _TELL),
    ("benefit", BenefitStatus.APPROVED): (_("End the benefit: %(what)s"), _TELL),
    ("benefit", BenefitStatus.DENIED): _CLOSE,
    ("bill", BillStatus.LOGGED): _SETTLE,
    ("bill", BillStatus.QUESTIONED): _SETTLE,
    ("bill", BillStatus.DISPUTED): _SETTLE,
    ("estimate", EstimateStatus.DUE): (
        _("Drop the estimate: %(what)s"),
        _("Record that it is not needed."),
    ),
}
# Steps that do what the running deadline waited for; any other step only makes it not apply any more.
MEETING_STEPS = frozenset(
    {"submit", "award", "refuse", "finish", "close", "file", "approve", "deny", "renew", "end", "ask", "answer",
     "dispute", "settle", "give"}
)  # fmt: skip


def period_of(period: str, day: date) -> str:
    """The period of a fund that a day falls in, as its applications keep it: "2026-11", "2026" or "once"."""
    return {"month": f"{day:%Y-%m}", "year": f"{day:%Y}"}.get(period, "once")


SELF_PAY = ("self pay", "self-pay", "selfpay", "uninsured", "no insurance", "no_insurance")


def is_self_pay(coverages: Iterable[Any], on: date) -> bool:
    """Whether the record says that the patient pays themselves that day: the first policy in force is "Self-pay".

    A record without any coverage says nothing; that is asked about as a gap, and is no reason for an estimate.
    """
    in_force = [
        row
        for row in coverages
        if (row.starts_on is None or row.starts_on <= on) and (row.ends_on is None or row.ends_on >= on)
    ]
    if not in_force:
        return False
    first = min(in_force, key=lambda row: row.rank)
    words = {fold(first.payer_name), fold(first.line_of_business.replace("_", " "))}
    return bool(words & {fold(word) for word in SELF_PAY})


def estimate_rule(*, scheduled_on: date, visit_on: date, calendar: Calendar) -> str:
    """Which rule sets the estimate's date, or "" when the visit is too near for one (domain 3.6).

    At least 10 business days ahead: within 3 of scheduling; at least 3: within 1. `calendar` is the federal one.
    """
    ahead = business_days_between(scheduled_on, visit_on, calendar)
    if ahead >= 10:
        return ESTIMATE_FAR
    return ESTIMATE_NEAR if ahead >= 3 else ""
