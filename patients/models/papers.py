"""What was agreed with whom: coverage, consents, documents."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.db import Record
from patients.models.labels import Labelled, label_known
from patients.models.patient import Patient
from patients.models.visibility import PatientScoped


class Coverage(Record):
    """One policy. The order (primary first) is `rank`."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="coverages")
    # Payer stands in referrals, above us, so coverage keeps the payer's name; referrals link by it.
    payer_name = models.CharField(max_length=160)
    plan_name = models.CharField(max_length=160, blank=True)
    line_of_business = models.CharField(max_length=40, blank=True)
    member_id = models.CharField(max_length=60, blank=True)
    subscriber_id = models.CharField(max_length=60, blank=True)
    group_number = models.CharField(max_length=60, blank=True)
    relationship_to_subscriber = models.CharField(max_length=20, blank=True)
    rank = models.PositiveSmallIntegerField(default=1)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=20,
        choices=[("active", _("Active")), ("ended", _("Ended")), ("entered_in_error", _("Entered in error"))],
        default="active",
    )

    objects = PatientScoped.as_manager()

    class Meta:
        ordering = ["rank"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=models.F("starts_on")),
                name="coverage_period",
            ),
        ]
        indexes = [models.Index(Upper("member_id"), name="coverage_member_id")]


class Consent(Record):
    """What the patient, or somebody for them, agreed to or refused. Days are those of the patient's place.

    Permission for messages stands with each number (ContactPoint), topics with each relative (RelatedPerson).
    """

    class Kind(models.TextChoices):
        CARE_MANAGEMENT = "care_management", _("Care management services")
        TELEHEALTH = "telehealth", _("Telehealth visits")
        RELEASE = "release", _("Release of records")
        PART_2 = "part2", _("Substance-use records (42 CFR part 2)")
        EXCHANGE = "exchange", _("Sharing through a health information exchange")
        RESEARCH = "research", _("Research")
        OTHER = "other", _("Other")

    class Decision(models.TextChoices):
        PERMIT = "permit", pgettext_lazy("consent", "Agreed")
        DENY = "deny", _("Refused")

    class Method(models.TextChoices):
        VERBAL = "verbal", _("Spoken")
        WRITTEN = "written", _("On paper")
        ELECTRONIC = "electronic", _("Electronic")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Given")
        REVOKED = "revoked", _("Taken back")
        ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="consents")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    decision = models.CharField(max_length=6, choices=Decision.choices, default=Decision.PERMIT)
    scope = models.CharField(max_length=500, blank=True)  # what, to whom, for what purpose
    method = models.CharField(max_length=10, choices=Method.choices)
    given_by = models.CharField(max_length=160, blank=True)  # blank: the patient
    given_as = models.CharField(max_length=120, blank=True)  # in what right somebody else decided
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    revoked_on = models.DateField(null=True, blank=True)
    standing_reason = models.CharField(max_length=500, blank=True)  # why it was taken back or is an error

    objects = PatientScoped.as_manager()

    class Meta:
        ordering = ["-starts_on", "-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")),
                name="consent_period",
            ),
            models.CheckConstraint(
                condition=~Q(status="revoked") | (Q(revoked_on__isnull=False) & ~Q(standing_reason="")),
                name="consent_revoked_with_day_and_reason",
            ),
            models.CheckConstraint(
                condition=Q(given_by="") | ~Q(given_as=""), name="consent_for_somebody_says_by_what_right"
            ),
        ]
        indexes = [models.Index(fields=["patient", "kind"], name="consent_patient")]

    def holds_on(self, day: date) -> bool:
        """Whether what was decided counts that day."""
        over = self.ends_on is not None and day > self.ends_on
        return self.status == self.Status.ACTIVE and self.starts_on <= day and not over


class Document(Labelled, Record):
    """A paper or file about the patient. The file itself is under DATA_DIR, never served by URL."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=80)
    title = models.CharField(max_length=250)
    file = models.FileField(upload_to="documents/", blank=True)
    content_type = models.CharField(max_length=80, blank=True)
    text = models.TextField(blank=True)
    source = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=20, default="current")
    received_on = models.DateField(null=True, blank=True)
    expires_on = models.DateField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-received_on"], name="document_patient")]
        constraints = [label_known("document_label_known")]
