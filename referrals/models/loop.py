"""What was tried and said around a referral: attempts to reach somebody, and the conversation with the recipient."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from careplans.models import ContactAttempt, Outcome
from coordinator.db import Record
from patients.models import Document
from referrals.models.referrals import Referral


class OfReferral(models.QuerySet[Any]):
    """Rows that belong to a referral are seen by whoever may see it."""

    def visible_to(self, user: Any) -> Any:
        return self.filter(referral__in=Referral.objects.visible_to(user))

    def standing(self) -> Any:
        """Without what was entered in error; a patient's contact that was taken back counts nowhere either."""
        return self.filter(error_reason="")


class Entry(Record):
    """Written once, at a time (UTC). What was wrong stays with its reason and counts no more."""

    at = models.DateTimeField()
    channel = models.CharField(max_length=10, choices=ContactAttempt.Channel.choices)
    person = models.CharField(max_length=120, blank=True)  # who it was at the other end
    error_at = models.DateTimeField(null=True, blank=True)
    error_reason = models.TextField(blank=True)

    objects = OfReferral.as_manager()

    class Meta:
        abstract = True


class AttemptQuerySet(OfReferral):
    def standing(self) -> Any:
        return self.filter(error_reason="").filter(Q(contact=None) | Q(contact__error_reason=""))


class ReferralAttempt(Entry):
    """One attempt to reach the recipient or the patient about a referral. A patient's is also a contact of theirs."""

    class Whom(models.TextChoices):
        RECIPIENT = "recipient", _("The recipient")
        PATIENT = "patient", _("The patient")

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="attempts")
    whom = models.CharField(max_length=9, choices=Whom.choices)
    outcome = models.CharField(max_length=30, choices=Outcome.choices)
    reached = models.BooleanField()
    note = models.CharField(max_length=500, blank=True)
    contact = models.OneToOneField(
        ContactAttempt, null=True, blank=True, on_delete=models.PROTECT, related_name="referral_attempt"
    )

    objects = AttemptQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(whom="recipient", contact=None) | Q(whom="patient", contact__isnull=False),
                name="referral_attempt_whom",
            ),
        ]
        indexes = [models.Index(fields=["referral", "at"], name="referral_attempt_at")]


class ReferralMessage(Entry):
    """One message of the conversation with the recipient, sent or received."""

    class Kind(models.TextChoices):
        MESSAGE = "message", _("Message")
        INTERIM = "interim", _("Interim update")

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.MESSAGE)
    direction = models.CharField(max_length=3, choices=[("out", _("Sent")), ("in", _("Received"))])
    body = models.TextField()
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(direction__in=["out", "in"], kind__in=["message", "interim"]),
                name="referral_message_known",
            ),
            models.CheckConstraint(condition=~Q(body=""), name="referral_message_says_something"),
        ]
        indexes = [models.Index(fields=["referral", "-at"], name="referral_message_at")]
