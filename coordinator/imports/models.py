"""Imports leave a report that stays, and a note of where each imported row came from."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site
from coordinator.db import uuid7


class ImportRun(models.Model):
    """One import: which files, how it went, what was kept, what was not and why."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(
        max_length=20, choices=[("fhir", "FHIR"), ("appointments", _("Appointments (CSV)"))]
    )
    label = models.CharField(max_length=200, blank=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    upload = models.FileField(upload_to="imports/", blank=True)
    options = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    files_total = models.PositiveIntegerField(default=0)
    files_done = models.PositiveIntegerField(default=0)
    # {"kept": {"Patient": {"added": n, "unchanged": n}}, "not_kept": {"Claim": n}, "files": {...}}
    counts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        ordering = ["-created_at"]


class ImportProblem(models.Model):
    """One refused file or row: where (file, line or path) and why. Never the row's content."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="problems")
    file = models.CharField(max_length=250)
    place = models.CharField(max_length=250, blank=True)  # "line 12", "entry[3].birthDate"
    reason = models.CharField(max_length=500)

    class Meta:
        ordering = ["id"]


class SourceRecord(models.Model):
    """Which of our rows an imported resource became; what makes importing again change nothing."""

    system = models.CharField(
        max_length=200
    )  # where keys are unique: an identifier system, or a bundle's source
    resource_type = models.CharField(max_length=40)
    key = models.CharField(max_length=250)
    content_hash = models.CharField(max_length=64, blank=True)
    model = models.CharField(max_length=60, blank=True)
    object_id = models.UUIDField(null=True)
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["resource_type", "system", "key"], name="source_record_once"),
        ]
        indexes = [models.Index(fields=["object_id"], name="source_record_object")]
