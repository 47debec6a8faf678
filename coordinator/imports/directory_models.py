"""Imports into the directory: what the files said, what was found to be new or changed, what was done and taken back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from coordinator.db import uuid7
from referrals.models import Practice


class DirectoryImportQuerySet(models.QuerySet["DirectoryImport"]):
    def visible_to(self, user: Any) -> DirectoryImportQuerySet:
        """The directory is the whole clinic's; those who set the clinic up import into it."""
        return self if user.can("settings.manage") else self.none()


class DirectoryImport(models.Model):
    """Some files of one source: looked through when they came, then applied, perhaps taken back."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.CharField(max_length=120)  # whose directory: keys are unique inside it
    label = models.CharField(max_length=250)  # the names the files were given, shown only
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    files = models.PositiveIntegerField(default=0)
    resources = models.PositiveIntegerField(default=0)
    # [file, place, type, key, reason] of what was not read; the reason never holds what stood there
    parked = models.JSONField(default=list)

    objects = DirectoryImportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(undone_at__isnull=True) | models.Q(applied_at__isnull=False),
                name="directory_import_undone_after_applied",
            )
        ]


class DirectoryProposal(models.Model):
    """One entry as the files describe it, compared with the directory on the day of the check."""

    class Finding(models.TextChoices):
        NEW = "new", _("New")
        CHANGED = "changed", _("Changed")
        SAME = "same", _("Already here")

    class Outcome(models.TextChoices):
        ADDED = "added", _("Added")
        CHANGED = "changed", _("Changed")
        LEFT = "left", _("Left as it was")
        KEPT = "kept", _("Kept: somebody changed it since")
        UNDONE = "undone", _("Taken back")

    run = models.ForeignKey(DirectoryImport, on_delete=models.CASCADE, related_name="proposals")
    key = models.CharField(max_length=250)
    finding = models.CharField(max_length=7, choices=Finding.choices)
    # {"facts": {}, "networks": [{}], "clinicians": [{}]}, as the files say it and as it was here before
    said = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    left_out = models.JSONField(default=list)
    practice = models.ForeignKey(Practice, null=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(
        default=0
    )  # of the entry: when it was compared, then as this left it
    outcome = models.CharField(max_length=7, choices=Outcome.choices, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="directory_proposal_once"),
            models.CheckConstraint(
                condition=models.Q(
                    finding__in=["new", "changed", "same"],
                    outcome__in=["", "added", "changed", "left", "kept", "undone"],
                ),
                name="directory_proposal_words_known",
            ),
        ]

    @property
    def name(self) -> str:
        return self.said["facts"]["name"]
