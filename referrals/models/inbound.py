"""Papers that came in from outside and belong to nobody yet."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models import Document, Patient, hidden_from
from referrals.inbound_workflow import INBOUND_WORKFLOW, InboundStatus


class InboundQuerySet(models.QuerySet["InboundDocument"]):
    def visible_to(self, user: Any) -> InboundQuerySet:
        """Who sorts papers at the place; what was attached to a restricted record only with that record."""
        if not user.can("referrals.edit"):
            return self.none()
        mine = self.filter(site__in=user.site_ids).exclude(status=InboundStatus.ENTERED_IN_ERROR)
        return mine.exclude(patient__in=hidden_from(user))

    def waiting(self) -> InboundQuerySet:
        return self.filter(status=InboundStatus.NEW)


def stored_name(inbound: Any, given: str) -> str:
    """Ours, random, without an ending: nothing of the given name reaches the disk."""
    return f"incoming/{uuid4().hex}"


class InboundDocument(Record):
    """One file from outside. A task of the place's team list asks for it until it is attached or set aside.

    `key` names it at its source, so that a second look at the same folder brings nothing twice.
    """

    class Channel(models.TextChoices):
        UPLOAD = "upload", _("Added by hand")
        SCAN = "scan", _("Scanner folder")
        EMAIL = "email", _("E-mail")
        FAX = "fax", _("Fax")

    class Reading(models.TextChoices):
        PENDING = "pending", _("Being read")
        DONE = "done", _("Read")
        FAILED = "failed", _("Could not be read")

    workflow = INBOUND_WORKFLOW

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="inbound_documents")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    sender = models.CharField(max_length=160, blank=True)  # a fax number or an address, as the channel said
    said = models.TextField(blank=True)  # subject and text of the message it came with
    received_at = models.DateTimeField()
    key = models.CharField(max_length=200, blank=True)
    file = models.FileField(upload_to=stored_name)
    file_name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=80)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=InboundStatus.choices, default=InboundStatus.NEW)
    reading = models.CharField(max_length=8, choices=Reading.choices, default=Reading.PENDING)
    reading_claimed_at = models.DateTimeField(null=True, blank=True)
    reading_attempts = models.PositiveSmallIntegerField(default=0)
    text = models.TextField(blank=True)
    pages_shown = models.PositiveSmallIntegerField(default=0)
    page_count = models.PositiveIntegerField(default=0)
    patient = models.ForeignKey(
        Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="inbound_documents"
    )
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = InboundQuerySet.as_manager()

    class Meta:
        constraints = [
            INBOUND_WORKFLOW.check_constraint("inbound_status_known"),
            models.CheckConstraint(
                condition=Q(status="attached", document__isnull=False, patient__isnull=False)
                | ~Q(status="attached"),
                name="inbound_attached_somewhere",
            ),
            models.UniqueConstraint(
                fields=["site", "channel", "key"], condition=~Q(key=""), name="inbound_once"
            ),
        ]
        indexes = [models.Index(fields=["site", "status", "received_at"], name="inbound_list")]

    def __str__(self) -> str:
        return self.file_name


class InboundDocumentChange(Change):
    record = models.ForeignKey(InboundDocument, on_delete=models.PROTECT, related_name="changes")
