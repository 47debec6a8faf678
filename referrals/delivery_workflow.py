"""The steps of one delivery: a packet on its way to one recipient by one channel. "Delivered" says that it arrived, no more."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.workflow import Step, Workflow, enter_in_error


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", _("Waiting to go")
    SENDING = "sending", _("Being handed over")
    HANDED_OVER = "handed_over", _("Handed over")
    DELIVERED = "delivered", pgettext_lazy("packet", "Delivered")
    FAILED = "failed", _("Did not arrive")
    UNKNOWN = "unknown", _("Not known whether it arrived")
    REVOKED = "revoked", _("Taken back")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


S = DeliveryStatus
NOT_STANDING = (S.FAILED, S.REVOKED, S.ENTERED_IN_ERROR)
ON_ITS_WAY = (S.QUEUED, S.SENDING, S.HANDED_OVER, S.UNKNOWN)

# From "unknown" nothing leads back to the queue: only a person, or the gateway's later answer, ends the doubt.
DELIVERY_WORKFLOW = Workflow(
    S,
    initial=S.QUEUED,
    steps=[
        Step("start", (S.QUEUED,), S.SENDING, label=_("Hand over")),
        # The gateway said that it took nothing: the same delivery may be tried again.
        Step("wait", (S.SENDING,), S.QUEUED, needs=("reason",), label=_("Not taken, tried again later")),
        Step("hand_over", (S.QUEUED, S.SENDING), S.HANDED_OVER, label=_("Handed over")),
        Step("deliver", (S.HANDED_OVER, S.UNKNOWN), S.DELIVERED, needs=("evidence",), label=_("It arrived")),
        Step("fail", ON_ITS_WAY, S.FAILED, needs=("reason",), label=_("It did not arrive")),
        Step(
            "lose_track",
            (S.QUEUED, S.SENDING, S.HANDED_OVER),
            S.UNKNOWN,
            needs=("reason",),
            label=_("Not known whether it arrived"),
        ),
        Step(
            "revoke",
            (S.QUEUED, S.HANDED_OVER, S.UNKNOWN),
            S.REVOKED,
            needs=("reason",),
            label=_("Take back"),
        ),
        enter_in_error(S.values),
    ],
)
