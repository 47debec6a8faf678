"""Family, and who cares for the patient."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.translation import gettext as _t
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


class RelatedPersonQuerySet(PatientScoped):
    def to_contact(self, day: date) -> RelatedPersonQuerySet:
        """Those who may be called or written to that day: not ended, and not marked "do not contact"."""
        begun = Q(started_on=None) | Q(started_on__lte=day)
        going_on = Q(ended_on=None) | Q(ended_on__gt=day)
        return self.filter(begun, going_on, do_not_contact=False)


class RelatedPerson(Record):
    """Family or caregiver. `topics` is what the patient said they may hear about (45 CFR 164.510(b))."""

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

    objects = RelatedPersonQuerySet.as_manager()

    def may_be_contacted(self, day: date) -> bool:
        """The same as `RelatedPersonQuerySet.to_contact`, for one in hand."""
        begun = self.started_on is None or self.started_on <= day
        over = self.ended_on is not None and self.ended_on <= day
        return begun and not over and not self.do_not_contact

    def may_hear(self, topic: str, day: date) -> bool:
        """Whether the patient said that this person may hear about it, and it holds that day."""
        return topic in self.topics and self.may_be_contacted(day)

    @property
    def topic_labels(self) -> list[str]:
        """What they may hear about, in words, in the order of the topics."""
        return [str(label) for value, label in Topic.choices if value in self.topics]

    @property
    def hears(self) -> str:
        """One line for a list of choices: "Scheduling, Transport"."""
        return ", ".join(self.topic_labels) or _t("may hear nothing")


def owner_hears(topic: str, day: date) -> Any:
    """Of a contact point: whether its owner may hear about the topic. The patient's own number may always.

    Somebody else's may when a present relative of that name holds the topic; a name that nobody recorded may not.
    """
    relatives = RelatedPerson.objects.to_contact(day).filter(
        patient=OuterRef("patient"), name__iexact=OuterRef("owner_name"), topics__contains=[topic]
    )
    return Q(owner_name="") | Exists(relatives)


def owner_topics(day: date) -> Any:
    """Of a contact point that belongs to somebody else: the topics they may hear about, None for nobody recorded."""
    relatives = RelatedPerson.objects.to_contact(day).filter(
        patient=OuterRef("patient"), name__iexact=OuterRef("owner_name")
    )
    return Subquery(relatives.exclude(name="").values("topics")[:1])


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
