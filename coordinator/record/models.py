"""A file that holds one patient's record: who asked for it and why, and where it is while it lives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.db import uuid7
from patients.models import Patient, hidden_from


class RecordExportQuerySet(models.QuerySet["RecordExport"]):
    def visible_to(self, user: Any) -> RecordExportQuerySet:
        """Exports of patients whom this person may see and export."""
        if not user.can("patients.record"):
            return self.none()
        return self.filter(patient__site__in=user.site_ids).exclude(patient__in=hidden_from(user))


class RecordExport(models.Model):
    """One request for a patient's whole record. The file is deleted LIVES after it was made; this row stays."""

    LIVES = timedelta(hours=24)

    class Kind(models.TextChoices):
        PDF = "pdf", _("PDF, for people")
        FHIR = "fhir", _("FHIR bundle (JSON), for programs")

    class Purpose(models.TextChoices):
        TREATMENT = "treatment", _("Treatment by somebody else")
        PATIENT = "patient", _("The patient’s own request")
        OTHER = "other", _("Something else")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        WORKING = "working", _("Being made")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Could not be made")
        GONE = "gone", _("Deleted")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=4, choices=Kind.choices)
    purpose = models.CharField(max_length=9, choices=Purpose.choices)
    purpose_text = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    created_at = models.DateTimeField()
    claim_token = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    file = models.FileField(upload_to="exports/", blank=True)
    size = models.PositiveIntegerField(default=0)  # bytes
    entries = models.PositiveIntegerField(default=0)

    objects = RecordExportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["status", "created_at"], name="record_export_waiting")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "working", "done", "failed", "gone"]),
                name="record_export_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="other") | ~Q(purpose_text=""), name="record_export_other_says_why"
            ),
        ]

    @property
    def is_working(self) -> bool:
        return self.status in (self.Status.WAITING, self.Status.WORKING)
