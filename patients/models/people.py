"""Family, and who cares for the patient."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Organization, Practitioner
from coordinator.db import Record
from patients.models.patient import Patient
from patients.models.visibility import PatientScoped


class Topic(models.TextChoices):
    """What a related person may hear about."""

    SCHEDULING = "scheduling", _("Scheduling")
    TRANSPORT = "transport", _("Transport")
    MEDICINES = "medicines", _("Medicines")
    RESULTS = "results", _("Results")
    PLAN = "plan", _("Care plan")
    MONEY = "money", _("Money")


class RelatedPerson(Record):
    """Family or caregiver. `topics` is what the patient said they may hear about."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="related_people")
    name = models.CharField(max_length=160)
    relationship = models.CharField(max_length=60)
    authority = models.CharField(max_length=120, blank=True)  # e.g. health-care proxy
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=12, blank=True)
    topics = ArrayField(models.CharField(max_length=12, choices=Topic.choices), default=list, blank=True)
    is_emergency_contact = models.BooleanField(default=False)
    do_not_contact = models.BooleanField(default=False)
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    # Entered in error: ended then, and why.
    error_at = models.DateTimeField(null=True, blank=True)
    error_reason = models.TextField(blank=True)

    objects = PatientScoped.as_manager()


class CareTeamMember(Record):
    """Somebody who cares for the patient: one of our users, a practitioner, an organization or a named person."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="care_team")
    role = models.CharField(max_length=80)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    practitioner = models.ForeignKey(Practitioner, null=True, blank=True, on_delete=models.PROTECT)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT)
    name = models.CharField(max_length=160, blank=True)
    contact = models.CharField(max_length=160, blank=True)  # phone, fax or e-mail of somebody outside
    is_lead = models.BooleanField(default=False)
    started_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    # Entered in error: ended then, and why.
    error_at = models.DateTimeField(null=True, blank=True)
    error_reason = models.TextField(blank=True)

    objects = PatientScoped.as_manager()

    class Meta:
        ordering = ["-is_lead", "role"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(is_lead=True, ended_on__isnull=True),
                name="care_team_one_lead",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False)
                | Q(practitioner__isnull=False)
                | Q(organization__isnull=False)
                | ~Q(name=""),
                name="care_team_member_is_someone",
            ),
        ]

    @property
    def display(self) -> str:
        return str(self.user or self.practitioner or self.organization or self.name)
