"""Contacts: every call, text, letter and visit, reached or not."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from careplans.models.tasks import Task
from coordinator.db import Record
from patients.models import ContactPoint, Patient, PatientScoped, RelatedPerson, Topic


class Outcome(models.TextChoices):
    """What came of a contact; what each one does next is in careplans.rules."""

    REACHED_DONE = "reached_done", _("Reached")
    REACHED_CALL_BACK = "reached_call_back", _("Reached, call back later")
    LEFT_MESSAGE = "left_message", _("Left voicemail")
    NO_ANSWER = "no_answer", _("No answer")
    BUSY = "busy", _("Busy")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    DISCONNECTED = "disconnected", _("Disconnected")
    REFUSED = "refused", _("Refused")
    SPOKE_WITH_CAREGIVER = "spoke_with_caregiver", _("Spoke with caregiver")
    LANGUAGE_BARRIER = "language_barrier", _("Needs an interpreter")


# About what somebody else was spoken with, when nothing about the patient was told. Kept as no topic.
NOTHING_TOLD = "nothing"

REACHED = (Outcome.REACHED_DONE, Outcome.REACHED_CALL_BACK, Outcome.REFUSED, Outcome.SPOKE_WITH_CAREGIVER)


class ValidContacts(models.Manager["ContactAttempt"]):
    """What was logged wrongly is in no list, count or "last contact"; `everything` has it."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(error_reason="")


class CopyWay(models.TextChoices):
    """How a printed copy was given."""

    HAND = "hand", _("In person")
    MAIL = "mail", _("By mail")


class ContactAttempt(Record):
    """One attempt. `reached` and the attempt are separate facts; `at` is UTC, `minutes` whole minutes."""

    class Channel(models.TextChoices):
        PHONE = "phone", _("Phone")
        TEXT = "text", _("Text message")
        EMAIL = "email", _("E-mail")
        LETTER = "letter", _("Letter")
        PORTAL = "portal", _("Portal")
        IN_PERSON = "in_person", _("In person")
        FAX = "fax", _("Fax")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="contact_attempts")
    task = models.ForeignKey(
        Task, null=True, blank=True, on_delete=models.PROTECT, related_name="contact_attempts"
    )
    direction = models.CharField(max_length=3, choices=[("out", _("Out")), ("in", _("In"))], default="out")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.PHONE)
    outcome = models.CharField(max_length=30, choices=Outcome.choices)
    reached = models.BooleanField()
    related_person = models.ForeignKey(RelatedPerson, null=True, blank=True, on_delete=models.PROTECT)
    contact_point = models.ForeignKey(ContactPoint, null=True, blank=True, on_delete=models.PROTECT)
    topic = models.CharField(max_length=12, choices=Topic.choices, blank=True)
    note = models.TextField(blank=True)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    interpreter = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    error_reason = models.TextField(blank=True)

    objects = ValidContacts.from_queryset(PatientScoped)()
    everything = PatientScoped.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="contact_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["patient", "-at"], name="contact_patient"),
            models.Index(fields=["task", "-at"], name="contact_task"),
            models.Index(fields=["created_by", "-at"], name="contact_by"),
        ]
