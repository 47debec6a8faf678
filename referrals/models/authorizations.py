"""What stands around a prior authorization: whether it is needed, its papers, the calls, earlier versions of its lines.

Rows of an authorization are reached through it; the lists at the end are the clinic's own, kept by managers.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.db import Record
from patients.models import Document, DocumentKind
from referrals.models.referrals import AuthorizationLine, Payer, PriorAuthorization


class Covered(models.TextChoices):
    """Da Vinci CRD, coverage-information: is the service covered?"""

    COVERED = "covered", pgettext_lazy("coverage of a service", "Covered")
    NOT_COVERED = "not-covered", _("Not covered")
    CONDITIONAL = "conditional", _("Covered under conditions")
    INDETERMINATE = "indeterminate", _("The payer could not say")


class PaNeeded(models.TextChoices):
    """Da Vinci CRD, coverage-information: is an authorization needed? "indeterminate" is not "no"."""

    NO_AUTH = "no-auth", _("Not needed")
    AUTH_NEEDED = "auth-needed", pgettext_lazy("prior authorization", "Needed")
    SATISFIED = "satisfied", _("Needed, and there is one already")
    PERFORM_PA = "performpa", _("Needed; the payer takes the request with this question")
    CONDITIONAL = "conditional", _("It depends: more has to be known")
    INDETERMINATE = "indeterminate", _("The payer could not say")


class DocNeeded(models.TextChoices):
    CLINICAL = "clinical", _("Clinical papers")
    ADMIN = "admin", _("Administrative papers")
    PATIENT = "patient", _("Something from the patient")


class InfoNeeded(models.TextChoices):
    PERFORMER = "performer", _("Who will do it")
    LOCATION = "location", _("Where")
    TIMEFRAME = "timeframe", _("When")
    CONTRACT_WINDOW = "contract-window", _("The contract's period")
    DETAIL_CODE = "detail-code", _("A more exact code")


class RequirementSource(models.TextChoices):
    PORTAL = "portal", _("Payer's portal")
    PHONE = "phone", _("Phone")
    LIST = "list", _("The payer's list")
    CRD = "crd", _("Electronic (CRD)")


NEEDED = (PaNeeded.AUTH_NEEDED, PaNeeded.PERFORM_PA)
NOT_NEEDED = (PaNeeded.NO_AUTH, PaNeeded.SATISFIED)


class InError(models.Model):
    """A row that can be entered in error: it stays, with why."""

    error_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True

    @property
    def is_error(self) -> bool:
        return bool(self.error_reason)


class RequirementCheck(InError, Record):
    """One answer to "is it needed?": from where, who said it, when, and how long it holds."""

    authorization = models.ForeignKey(
        PriorAuthorization, on_delete=models.PROTECT, related_name="requirement_checks"
    )
    covered = models.CharField(max_length=14, choices=Covered.choices, blank=True)
    pa_needed = models.CharField(max_length=14, choices=PaNeeded.choices)
    doc_needed = ArrayField(
        models.CharField(max_length=10, choices=DocNeeded.choices), default=list, blank=True
    )
    info_needed = ArrayField(
        models.CharField(max_length=16, choices=InfoNeeded.choices), default=list, blank=True
    )
    source = models.CharField(max_length=6, choices=RequirementSource.choices)
    reference = models.CharField(max_length=120, blank=True)
    said_by = models.CharField(max_length=120, blank=True)
    note = models.CharField(max_length=500, blank=True)
    checked_at = models.DateTimeField()
    expires_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["-checked_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(pa_needed__in=PaNeeded.values) & Q(source__in=RequirementSource.values),
                name="requirement_check_known",
            ),
            # "Not needed" is evidence only with what it can be proved by.
            models.CheckConstraint(
                condition=~Q(pa_needed__in=["no-auth", "satisfied"]) | ~Q(reference=""),
                name="requirement_check_no_needs_proof",
            ),
        ]

    def holds_on(self, day: date) -> bool:
        return not self.is_error and (self.expires_on is None or self.expires_on >= day)

    @property
    def doc_words(self) -> list[Any]:
        return [DocNeeded(code).label for code in self.doc_needed]

    @property
    def info_words(self) -> list[Any]:
        return [InfoNeeded(code).label for code in self.info_needed]


class AuthorizationPaper(Record):
    """One line of a request's document checklist, and the patient's document that answers it."""

    authorization = models.ForeignKey(PriorAuthorization, on_delete=models.PROTECT, related_name="papers")
    label = models.CharField(max_length=160)
    document_kind = models.CharField(max_length=20, choices=DocumentKind.choices, default=DocumentKind.OTHER)
    is_required = models.BooleanField(default=True)
    hint = models.CharField(max_length=300, blank=True)
    document = models.ForeignKey(
        Document, null=True, blank=True, on_delete=models.PROTECT, related_name="authorization_papers"
    )
    attached_at = models.DateTimeField(null=True, blank=True)
    dropped_because = models.CharField(max_length=300, blank=True)  # taken off the list, with why

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["authorization", "label"], name="authorization_paper_once"),
            models.CheckConstraint(
                condition=Q(document__isnull=True) | Q(attached_at__isnull=False),
                name="authorization_paper_attached_when",
            ),
        ]

    @property
    def is_there(self) -> bool:
        """A document entered in error is not there."""
        return self.document is not None and not self.document.is_error

    @property
    def is_missing(self) -> bool:
        return self.is_required and not self.dropped_because and not self.is_there


class PayerCall(InError, Record):
    """One call to the payer: who, their reference, minutes on hold and talking, what was said and promised."""

    authorization = models.ForeignKey(PriorAuthorization, on_delete=models.PROTECT, related_name="calls")
    called_at = models.DateTimeField()
    representative = models.CharField(max_length=120, blank=True)
    call_reference = models.CharField(max_length=60, blank=True)
    hold_minutes = models.PositiveSmallIntegerField(default=0)
    talk_minutes = models.PositiveSmallIntegerField(default=0)
    said = models.CharField(max_length=1000)
    promised = models.CharField(max_length=300, blank=True)
    promised_by = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["-called_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(hold_minutes__lte=600, talk_minutes__lte=600), name="payer_call_minutes"
            ),
            models.CheckConstraint(
                condition=Q(promised_by__isnull=True) | ~Q(promised=""), name="payer_call_promise_says_what"
            ),
        ]


class AuthorizationLineVersion(Record):
    """A line as the payer had decided it before a revision or an extension. Never changed."""

    line = models.ForeignKey(AuthorizationLine, on_delete=models.PROTECT, related_name="earlier")
    number = models.PositiveSmallIntegerField()  # of the version, from 1
    service_code = models.CharField(max_length=20)
    decision = models.CharField(max_length=10, choices=AuthorizationLine.Decision.choices, blank=True)
    units_approved = models.PositiveIntegerField(null=True, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    reason = models.TextField(blank=True)
    replaced_at = models.DateTimeField()
    replaced_because = models.CharField(max_length=300)

    class Meta:
        ordering = ["line", "number"]
        constraints = [
            models.UniqueConstraint(fields=["line", "number"], name="authorization_line_version_once")
        ]


# --- the clinic's lists ---------------------------------------------------------------------------------------


class Offered(models.QuerySet[Any]):
    def offered(self) -> Any:
        return self.filter(is_active=True)


class PayerRequirement(Record):
    """A line of the managed list: does this payer want an authorization for this service? Answers without a call."""

    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="requirements")
    service_code = models.CharField(max_length=20, blank=True)
    specialty = models.CharField(
        max_length=120, blank=True
    )  # for referrals, which name a specialty and no code
    pa_needed = models.CharField(max_length=14, choices=PaNeeded.choices)
    covered = models.CharField(max_length=14, choices=Covered.choices, blank=True)
    doc_needed = ArrayField(
        models.CharField(max_length=10, choices=DocNeeded.choices), default=list, blank=True
    )
    source = models.CharField(max_length=200)
    source_on = models.DateField()
    expires_on = models.DateField()
    is_active = models.BooleanField(default=True)

    objects = Offered.as_manager()

    class Meta:
        ordering = ["payer__name", "specialty", "service_code"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(service_code="") | ~Q(specialty=""), name="payer_requirement_of_what"
            ),
            models.CheckConstraint(
                condition=Q(expires_on__gte=models.F("source_on")), name="payer_requirement_period"
            ),
            models.UniqueConstraint(
                fields=["payer", "service_code", "specialty"],
                condition=Q(is_active=True),
                name="payer_requirement_once",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.service_code, self.specialty)))

    def holds_on(self, day: date) -> bool:
        return self.is_active and self.source_on <= day <= self.expires_on

    @property
    def evidence(self) -> str:
        """What a decision resting on this line refers to: the list and its date."""
        return f"{self.source}, {self.source_on:%Y-%m-%d}"[:120]


class RequiredPaper(Record):
    """A line of the managed checklists: which paper a payer wants with a service. Blank: any payer, any service."""

    payer = models.ForeignKey(
        Payer, null=True, blank=True, on_delete=models.PROTECT, related_name="required_papers"
    )
    service_code = models.CharField(max_length=20, blank=True)
    label = models.CharField(max_length=160)
    document_kind = models.CharField(max_length=20, choices=DocumentKind.choices, default=DocumentKind.OTHER)
    is_required = models.BooleanField(default=True)
    hint = models.CharField(max_length=300, blank=True)
    is_active = models.BooleanField(default=True)

    objects = Offered.as_manager()

    class Meta:
        ordering = ["payer__name", "service_code", "label"]
        constraints = [
            models.UniqueConstraint(
                fields=["payer", "service_code", "label"],
                condition=Q(is_active=True),
                nulls_distinct=False,
                name="required_paper_once",
            )
        ]

    def __str__(self) -> str:
        return self.label
