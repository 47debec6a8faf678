"""Comparing a list of the chart with what the patient, a relative or somebody's paper says."""

from __future__ import annotations

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.db import Record, uuid7
from patients.models.clinical import Allergy, Medication, Problem
from patients.models.patient import Patient
from patients.models.people import RelatedPerson
from patients.models.updates import ProviderUpdate
from patients.models.visibility import PatientScoped, opened_to


class Reconciliation(Record):
    """One comparison of one list. `compared_at` is UTC."""

    class List(models.TextChoices):
        MEDICINES = "medicines", _("Medicines")
        ALLERGIES = "allergies", _("Allergies")
        PROBLEMS = "problems", _("Problems")

    class With(models.TextChoices):
        PATIENT = "patient", _("The patient")
        RELATED_PERSON = "related_person", _("Family or caregiver")
        PHARMACY = "pharmacy", _("The pharmacy")
        DISCHARGE_LIST = "discharge_list", _("A discharge list")
        OTHER = "other", _("Another source")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="reconciliations")
    list = models.CharField(max_length=10, choices=List.choices)
    with_whom = models.CharField(max_length=16, choices=With.choices)
    related_person = models.ForeignKey(RelatedPerson, null=True, blank=True, on_delete=models.PROTECT)
    source = models.CharField(max_length=120, blank=True)  # which pharmacy, whose list
    interpreter = models.CharField(max_length=80, blank=True)
    note = models.TextField(blank=True)
    compared_at = models.DateTimeField()
    provider_update = models.OneToOneField(
        ProviderUpdate, null=True, blank=True, on_delete=models.PROTECT, related_name="reconciliation"
    )
    status = models.CharField(
        max_length=20,
        choices=[("current", _("Current")), ("entered_in_error", _("Entered in error"))],
        default="current",
    )
    error_reason = models.TextField(blank=True)
    # Of allergies: {"before", "after": [allergy_status, allergies_checked_on]} of the patient.
    allergies_said = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    objects = PatientScoped.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(with_whom="related_person", related_person__isnull=False)
                | (~Q(with_whom="related_person") & Q(related_person__isnull=True)),
                name="reconciliation_names_the_relative",
            ),
            models.CheckConstraint(
                condition=~Q(status="entered_in_error") | ~Q(error_reason=""),
                name="reconciliation_in_error_says_why",
            ),
        ]
        indexes = [models.Index(fields=["patient", "list", "-compared_at"], name="reconciliation_patient")]

    @property
    def whom(self) -> str:
        """With whom, by name where one is known."""
        if self.related_person is not None:
            return f"{self.related_person.name} ({self.related_person.relationship})"
        return f"{self.get_with_whom_display()}{': ' + self.source if self.source else ''}"


class LineQuerySet(models.QuerySet["ReconciliationLine"]):
    def opened_to(self, user: Any) -> LineQuerySet:
        """Without those about a protected entry that this person did not open."""
        return self.filter(
            Q(medication=None) | opened_to(user, "medication__"),
            Q(problem=None) | opened_to(user, "problem__"),
        )


class ReconciliationLine(models.Model):
    """What was said about one entry. `name` and `was` are as the list had them; `before` and `after` are the values
    of the entry that the comparison changed, so that taking it back can restore them."""

    class Finding(models.TextChoices):
        AS_LISTED = "as_listed", _("As listed")
        DIFFERENTLY = "differently", _("Differently")
        NOT_SO = "not_so", _("No longer")
        NEW = "new", _("New")

    class Obstacle(models.TextChoices):
        REFILL = "refill", _("No refill")
        COST = "cost", _("Cost")
        SIDE_EFFECT = "side_effect", _("Side effect")
        OTHER = "other", _("Something else")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="lines")
    medication = models.ForeignKey(Medication, null=True, blank=True, on_delete=models.PROTECT)
    allergy = models.ForeignKey(Allergy, null=True, blank=True, on_delete=models.PROTECT)
    problem = models.ForeignKey(Problem, null=True, blank=True, on_delete=models.PROTECT)
    name = models.CharField(max_length=250)
    was = models.CharField(max_length=250, blank=True)
    finding = models.CharField(max_length=12, choices=Finding.choices)
    said = models.CharField(max_length=250, blank=True)  # how it is taken, or why not
    obstacle = models.CharField(max_length=12, choices=Obstacle.choices, blank=True)
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    objects = LineQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(medication__isnull=False) | Q(allergy__isnull=False) | Q(problem__isnull=False),
                name="reconciliation_line_is_about_something",
            ),
            models.CheckConstraint(
                condition=Q(finding="as_listed") | Q(finding="new") | ~Q(said=""),
                name="reconciliation_line_says_how_or_why",
            ),
        ]

    @property
    def entry(self) -> Any:
        return self.medication or self.allergy or self.problem

    @property
    def is_discrepancy(self) -> bool:
        return self.finding != self.Finding.AS_LISTED or bool(self.obstacle)
