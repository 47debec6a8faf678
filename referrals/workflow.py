"""The steps of referrals and prior authorizations."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.workflow import Step, Workflow, enter_in_error


class ReferralStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    AWAITING_AUTHORIZATION = "awaiting_authorization", _("Awaiting authorization")
    READY = "ready", _("Ready to send")
    SENT = "sent", pgettext_lazy("referral", "Sent")
    SEND_FAILED = "send_failed", _("Sending failed")
    RECEIVED = "received", _("Received")
    ACCEPTED = "accepted", _("Accepted, to schedule")
    SCHEDULED = "scheduled", pgettext_lazy("referral", "Scheduled")
    NO_SHOW = "no_show", _("No-show")
    VISIT_CANCELLED = "visit_cancelled", _("Visit cancelled")
    SEEN = "seen", _("Seen, awaiting report")
    COMPLETED = "completed", _("Report received")
    DECLINED = "declined", _("Declined")
    CANCEL_REQUESTED = "cancel_requested", _("Cancel requested")
    CANCELLED = "cancelled", _("Cancelled")
    WITHDRAWN = "withdrawn", pgettext_lazy("referral", "Withdrawn")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


R = ReferralStatus
BEFORE_SENDING = (R.DRAFT, R.AWAITING_AUTHORIZATION, R.READY, R.SEND_FAILED)
WITH_RECIPIENT = (R.SENT, R.RECEIVED, R.ACCEPTED, R.SCHEDULED, R.NO_SHOW, R.VISIT_CANCELLED, R.SEEN)
ENDED_WITHOUT_REPORT = (R.DECLINED, R.CANCELLED, R.WITHDRAWN)

REFERRAL_WORKFLOW = Workflow(
    R,
    initial=R.DRAFT,
    steps=[
        Step(
            "await_authorization",
            (R.DRAFT, R.READY),
            R.AWAITING_AUTHORIZATION,
            label=_("Wait for authorization"),
        ),
        Step(
            "make_ready",
            (R.DRAFT, R.AWAITING_AUTHORIZATION, R.SEND_FAILED),
            R.READY,
            label=_("Ready to send"),
        ),
        Step("redraft", (R.READY,), R.DRAFT, label=_("Back to draft")),
        Step("withdraw", BEFORE_SENDING, R.WITHDRAWN, needs=("reason",), label=_("Withdraw")),
        Step("send", (R.READY, R.SEND_FAILED), R.SENT, needs=("channel",), label=_("Record as sent")),
        Step("record_send_failure", (R.SENT,), R.SEND_FAILED, needs=("reason",), label=_("Sending failed")),
        Step("receive", (R.SENT,), R.RECEIVED, needs=("confirmed_by",), label=_("Recipient has it")),
        Step("accept", (R.SENT, R.RECEIVED), R.ACCEPTED, label=_("Accepted")),
        Step(
            "schedule",
            (R.ACCEPTED, R.SCHEDULED, R.NO_SHOW, R.VISIT_CANCELLED, R.SEEN),
            R.SCHEDULED,
            needs=("visit_at", "visit_place"),
            label=_("Date known"),
        ),
        Step("record_no_show", (R.SCHEDULED,), R.NO_SHOW, label=_("No-show")),
        Step(
            "cancel_visit",
            (R.SCHEDULED, R.NO_SHOW, R.SEEN),
            R.VISIT_CANCELLED,
            needs=("reason", "cancelled_by"),
            label=_("Visit off"),
        ),
        Step("see", (R.ACCEPTED, R.SCHEDULED, R.SEEN), R.SEEN, needs=("seen_on",), label=_("Seen")),
        Step(
            "complete",
            (R.ACCEPTED, R.SCHEDULED, R.SEEN, R.CANCEL_REQUESTED),
            R.COMPLETED,
            needs=("report",),
            label=_("Report is in"),
        ),
        # Help for a social need is told, seldom written: its outcome stands for the report.
        Step(
            "record_help",
            (R.ACCEPTED, R.SCHEDULED, R.SEEN, R.CANCEL_REQUESTED),
            R.COMPLETED,
            needs=("outcome_reason", "confirmed_by"),
            label=_("Help was given"),
        ),
        Step(
            "decline",
            (R.SENT, R.RECEIVED, R.ACCEPTED, R.SCHEDULED, R.NO_SHOW, R.SEEN),
            R.DECLINED,
            needs=("reason",),
            label=_("Declined"),
        ),
        Step(
            "request_cancel", WITH_RECIPIENT, R.CANCEL_REQUESTED, needs=("reason",), label=_("Ask to cancel")
        ),
        Step("confirm_cancel", (R.CANCEL_REQUESTED,), R.CANCELLED, label=_("Cancel confirmed")),
        Step(
            "cancel_without_reply",
            (R.CANCEL_REQUESTED,),
            R.CANCELLED,
            needs=("reason",),
            label=_("Cancelled, no reply"),
        ),
        Step("reopen", (R.COMPLETED,), R.SEEN, needs=("reason",), label=_("Reopen")),
        Step(
            "reopen_for_visit",
            (R.COMPLETED,),
            R.SCHEDULED,
            needs=("reason", "visit_at", "visit_place"),
            label=_("Reopen, another visit is booked"),
        ),
        enter_in_error(R.values),
    ],
)
OPEN = tuple(s for s in R.values if s not in (*ENDED_WITHOUT_REPORT, R.ENTERED_IN_ERROR))


class OutcomeReason(models.TextChoices):
    """How a referral ended: why it was declined or not completed, and for a social need what came of it."""

    NO_CAPACITY = "no_capacity", _("No capacity")
    NOT_ELIGIBLE = "not_eligible", _("Not eligible")
    OUT_OF_NETWORK = "out_of_network", _("Out of network")
    WRONG_SPECIALTY = "wrong_specialty", _("Wrong specialty")
    NEEDS_MORE_INFORMATION = "needs_more_information", _("Needs more information")
    COULD_NOT_CONTACT = "could_not_contact", _("Could not contact")
    NO_LONGER_INTERESTED = "no_longer_interested", _("No longer interested")
    NEEDS_CLIENT_ACTION = "needs_client_action", _("Needs action by the patient")
    REFERRED_ELSEWHERE = "referred_elsewhere", _("Referred elsewhere")
    COULD_NOT_GET_HELP = "could_not_get_help", _("Could not get help")
    PATIENT_DECLINED_COST = "patient_declined_cost", _("Patient declined: cost")
    PATIENT_DECLINED_DISTANCE = "patient_declined_distance", _("Patient declined: distance")
    TRANSPORT_FAILED = "transport_failed", _("Transport failed")
    DECEASED = "deceased", _("Deceased")
    MOVED = "moved", _("Moved")
    DUPLICATE = "duplicate", _("Duplicate")
    OTHER = "other", _("Other")
    NO_REPLY_FROM_RECIPIENT = "no_reply_from_recipient", _("No reply from the recipient")
    GOT_HELP = "got_help", _("Got help")
    ELIGIBLE_WAITING = "eligible_waiting", _("Eligible, waiting")


HELPED = (OutcomeReason.GOT_HELP, OutcomeReason.ELIGIBLE_WAITING)
# What somebody can choose when a referral ends without its service; "no reply" is a step of its own.
NOT_COMPLETED = tuple(
    reason for reason in OutcomeReason if reason not in (*HELPED, OutcomeReason.NO_REPLY_FROM_RECIPIENT)
)


class CancelledBy(models.TextChoices):
    """Who called a visit off."""

    PATIENT = "patient", _("The patient")
    RECIPIENT = "recipient", _("The recipient")
    US = "us", _("We did")


class AuthorizationStatus(models.TextChoices):
    REQUIREMENT_UNKNOWN = "requirement_unknown", _("Is it needed?")
    NOT_REQUIRED = "not_required", _("Not required")
    REQUIRED = "required", _("Required")
    GATHERING = "gathering", _("Gathering papers")
    READY = "ready", _("Ready to submit")
    SUBMITTED = "submitted", _("Submitted")
    RETURNED = "returned", _("Returned by payer")
    PENDED = "pended", _("Payer asks")
    CONTACT_PAYER = "contact_payer", _("Contact payer")
    APPROVED = "approved", _("Approved")
    PARTIALLY_APPROVED = "partially_approved", _("Partly approved")
    MODIFIED = "modified", _("Approved with changes")
    DENIED = "denied", _("Denied")
    PEER_TO_PEER = "peer_to_peer", _("Peer-to-peer")
    APPEAL = "appeal", _("Appeal")
    UPHELD = "upheld", _("Denial upheld")
    EXPIRED = "expired", _("Expired")
    EXHAUSTED = "exhausted", _("Units used up")
    WITHDRAWN = "withdrawn", pgettext_lazy("referral", "Withdrawn")
    CANCELLED = "cancelled", _("Cancelled")
    CANCELLED_BY_PAYER = "cancelled_by_payer", _("Cancelled by payer")
    CLOSED_DENIED = "closed_denied", _("Closed, denied")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


A = AuthorizationStatus
WITH_PAYER = (A.SUBMITTED, A.PENDED, A.CONTACT_PAYER)
UNDECIDED = (A.REQUIREMENT_UNKNOWN, A.REQUIRED, A.GATHERING, A.READY, A.RETURNED, *WITH_PAYER)
IN_FORCE = (A.APPROVED, A.PARTIALLY_APPROVED, A.MODIFIED)
OVER = (A.EXPIRED, A.EXHAUSTED)

AUTHORIZATION_WORKFLOW = Workflow(
    A,
    initial=A.REQUIREMENT_UNKNOWN,
    steps=[
        Step(
            "find_not_required",
            (A.REQUIREMENT_UNKNOWN,),
            A.NOT_REQUIRED,
            needs=("evidence",),
            label=_("Not required"),
        ),
        Step("find_required", (A.REQUIREMENT_UNKNOWN, A.NOT_REQUIRED), A.REQUIRED, label=_("It is required")),
        Step("gather", (A.REQUIRED, A.READY, A.RETURNED), A.GATHERING, label=_("Gather papers")),
        Step("make_ready", (A.GATHERING,), A.READY, label=_("Ready to submit")),
        Step(
            "submit",
            (A.READY, A.RETURNED),
            A.SUBMITTED,
            needs=("channel", "received_by_payer_at", "receipt_proof"),
            label=_("Record as submitted"),
        ),
        Step(
            "withdraw",
            (A.REQUIRED, A.GATHERING, A.READY, A.RETURNED, *WITH_PAYER, A.APPEAL),
            A.WITHDRAWN,
            needs=("reason",),
            label=_("Withdraw"),
        ),
        Step("return", WITH_PAYER, A.RETURNED, needs=("reason",), label=_("Returned by the payer")),
        Step("pend", WITH_PAYER, A.PENDED, needs=("asked_for", "answer_due_at"), label=_("The payer asks")),
        Step("ask_to_contact", WITH_PAYER, A.CONTACT_PAYER, label=_("The payer wants a call")),
        Step(
            "approve",
            (*WITH_PAYER, *IN_FORCE, A.PEER_TO_PEER, A.APPEAL),
            A.APPROVED,
            needs=("authorization_number",),
            label=_("Approved"),
        ),
        Step(
            "approve_back_dated",
            (A.EXPIRED, A.EXHAUSTED),
            A.APPROVED,
            needs=("reason",),
            label=_("Extension back-dated"),
        ),
        Step(
            "approve_in_part",
            (*WITH_PAYER, A.PEER_TO_PEER, A.APPEAL),
            A.PARTIALLY_APPROVED,
            needs=("authorization_number",),
            label=_("Partly approved"),
        ),
        Step(
            "modify",
            (*WITH_PAYER, A.PEER_TO_PEER, A.APPEAL),
            A.MODIFIED,
            needs=("authorization_number",),
            label=_("Approved with changes"),
        ),
        Step("deny", (*WITH_PAYER, A.PEER_TO_PEER), A.DENIED, needs=("reason",), label=_("Denied")),
        Step(
            "start_peer_to_peer",
            (A.DENIED,),
            A.PEER_TO_PEER,
            needs=("at", "our_clinician"),
            label=_("Peer-to-peer asked for"),
        ),
        Step(
            "appeal",
            (A.DENIED, A.PEER_TO_PEER, A.PARTIALLY_APPROVED, A.MODIFIED, A.UPHELD),
            A.APPEAL,
            needs=("level", "filed_at"),
            label=_("Appeal filed"),
        ),
        Step("uphold", (A.APPEAL,), A.UPHELD, needs=("outcome_on",), label=_("Denial upheld")),
        Step(
            "close_denied",
            (A.DENIED, A.UPHELD),
            A.CLOSED_DENIED,
            needs=("reason",),
            label=_("Close as denied"),
        ),
        Step("expire", IN_FORCE, A.EXPIRED, label=_("Expired")),
        Step("exhaust", IN_FORCE, A.EXHAUSTED, label=_("Units used up")),
        Step("cancel", IN_FORCE, A.CANCELLED, needs=("reason",), label=_("Cancel")),
        Step(
            "record_payer_cancel",
            IN_FORCE,
            A.CANCELLED_BY_PAYER,
            needs=("reason",),
            label=_("Cancelled by the payer"),
        ),
        enter_in_error(A.values),
    ],
)
# Expired and used up are open: somebody still has to renew it or let it end (PriorAuthorization.may_end_at).
AUTHORIZATION_OPEN = tuple(
    s
    for s in A.values
    if s
    not in (
        A.NOT_REQUIRED,
        A.WITHDRAWN,
        A.CANCELLED,
        A.CANCELLED_BY_PAYER,
        A.CLOSED_DENIED,
        A.ENTERED_IN_ERROR,
    )
)
# Others act on these, so when the patient leaves somebody has to end them. A report that is in still gets its review.
REFERRAL_TO_END = (*BEFORE_SENDING, *WITH_RECIPIENT)
AUTHORIZATION_TO_END = (*UNDECIDED, *IN_FORCE, A.PEER_TO_PEER, A.APPEAL)
