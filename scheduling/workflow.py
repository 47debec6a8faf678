"""The steps of an appointment, with a way to correct every one."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from coordinator.workflow import Step, Workflow, enter_in_error


class Status(models.TextChoices):
    PROPOSED = "proposed", _("To be booked")
    WAITLIST = "waitlist", _("Waitlist")
    PENDING = "pending", _("Awaiting confirmation")
    BOOKED = "booked", _("Booked")
    ARRIVED = "arrived", _("Arrived")
    CHECKED_IN = "checked_in", _("In room")
    FULFILLED = "fulfilled", _("Seen")
    NO_SHOW = "no_show", _("No-show")
    CANCELLED = "cancelled", _("Cancelled")
    RESCHEDULED = "rescheduled", _("Rescheduled")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


S = Status
UPCOMING = (S.PENDING, S.BOOKED)
# Agreed, and nobody wrote yet what became of it.
WITHOUT_OUTCOME = (*UPCOMING, S.ARRIVED, S.CHECKED_IN)
# Statuses that hold the practitioner, the room and the patient for that time.
HOLDING = (*WITHOUT_OUTCOME, S.FULFILLED)
UNBOOKED = (S.PROPOSED, S.WAITLIST)

WORKFLOW = Workflow(
    S,
    initial=S.BOOKED,
    steps=[
        Step("offer", (S.PROPOSED, S.WAITLIST), S.PENDING, label=_("Offer a time")),
        Step("book", (S.PROPOSED, S.WAITLIST), S.BOOKED, label=_("Book")),
        Step("confirm", (S.PENDING,), S.BOOKED, label=_("Confirm")),
        Step("put_on_waitlist", (S.PROPOSED, S.PENDING), S.WAITLIST, label=_("Put on waitlist")),
        Step("arrive", (S.BOOKED,), S.ARRIVED, label=_("Arrived")),
        Step("check_in", (S.BOOKED, S.ARRIVED), S.CHECKED_IN, label=_("In room")),
        Step("fulfill", (S.ARRIVED, S.CHECKED_IN), S.FULFILLED, label=_("Seen")),
        # Outside visits: arrival is never seen. The service checks that the visit is one.
        Step("fulfill_outside", (S.BOOKED,), S.FULFILLED, label=_("Seen elsewhere")),
        Step("mark_no_show", (S.BOOKED,), S.NO_SHOW, label=_("No-show")),
        Step(
            "cancel",
            (S.PROPOSED, S.WAITLIST, S.PENDING, S.BOOKED),
            S.CANCELLED,
            needs=("cancelled_by", "reason"),
            label=_("Cancel"),
        ),
        Step(
            "leave",
            (S.ARRIVED, S.CHECKED_IN),
            S.CANCELLED,
            needs=("reason",),
            label=_("Left without being seen"),
        ),
        Step("reschedule", (S.BOOKED, S.NO_SHOW), S.RESCHEDULED, needs=("reason",), label=_("Reschedule")),
        Step("undo_arrive", (S.ARRIVED,), S.BOOKED, label=_("Undo arrival")),
        Step("undo_check_in", (S.CHECKED_IN,), S.ARRIVED, label=_("Undo in room")),
        Step("undo_cancel", (S.CANCELLED,), S.BOOKED, label=_("Undo cancel")),
        Step(
            "correct_fulfilled",
            (S.FULFILLED,),
            S.CHECKED_IN,
            needs=("reason",),
            label=_("Correct: not yet seen"),
        ),
        Step("correct_no_show", (S.NO_SHOW,), S.BOOKED, needs=("reason",), label=_("Correct: not a no-show")),
        Step(
            "correct_to_fulfilled", (S.NO_SHOW,), S.FULFILLED, needs=("reason",), label=_("Correct: was seen")
        ),
        Step(
            "correct_to_cancelled",
            (S.NO_SHOW,),
            S.CANCELLED,
            needs=("cancelled_by", "reason"),
            label=_("Correct: was cancelled"),
        ),
        enter_in_error(S.values),
    ],
)


class CancelledBy(models.TextChoices):
    PATIENT = "patient", _("Patient")
    PROVIDER = "provider", _("Provider")
    PAYER = "payer", _("Payer")
    SYSTEM = "system", _("System")
