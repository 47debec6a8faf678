"""Whose move a referral is, what comes next, and which rule sets the date. Pure: no ORM, no wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from referrals.workflow import ENDED_WITHOUT_REPORT, REFERRAL_WORKFLOW
from referrals.workflow import ReferralStatus as S

Text = str | Promise


@dataclass(frozen=True)
class NextStep:
    """`rule` is a key of the clocks register; "{urgency}" in it is filled in. Empty: nothing is due."""

    text: Text
    whose: Text
    rule: str = ""
    # The date a fixed-date rule goes by: a field of the referral.
    on: str = ""


OURS, RECIPIENT, PAYER, REQUESTER = _("Ours"), _("Recipient"), _("Payer"), _("Requester")
REQUEST = _("The authorization says")  # ours while it is prepared, then the payer's

NEXT_STEPS: dict[str, NextStep] = {
    S.DRAFT: NextStep(_("Complete the referral"), OURS, "referral.send"),
    S.AWAITING_AUTHORIZATION: NextStep(_("Get the authorization"), REQUEST, "referral.authorization_check"),
    S.READY: NextStep(_("Send it"), OURS, "referral.send"),
    S.SENT: NextStep(_("Recipient confirms or accepts"), RECIPIENT, "referral.acknowledge.{urgency}"),
    S.SEND_FAILED: NextStep(_("Fix the address and send again"), OURS, "referral.send"),
    S.RECEIVED: NextStep(_("Recipient accepts"), RECIPIENT, "referral.acknowledge.{urgency}"),
    S.ACCEPTED: NextStep(_("Get a visit date"), RECIPIENT, "referral.schedule.{urgency}"),
    S.SCHEDULED: NextStep(
        _("Check that the visit happened"), RECIPIENT, "referral.visit_check", on="visit_at"
    ),
    S.NO_SHOW: NextStep(_("Call the patient and get a new date"), OURS, "referral.rebook"),
    S.VISIT_CANCELLED: NextStep(_("Get a new date"), OURS, "referral.rebook"),
    S.SEEN: NextStep(_("Get the report"), RECIPIENT, "referral.report"),
    S.CANCEL_REQUESTED: NextStep(_("Recipient confirms the cancel"), RECIPIENT, "referral.cancel_answer"),
}
REVIEW = NextStep(_("Requester reviews the report"), REQUESTER, "referral.review")
REVIEW_CRITICAL = NextStep(
    _("Requester reviews the critical report today"), REQUESTER, "referral.review_critical"
)
TELL_PATIENT = NextStep(_("Tell the patient"), OURS, "referral.tell_patient")
TELL_REQUESTER = NextStep(_("Tell the requester"), OURS, "referral.tell_requester")
CLOSED = NextStep(_("Loop closed"), "")

# Steps that do what the running deadline waited for; any other step only makes it not apply any more.
MEETING_STEPS = frozenset(
    {
        "make_ready",
        "send",
        "receive",
        "accept",
        "schedule",
        "see",
        "complete",
        "record_help",
        "decline",
        "confirm_cancel",
        "review",
        "tell_patient",
        "tell_requester",
    }
)


def next_step(referral: Any) -> NextStep:
    """What must happen now. The loop is closed only when the requester reviewed and the patient was told,
    or when it ended another way and the requester was told. Looks at the status and the loop's facts only."""
    if referral.status == S.COMPLETED:
        if referral.reviewed_at is None:
            return REVIEW_CRITICAL if referral.report_is_critical else REVIEW
        return TELL_PATIENT if referral.patient_told_at is None else CLOSED
    if referral.status in ENDED_WITHOUT_REPORT:
        return TELL_REQUESTER if referral.requester_told_at is None else CLOSED
    if referral.status == S.ENTERED_IN_ERROR:
        return CLOSED
    return NEXT_STEPS[referral.status]


# A recipient often answers several questions at once. One click, but every row between is written.
PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    (S.DRAFT, "send"): ("make_ready", "send"),
    (S.SENT, "accept"): ("receive", "accept"),
    (S.SENT, "schedule"): ("receive", "accept", "schedule"),
    (S.RECEIVED, "schedule"): ("accept", "schedule"),
    (S.SENT, "see"): ("receive", "accept", "see"),
    (S.RECEIVED, "see"): ("accept", "see"),
    (S.SENT, "complete"): ("receive", "accept", "see", "complete"),
    (S.RECEIVED, "complete"): ("accept", "see", "complete"),
    (S.ACCEPTED, "complete"): ("see", "complete"),
    (S.SCHEDULED, "complete"): ("see", "complete"),
    (S.SENT, "record_help"): ("receive", "accept", "record_help"),
    (S.RECEIVED, "record_help"): ("accept", "record_help"),
}


def path(status: str, step: str) -> tuple[str, ...]:
    """The steps to take for one click, in order."""
    return PATHS.get((status, step), (step,))


def takes_report(status: str) -> bool:
    """Whether a report can come in: also from a recipient who never said that the referral arrived.

    >>> takes_report("sent"), takes_report("draft")
    (True, False)
    """
    return REFERRAL_WORKFLOW.find(path(status, "complete")[0], status) is not None


@dataclass(frozen=True)
class Chase:
    """The task that a missed date opens: what it is called, and what to do."""

    title: Text
    next_step: Text


# By the rule whose date was missed. A late report has its own words (services.reports) and is asked for again.
CHASES: dict[str, Chase] = {
    "referral.acknowledge.{urgency}": Chase(
        _("Call the recipient: %(what)s"), _("Ask whether they have the referral and will see the patient.")
    ),
    "referral.schedule.{urgency}": Chase(
        _("No visit date yet: %(what)s"), _("Call the recipient; offer the patient an alternative.")
    ),
    "referral.visit_check": Chase(
        _("Did the visit happen? %(what)s"), _("Ask, then record it as seen, no-show or off.")
    ),
    "referral.cancel_answer": Chase(
        _("Cancel request without an answer: %(what)s"),
        _("Call the recipient, and keep each attempt on the referral."),
    ),
    "referral.review": Chase(
        _("Report not reviewed: %(what)s"), _("Take it to the requester, or to who stands in for them.")
    ),
    "referral.review_critical": Chase(
        _("Critical report not reviewed: %(what)s"),
        _("Reach the requester, or who stands in for them, now."),
    ),
    "referral.tell_patient": Chase(
        _("Tell the patient the outcome: %(what)s"), _("Call, then record on the referral that they know.")
    ),
    "referral.tell_requester": Chase(
        _("Tell the requester that it ended: %(what)s"), _("Tell them, then record it on the referral.")
    ),
}
# Statuses whose missed date may open a task; ended and reported ones by the fact that is missing.
CHASED = (
    S.COMPLETED,
    *ENDED_WITHOUT_REPORT,
    *(status for status, step in NEXT_STEPS.items() if step.rule in CHASES),
)
SEEN_BY = Chase(
    _("Not seen by the day asked for: %(what)s"), _("Tell the requester, and agree on what happens now.")
)
NOT_YET_SEEN = tuple(s for s in NEXT_STEPS if s not in (S.SEEN, S.CANCEL_REQUESTED))
