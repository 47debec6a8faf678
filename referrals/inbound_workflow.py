"""The steps of a paper that came in: sorted into a record, or set aside with a reason. Never lost, never deleted."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from coordinator.workflow import Step, Workflow, enter_in_error


class InboundStatus(models.TextChoices):
    NEW = "new", _("To be sorted")
    ATTACHED = "attached", _("Attached to a record")
    SET_ASIDE = "set_aside", _("Set aside")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


S = InboundStatus

INBOUND_WORKFLOW = Workflow(
    S,
    initial=S.NEW,
    steps=[
        Step("attach", (S.NEW,), S.ATTACHED, needs=("document",), label=_("Attach")),
        Step("set_aside", (S.NEW,), S.SET_ASIDE, needs=("reason",), label=_("Set aside")),
        Step("sort_again", (S.ATTACHED, S.SET_ASIDE), S.NEW, needs=("reason",), label=_("Sort again")),
        enter_in_error(S.values),
    ],
)
