"""A patient's standing with the clinic. Later apps react to it (messages stop, work is rerouted)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from coordinator.workflow import Step, Workflow, enter_in_error


class PatientStatus(models.TextChoices):
    ACTIVE = "active", _("Active")
    INACTIVE = "inactive", _("Inactive")
    TRANSFERRED = "transferred", _("Transferred elsewhere")
    DECEASED = "deceased", _("Deceased")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


S = PatientStatus
GONE = (S.ENTERED_IN_ERROR,)  # in no list, search or count
WORKFLOW = Workflow(
    S,
    initial=S.ACTIVE,
    steps=[
        Step("inactivate", (S.ACTIVE,), S.INACTIVE, needs=("reason",), label=_("Make inactive")),
        Step(
            "transfer", (S.ACTIVE, S.INACTIVE), S.TRANSFERRED, needs=("reason",), label=_("Record transfer")
        ),
        Step("record_death", (S.ACTIVE, S.INACTIVE, S.TRANSFERRED), S.DECEASED, label=_("Record death")),
        Step(
            "reactivate",
            (S.INACTIVE, S.TRANSFERRED, S.DECEASED),
            S.ACTIVE,
            needs=("reason",),
            label=_("Make active again"),
        ),
        enter_in_error(S.values),
    ],
)
