"""The steps of somebody who waits for a visit, and of a time that is offered to them."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.workflow import Step, Workflow, enter_in_error


class EntryStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    OFFERED = "offered", _("Time offered")
    BOOKED = "booked", _("Booked")
    CLOSED = "closed", _("Off the waitlist")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


E = EntryStatus
WAITS = (E.WAITING, E.OFFERED)

ENTRY_WORKFLOW = Workflow(
    E,
    initial=E.WAITING,
    steps=[
        Step("offer", (E.WAITING,), E.OFFERED, label=_("Time offered")),
        Step("wait_on", (E.OFFERED,), E.WAITING, label=_("Waits on")),
        Step("book", WAITS, E.BOOKED, needs=("appointment",), label=_("Booked")),
        Step("close", WAITS, E.CLOSED, needs=("reason",), label=_("Take off the waitlist")),
        Step("reopen", (E.BOOKED, E.CLOSED), E.WAITING, needs=("reason",), label=_("Back on the waitlist")),
        enter_in_error(E.values),
    ],
)


class OfferStatus(models.TextChoices):
    OFFERED = "offered", _("Waits for an answer")
    ACCEPTED = "accepted", pgettext_lazy("offer", "Accepted")
    DECLINED = "declined", pgettext_lazy("offer", "Declined")
    EXPIRED = "expired", _("Not answered in time")
    WITHDRAWN = "withdrawn", pgettext_lazy("offer", "Taken back")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


F = OfferStatus

OFFER_WORKFLOW = Workflow(
    F,
    initial=F.OFFERED,
    steps=[
        Step("accept", (F.OFFERED,), F.ACCEPTED, label=_("Yes, book it")),
        Step("decline", (F.OFFERED,), F.DECLINED, label=_("No")),
        Step("expire", (F.OFFERED,), F.EXPIRED, label=_("Not answered in time")),
        Step("withdraw", (F.OFFERED,), F.WITHDRAWN, needs=("reason",), label=_("Take back")),
        enter_in_error(F.values),
    ],
)
