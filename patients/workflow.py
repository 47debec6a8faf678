"""A patient's standing with the clinic, and what becomes of an update to a provider. Later apps react to both."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.workflow import Step, Workflow, enter_in_error


class PatientStatus(models.TextChoices):
    ACTIVE = "active", _("Active")
    INACTIVE = "inactive", _("Inactive")
    TRANSFERRED = "transferred", _("Transferred elsewhere")
    DECEASED = "deceased", _("Deceased")
    MERGED = "merged", _("Merged")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


S = PatientStatus
PRESENT = (S.ACTIVE, S.INACTIVE, S.TRANSFERRED, S.DECEASED)
GONE = (S.MERGED, S.ENTERED_IN_ERROR)  # in no list, search or count

# Steps by which somebody is no longer cared for here: apps above close or reroute what is open.
LEAVING = ("inactivate", "transfer", "record_death", "enter_in_error")


def stand(status: str) -> str:
    """The step by which merging, or taking it back, gives a record this standing."""
    return f"stand_{status}"


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
        # Only services.merging takes these: no form offers them.
        Step("merge", PRESENT, S.MERGED, needs=("reason",), label=_("Merged into another record")),
        *(
            Step(
                stand(to),
                tuple(s for s in (*PRESENT, S.MERGED) if s != to),
                to,
                needs=("reason",),
                label=_("Standing set by merging"),
            )
            for to in PRESENT
        ),
        enter_in_error(S.values),
    ],
)


class UpdateStatus(models.TextChoices):
    SENT = "sent", _("Waiting for an answer")
    ACKNOWLEDGED = "acknowledged", pgettext_lazy("provider update", "Read, nothing to add")
    ANSWERED = "answered", _("Answered, not read yet")
    CLOSED = "closed", _("Answer read")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


U = UpdateStatus
UPDATE_WORKFLOW = Workflow(
    U,
    initial=U.SENT,
    steps=[
        Step("acknowledge", (U.SENT,), U.ACKNOWLEDGED, label=_("Read, nothing to add")),
        Step("answer", (U.SENT, U.ACKNOWLEDGED), U.ANSWERED, needs=("answer",), label=_("Answer")),
        Step("read_answer", (U.ANSWERED,), U.CLOSED, label=_("I have read the answer")),
        Step("withdraw", (U.SENT,), U.WITHDRAWN, needs=("reason",), label=_("Withdraw")),
        Step("send_again", (U.WITHDRAWN,), U.SENT, needs=("reason",), label=_("Send again")),
        enter_in_error(U.values),
    ],
)
