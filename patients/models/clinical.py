"""What is known about the patient's health, and what was written down."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Left
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Organization, Practitioner
from coordinator.db import Record
from patients.models.labels import Labelled, label_known
from patients.models.patient import Patient
from patients.models.visibility import NoteScoped, PatientScoped


class ClinicalRecord(Record):
    """What problems, allergies and medicines share: where it came from and when it was last checked."""

    source = models.CharField(max_length=120, blank=True)
    last_checked_on = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True


CLINICAL_STATUSES = [
    ("active", _("Active")),
    ("inactive", _("Inactive")),
    ("resolved", _("Resolved")),
    ("entered_in_error", _("Entered in error")),
]


class Problem(Labelled, ClinicalRecord):
    """A condition the clinic addresses (a coding is not a problem; it may carry one)."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="problems")
    name = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)
    code_system = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=20, choices=CLINICAL_STATUSES, default="active")
    onset_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "status"], name="problem_patient")]
        constraints = [label_known("problem_label_known")]


class Allergy(ClinicalRecord):
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="allergies")
    substance = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)
    code_system = models.CharField(max_length=120, blank=True)
    reaction = models.CharField(max_length=250, blank=True)
    severity = models.CharField(
        max_length=10,
        choices=[
            ("", _("Not recorded")),
            ("mild", _("Mild")),
            ("moderate", _("Moderate")),
            ("severe", _("Severe")),
        ],
        blank=True,
    )
    status = models.CharField(max_length=20, choices=CLINICAL_STATUSES, default="active")
    recorded_on = models.DateField(null=True, blank=True)

    objects = PatientScoped.as_manager()


class Medication(Labelled, ClinicalRecord):
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="medications")
    name = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)
    code_system = models.CharField(max_length=120, blank=True)
    how_taken = models.CharField(max_length=250, blank=True)
    status = models.CharField(
        max_length=20,
        choices=[
            ("active", _("Active")),
            ("on_hold", _("On hold")),
            ("stopped", _("Stopped")),
            ("completed", _("Completed")),
            ("entered_in_error", _("Entered in error")),
        ],
        default="active",
    )
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    prescriber_name = models.CharField(max_length=160, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "status"], name="medication_patient")]
        constraints = [label_known("medication_label_known")]


class Encounter(Labelled, Record):
    """A visit that happened, here or elsewhere (an appointment is a plan; this is a fact)."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="encounters")
    kind = models.CharField(max_length=500)
    setting = models.CharField(max_length=20, blank=True)  # FHIR class: AMB, EMER, IMP ...
    status = models.CharField(max_length=20, default="finished")
    status_before = models.CharField(max_length=20, blank=True)  # what it was when it was entered in error
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=250, blank=True)
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-started_at"], name="encounter_patient")]
        constraints = [label_known("encounter_label_known")]


class Result(Labelled, Record):
    """A laboratory or vital-sign value used on the chart."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="results")
    name = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)  # LOINC
    category = models.CharField(max_length=40, blank=True)
    value = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    value_text = models.CharField(max_length=250, blank=True)
    unit = models.CharField(max_length=40, blank=True)
    interpretation = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, default="final")
    status_before = models.CharField(max_length=20, blank=True)  # what it was when it was entered in error
    taken_at = models.DateTimeField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["patient", "code", "-taken_at"], name="result_patient"),
            models.Index(fields=["patient", "-taken_at"], name="result_patient_time"),
        ]
        constraints = [label_known("result_label_known")]


class Immunization(Record):
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="immunizations")
    name = models.CharField(max_length=250)
    code = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=20, default="completed")
    status_before = models.CharField(max_length=20, blank=True)  # what it was when it was entered in error
    given_at = models.DateTimeField(null=True, blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-given_at"], name="immunization_patient")]


class Note(Labelled, Record):
    """A progress or problem note, with the provider it is reported to and their acknowledgement."""

    class Kind(models.TextChoices):
        PROGRESS = "progress", _("Progress")
        PROBLEM = "problem", _("Problem")
        CONTACT = "contact", _("Contact")
        OTHER = "other", _("Other")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PROGRESS)
    body = models.TextField()
    report_to = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT)
    answer_due_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(
        max_length=20,
        choices=[("current", _("Current")), ("entered_in_error", _("Entered in error"))],
        default="current",
    )
    error_reason = models.TextField(blank=True)

    objects = NoteScoped.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["patient", "-created_at"], name="note_patient"),
            GinIndex(SearchVector(Left("body", 150_000), config="plain_words"), name="note_words"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(body=""), name="note_not_empty"),
            label_known("note_label_known"),
        ]
