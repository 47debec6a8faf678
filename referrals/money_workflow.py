"""The steps of money help: aid applications, benefit applications, bills and good-faith estimates."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.workflow import Step, Workflow, enter_in_error


class AidStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("With the fund")
    AWARDED = "awarded", pgettext_lazy("aid", "Awarded")
    REFUSED = "refused", pgettext_lazy("aid", "Refused")
    SPENT = "spent", pgettext_lazy("aid", "Spent")
    EXPIRED = "expired", _("Expired")
    CLOSED = "closed", pgettext_lazy("aid", "Closed")
    WITHDRAWN = "withdrawn", pgettext_lazy("aid", "Withdrawn")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


A = AidStatus
AID_OPEN = (A.DRAFT, A.SUBMITTED, A.AWARDED, A.REFUSED, A.EXPIRED)
AID_WORKFLOW = Workflow(
    A,
    initial=A.DRAFT,
    steps=[
        Step("submit", (A.DRAFT,), A.SUBMITTED, label=_("Send the application")),
        Step(
            "award",
            (A.SUBMITTED,),
            A.AWARDED,
            needs=("awarded_amount", "decided_by", "decided_on"),
            label=_("Awarded"),
        ),
        Step(
            "refuse",
            (A.SUBMITTED,),
            A.REFUSED,
            needs=("reason", "decided_by", "decided_on"),
            label=_("Refused"),
        ),
        Step("finish", (A.AWARDED,), A.SPENT, label=_("All of it is paid")),
        Step("expire", (A.AWARDED,), A.EXPIRED, label=_("Expired")),
        Step("ask_again", (A.REFUSED, A.EXPIRED, A.CLOSED), A.DRAFT, needs=("reason",), label=_("Ask again")),
        Step("close", (A.REFUSED, A.EXPIRED), A.CLOSED, label=_("Patient told, close")),
        Step("give_back", (A.AWARDED,), A.CLOSED, needs=("reason",), label=_("Give the rest back and close")),
        Step("correct_payment", (A.SPENT,), A.AWARDED, needs=("reason",), label=_("A payment was reversed")),
        Step("withdraw", (A.DRAFT, A.SUBMITTED), A.WITHDRAWN, needs=("reason",), label=_("Withdraw")),
        enter_in_error(A.values),
    ],
)


class BenefitStatus(models.TextChoices):
    GATHERING = "gathering", _("Gathering papers")
    FILED = "filed", pgettext_lazy("benefit", "Filed")
    APPROVED = "approved", _("Approved")
    DENIED = "denied", _("Denied")
    ENDED = "ended", pgettext_lazy("benefit", "Ended")
    WITHDRAWN = "withdrawn", pgettext_lazy("benefit", "Withdrawn")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


B = BenefitStatus
BENEFIT_OPEN = (B.GATHERING, B.FILED, B.APPROVED, B.DENIED)
BENEFIT_WORKFLOW = Workflow(
    B,
    initial=B.GATHERING,
    steps=[
        Step("file", (B.GATHERING,), B.FILED, needs=("filed_on",), label=_("Filed")),
        Step(
            "approve",
            (B.FILED, B.DENIED),
            B.APPROVED,
            needs=("decided_on", "starts_on", "renews_on"),
            label=_("Approved"),
        ),
        Step("deny", (B.FILED,), B.DENIED, needs=("reason", "decided_on"), label=_("Denied")),
        Step("renew", (B.APPROVED,), B.APPROVED, needs=("renews_on",), label=_("Renewed")),
        Step("ask_again", (B.DENIED, B.ENDED), B.GATHERING, needs=("reason",), label=_("Ask again")),
        Step("end", (B.APPROVED, B.DENIED), B.ENDED, needs=("reason",), label=_("It ends")),
        Step("withdraw", (B.GATHERING, B.FILED), B.WITHDRAWN, needs=("reason",), label=_("Withdraw")),
        enter_in_error(B.values),
    ],
)


class BillStatus(models.TextChoices):
    LOGGED = "logged", _("To explain or decide")
    QUESTIONED = "questioned", _("Question sent")
    DISPUTED = "disputed", _("Disputed")
    SETTLED = "settled", _("Settled")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


L = BillStatus
BILL_OPEN = (L.LOGGED, L.QUESTIONED, L.DISPUTED)
BILL_WORKFLOW = Workflow(
    L,
    initial=L.LOGGED,
    steps=[
        Step("ask", (L.LOGGED, L.QUESTIONED), L.QUESTIONED, label=_("Send a question")),
        Step("answer", (L.QUESTIONED,), L.LOGGED, label=_("Answer is in")),
        Step("dispute", (L.LOGGED, L.QUESTIONED), L.DISPUTED, needs=("reason",), label=_("Dispute the bill")),
        Step("settle", BILL_OPEN, L.SETTLED, needs=("outcome",), label=_("Record the outcome")),
        Step("reopen", (L.SETTLED,), L.LOGGED, needs=("reason",), label=_("Reopen")),
        enter_in_error(L.values),
    ],
)


class EstimateStatus(models.TextChoices):
    DUE = "due", _("To be given")
    GIVEN = "given", pgettext_lazy("estimate", "Given")
    NOT_NEEDED = "not_needed", _("Not needed")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


E = EstimateStatus
ESTIMATE_OPEN = (E.DUE,)
ESTIMATE_WORKFLOW = Workflow(
    E,
    initial=E.DUE,
    steps=[
        Step("give", (E.DUE,), E.GIVEN, needs=("amount", "given_on", "channel"), label=_("Estimate given")),
        Step("drop", (E.DUE,), E.NOT_NEEDED, needs=("reason",), label=_("Not needed")),
        Step(
            "correct_given", (E.GIVEN, E.NOT_NEEDED), E.DUE, needs=("reason",), label=_("Still to be given")
        ),
        enter_in_error(E.values),
    ],
)
