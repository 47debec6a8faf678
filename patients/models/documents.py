"""Papers and files about a patient, what was done with them, and what they are linked to."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left
from django.utils.translation import gettext_lazy as _

from coordinator.db import Record
from coordinator.workflow import OTHER_STEPS, Change
from patients.models.labels import Labelled, label_known
from patients.models.patient import Patient
from patients.models.visibility import NoteScoped

SEARCH_CONFIG = "plain_words"  # words as they stand, without accents; made in migration 0010
SEARCHED = 150_000  # characters: what one entry of the index can hold, whatever the words
EXPIRES_SOON = timedelta(days=30)


class DocumentKind(models.TextChoices):
    REPORT = "report", _("Visit or consultation report")
    RESULT = "result", _("Laboratory or imaging result")
    DISCHARGE = "discharge", _("Discharge summary")
    REFERRAL = "referral", _("Referral")
    AUTHORIZATION = "authorization", _("Authorization or denial")
    INSURANCE = "insurance", _("Insurance card")
    IDENTIFICATION = "identification", _("Identification")
    CONSENT = "consent", _("Signed consent")
    DIRECTIVE = "directive", _("Advance directive")
    LETTER = "letter", _("Letter")
    PACKET = "packet", _("Referral packet")
    FORM = "form", _("Form")
    PHOTO = "photo", _("Photo")
    OTHER = "other", _("Other document")


class DocumentQuerySet(NoteScoped):
    """All reads of documents go through `visible_to`."""

    def standing(self) -> Any:
        """Without those entered in error."""
        return self.exclude(status="entered_in_error")

    def for_lists(self) -> Any:
        """Without their text, which may be long."""
        return self.defer("text").select_related("created_by")

    def newest_first(self) -> Any:
        return self.order_by(F("received_on").desc(nulls_last=True), "-created_at", "-pk")


def stored_name(document: Any, given: str) -> str:
    """Ours, random, without an ending: nothing of the given name reaches the disk."""
    return f"documents/{uuid4().hex}"


class Document(Labelled, Record):
    """A paper or file about the patient. The file itself is under DATA_DIR, never served by URL."""

    class Preview(models.TextChoices):
        NONE = "none", _("No file")
        PENDING = "pending", _("Being prepared")
        DONE = "done", _("Ready")
        FAILED = "failed", _("No preview")

    class Problem(models.TextChoices):
        LOCKED = "locked", _("No preview: the file is locked with a password.")
        UNREADABLE = "unreadable", _("No preview: the file could not be read.")
        TOO_MUCH = "too_much", _("No preview: the file is too large to be drawn.")

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=80)  # one of DocumentKind; an import keeps its own words
    title = models.CharField(max_length=250)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    file = models.FileField(upload_to=stored_name, blank=True)
    file_name = models.CharField(max_length=120, blank=True)  # as it was given, to show and to download by
    content_type = models.CharField(max_length=80, blank=True)
    size = models.PositiveBigIntegerField(default=0)  # bytes
    sha256 = models.CharField(max_length=64, blank=True)
    text = models.TextField(blank=True)
    source = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=20, default="current")
    error_reason = models.TextField(blank=True)
    received_on = models.DateField(null=True, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    # How far the worker is with the pictures of its pages. A claim is a lease by the database's clock.
    preview = models.CharField(max_length=8, choices=Preview.choices, default=Preview.NONE)
    preview_problem = models.CharField(max_length=12, choices=Problem.choices, blank=True)
    preview_attempts = models.PositiveSmallIntegerField(default=0)
    preview_claimed_at = models.DateTimeField(null=True, blank=True)
    page_count = models.PositiveIntegerField(default=0)
    pages_shown = models.PositiveSmallIntegerField(default=0)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(file="", sha256="", size=0) | (~Q(file="") & ~Q(sha256="") & Q(size__gt=0)),
                name="document_file_whole",
            ),
            models.CheckConstraint(
                condition=Q(expires_on=None) | Q(received_on=None) | Q(expires_on__gte=F("received_on")),
                name="document_period",
            ),
            models.CheckConstraint(
                condition=Q(preview__in=["none", "pending", "done", "failed"]), name="document_preview_known"
            ),
            models.CheckConstraint(
                condition=Q(preview_problem="") | Q(preview="failed"), name="document_problem_when_failed"
            ),
            models.CheckConstraint(
                condition=~Q(file="") | Q(preview="none"), name="document_preview_of_file"
            ),
            label_known("document_label_known"),
        ]
        indexes = [
            models.Index(fields=["patient", "-received_on"], name="document_patient"),
            models.Index(fields=["sha256"], condition=~Q(sha256=""), name="document_same_file"),
            models.Index(
                fields=["created_at"], condition=Q(preview="pending"), name="document_preview_pending"
            ),
            GinIndex(
                SearchVector("title", Left("text", SEARCHED), config=SEARCH_CONFIG), name="document_words"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def site_id(self) -> Any:
        return self.patient.site_id

    @property
    def kind_label(self) -> Any:
        return dict(DocumentKind.choices).get(self.kind, self.kind)

    @property
    def is_error(self) -> bool:
        return self.status == "entered_in_error"

    @property
    def is_imported(self) -> bool:
        return self.source == "import"

    def expiry(self, today: date) -> str:
        """ "expired", "soon" (within 30 days) or ""; `today` at the patient's place. It holds on its last day."""
        if self.expires_on is None:
            return ""
        if self.expires_on < today:
            return "expired"
        return "soon" if self.expires_on - today <= EXPIRES_SOON else ""


class DocumentChange(Change):
    """What was done with a document. Facts of the chart have no table of steps, so the words stand here."""

    STEPS = {
        "create": _("Added"),
        "update": _("Changed"),
        "enter_in_error": _("Entered in error"),
        "take_back_error": _("No longer marked as entered in error"),
        "link": _("Linked"),
        "unlink": _("Link removed"),
    }

    record = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="changes")

    @property
    def step_label(self) -> Any:
        return self.STEPS.get(self.step) or OTHER_STEPS.get(self.step) or self.step

    @property
    def words(self) -> Any:
        return self.step_label


class DocumentLink(Record):
    """What a document belongs to. The apps that own these stand above, so a link keeps kind and key (as
    Task.cause_type does); `patients.linking` says who answers for which kind. Shown while both are one patient's."""

    class Kind(models.TextChoices):
        REFERRAL = "referral", _("Referral")
        AUTHORIZATION = "authorization", _("Authorization")
        VISIT = "visit", _("Visit")

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="links")
    kind = models.CharField(max_length=13, choices=Kind.choices)
    target_id = models.UUIDField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "kind", "target_id"],
                condition=Q(removed_at=None),
                name="document_link_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["referral", "authorization", "visit"]), name="document_link_kind"
            ),
        ]
        indexes = [models.Index(fields=["kind", "target_id"], name="document_link_target")]
