"""Two records that may be one person, and two that were made one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coordinator.db import Record
from patients.models.patient import Patient
from patients.workflow import PatientStatus


class DuplicateQuerySet(models.QuerySet["PossibleDuplicate"]):
    def visible_to(self, user: Any) -> DuplicateQuerySet:
        """Both patients must be visible: a pair would give the other away."""
        seen = Patient.objects.visible_to(user).values("pk")
        return self.filter(one__in=seen, two__in=seen)

    def open(self) -> DuplicateQuerySet:
        return self.filter(state=PossibleDuplicate.State.OPEN)


class PossibleDuplicate(Record):
    """Two patients who may be one person, in the order of their keys. Kept by services.scan_duplicates."""

    class State(models.TextChoices):
        OPEN = "open", _("To review")
        DIFFERENT = "different", _("Not the same person")
        MERGED = "merged", _("Merged")

    one = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    two = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    # rules.duplicates.Match: what agrees and what does not. Once decided they stay as they were then.
    points = models.DecimalField(max_digits=5, decimal_places=1)
    signs = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)

    objects = DuplicateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(one__lt=models.F("two")), name="duplicate_in_key_order"),
            models.UniqueConstraint(fields=["one", "two"], name="duplicate_once"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "different", "merged"]), name="duplicate_state_known"
            ),
        ]
        indexes = [models.Index(fields=["state", "-points", "id"], name="duplicate_list")]


class MergeQuerySet(models.QuerySet["PatientMerge"]):
    def visible_to(self, user: Any) -> MergeQuerySet:
        """Who may see both: the record that stands, and the place where the other one was."""
        seen = Patient.objects.visible_to(user).values("pk")
        return self.filter(survivor__in=seen, other__site__in=user.site_ids)

    def standing(self) -> MergeQuerySet:
        """Not taken apart again."""
        return self.filter(undone_at=None)


class PatientMerge(Record):
    """Two records of one person made one, and all that is needed to take them apart again.

    `fields`: name -> {"from": "survivor" or "other", "before", "after"} of the survivor's fields that changed.
    `moved`: "app.model.column" -> keys of the rows that named `other` there and name the survivor now.
    `changed`: rows that had to give way, [{"model", "id", "before", "after"}]; `made`: rows added, [{"model", "id"}].
    A trigger lets nothing change but the undoing, once.
    """

    survivor = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    other_status = models.CharField(max_length=20, choices=PatientStatus.choices)  # before
    fields = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    changed = models.JSONField(default=list)
    made = models.JSONField(default=list)
    at = models.DateTimeField()
    by_system = models.CharField(max_length=40, blank=True)
    reason = models.TextField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_reason = models.TextField(blank=True)

    objects = MergeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(survivor=models.F("other")), name="merge_of_two"),
            models.UniqueConstraint(
                fields=["other"], condition=Q(undone_at__isnull=True), name="merge_into_one"
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | ~Q(undone_reason=""), name="merge_undone_why"
            ),
        ]
        indexes = [models.Index(fields=["survivor", "-id"], name="merge_survivor")]
