"""Imports leave a report that stays, and a note of where each imported row came from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site
from coordinator.db import uuid7
from patients.models import Patient


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


class CaseloadImportQuerySet(models.QuerySet["CaseloadImport"]):
    def visible_to(self, user: Any) -> CaseloadImportQuerySet:
        """Imports into the places a person works at."""
        return self.filter(site__in=user.site_ids) if user.can("patients.import") else self.none()


class CaseloadImport(models.Model):
    """A table of patients: uploaded, its columns named, looked through, imported by a job, perhaps taken back."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Columns to be named")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked, nothing imported yet")
        IMPORTING = "importing", _("Being imported")
        STOPPED = "stopped", _("Stopped")
        DONE = "done", _("Imported")
        UNDOING = "undoing", _("Being taken back")
        UNDONE = "undone", _("Taken back")
        FAILED = "failed", _("Could not be read")

    WORKING = (Status.CHECKING, Status.IMPORTING, Status.UNDOING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # Who asked for what it does now: everything is done in their name and with their rights.
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    label = models.CharField(max_length=200)  # the name the file was given, shown only
    upload = models.FileField(upload_to="imports/", blank=True)  # blank: deleted after FORGET_AFTER
    kind = models.CharField(max_length=4, choices=[("csv", "CSV"), ("xlsx", "XLSX")])
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    sheet = models.CharField(max_length=200, blank=True)
    # {"header": [str], "samples": [[str]] by column, "dates": {column: [proved order, doubtful example]}, "rows": n}
    facts = models.JSONField(default=dict)
    columns = models.JSONField(default=dict)  # field -> number of its column, from 0
    date_order = models.CharField(max_length=3, blank=True)  # "mdy", "dmy"; blank: not needed
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UPLOADED)
    reason = models.CharField(max_length=500, blank=True)  # why it could not be read
    # The job that works on it: a token that only its holder writes with, and a sign of life.
    claim_token = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = CaseloadImportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["site", "-created_at"], name="caseload_import_list")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["uploaded", "checking", "checked", "importing", "stopped", "done", "undoing", "undone", "failed"]
                ),
                name="caseload_import_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(date_order__in=["", "mdy", "dmy"]), name="caseload_import_date_order"
            ),
        ]  # fmt: skip

    @property
    def is_working(self) -> bool:
        return self.status in self.WORKING


class CaseloadRow(models.Model):
    """One row of a table: what was read, what was found, what a person chose, what became of it."""

    class Finding(models.TextChoices):
        NEW = "new", _("New")
        HERE = "here", _("Already here")
        DOUBLE = "double", _("Probable duplicate")
        BAD = "bad", _("Cannot be imported")

    class Choice(models.TextChoices):
        SKIP = "skip", _("Skip this row")
        LINK = "link", _("The same person")
        NEW = "new", _("Somebody new")

    class Outcome(models.TextChoices):
        ADDED = "added", _("Registered")
        LINKED = "linked", _("Added to a record that was here")
        SKIPPED = "skipped", _("Skipped")
        REFUSED = "refused", _("Refused")
        UNDONE = "undone", _("Taken back")
        KEPT = "kept", _("Kept: changed since")

    run = models.ForeignKey(CaseloadImport, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    finding = models.CharField(max_length=6, choices=Finding.choices)
    values = models.JSONField(default=dict)  # what was read, by field; emptied after FORGET_AFTER
    problems = models.JSONField(default=list)  # [[field, reason]]: never what the cell holds
    doubles = models.JSONField(default=list)  # [[patient's key, points]], likeliest first
    choice = models.CharField(max_length=4, choices=Choice.choices, blank=True)
    chosen = models.UUIDField(null=True)  # the patient that "the same person" means
    outcome = models.CharField(max_length=7, choices=Outcome.choices, blank=True)
    patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT, related_name="+")
    made = models.JSONField(default=list)  # [[model, key, version]] of what this row made

    class Meta:
        ordering = ["line"]
        constraints = [models.UniqueConstraint(fields=["run", "line"], name="caseload_row_once")]
        indexes = [models.Index(fields=["run", "finding", "outcome", "line"], name="caseload_row_next")]


class SavedMapping(models.Model):
    """How a person named the columns of a table with this header, the last time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    header = models.CharField(max_length=64)  # digest
    columns = models.JSONField(default=dict)
    date_order = models.CharField(max_length=3, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "header"], name="saved_mapping_once")]


from coordinator.imports.directory_models import DirectoryImport, DirectoryProposal  # noqa: E402, F401
from coordinator.imports.order_models import CodedEvent, OrderOrigin  # noqa: E402, F401  (models of this app)
