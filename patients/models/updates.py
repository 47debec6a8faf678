"""What a provider is asked, and their answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Practitioner
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models.clinical import Note
from patients.models.patient import Patient
from patients.models.visibility import NoteScoped, opened_to
from patients.workflow import UPDATE_WORKFLOW, UpdateStatus


class UpdateQuerySet(NoteScoped):
    def visible_to(self, user: Any) -> Any:
        """What retells a protected entry is seen by who wrote it, who is asked, and who opened the entry."""
        lines = apps.get_model("patients", "ReconciliationLine").objects
        about = lines.filter(reconciliation__provider_update=OuterRef("pk"))
        withheld = Exists(about.exclude(pk__in=about.opened_to(user).values("pk")))
        asked = Q(report_to=user.practitioner_id) if user.practitioner_id else Q()
        return (
            super()
            .visible_to(user)
            .filter(asked | Q(created_by=user.pk) | (Q(note=None) | opened_to(user, "note__")) & ~withheld)
        )

    def waiting(self) -> Any:
        """Sent, and neither read nor answered."""
        return self.filter(status=UpdateStatus.SENT)

    def overdue(self, now: datetime) -> Any:
        return self.waiting().filter(reply_due_at__lte=now)


class ProviderUpdate(Record):
    """A message to a provider that needs an answer by a time (UTC). Written by itself, or with a note."""

    class Urgency(models.TextChoices):
        ROUTINE = "routine", _("Routine")
        URGENT = "urgent", _("Urgent")

    class Route(models.TextChoices):
        HERE = "here", _("In this program")
        PHONE = "phone", _("By phone")
        FAX = "fax", _("By fax")
        IN_PERSON = "in_person", _("In person")

    workflow = UPDATE_WORKFLOW

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="provider_updates")
    # With a note, the note says what there is to say.
    note = models.OneToOneField(
        Note, null=True, blank=True, on_delete=models.PROTECT, related_name="provider_update"
    )
    report_to = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    situation = models.TextField(blank=True)
    observation = models.TextField(blank=True)
    ask = models.TextField(blank=True)
    urgency = models.CharField(max_length=8, choices=Urgency.choices, default=Urgency.ROUTINE)
    reply_due_at = models.DateTimeField()
    status = models.CharField(max_length=16, choices=UpdateStatus.choices, default=UpdateStatus.SENT)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    answer_route = models.CharField(max_length=10, choices=Route.choices, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reminded_at = models.DateTimeField(null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(default=0)

    objects = UpdateQuerySet.as_manager()

    class Meta:
        constraints = [
            UPDATE_WORKFLOW.check_constraint("provider_update_status_known"),
            models.CheckConstraint(
                condition=Q(note__isnull=False) | ~Q(ask=""), name="provider_update_asks_something"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["answered", "closed"]) | ~Q(answer=""),
                name="provider_update_answered_with_words",
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "-created_at"], name="provider_update_patient"),
            models.Index(fields=["reply_due_at"], condition=Q(status="sent"), name="provider_update_waiting"),
        ]

    def __str__(self) -> str:
        return str(self.report_to)

    @property
    def words(self) -> str:
        """What is asked, in one text."""
        return self.ask or (self.note.body if self.note else "")


class ProviderUpdateChange(Change):
    record = models.ForeignKey(ProviderUpdate, on_delete=models.PROTECT, related_name="changes")
