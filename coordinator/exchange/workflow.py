"""The steps of a payer's file: parked until it is matched, matched until somebody confirms or sets it aside."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from coordinator.workflow import Step, Workflow, enter_in_error


class FileStatus(models.TextChoices):
    PARKED = "parked", _("Parked")
    MATCHED = "matched", _("To be confirmed")
    APPLIED = "applied", _("Recorded")
    SET_ASIDE = "set_aside", _("Set aside")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


S = FileStatus
OPEN = (S.PARKED, S.MATCHED)

WORKFLOW = Workflow(
    S,
    initial=S.PARKED,
    steps=[
        Step("match", OPEN, S.MATCHED, needs=("authorization",), label=_("Matched to a request")),
        Step("park", OPEN, S.PARKED, needs=("reason",), label=_("Parked")),
        Step("apply", (S.MATCHED,), S.APPLIED, label=_("Recorded on the request")),
        Step("set_aside", OPEN, S.SET_ASIDE, needs=("reason",), label=_("Set aside")),
        Step("take_up", (S.SET_ASIDE,), S.PARKED, label=_("Taken up again")),
        enter_in_error(S.values),
    ],
)
