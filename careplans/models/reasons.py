"""Why a task is closed without being done: a list that managers keep."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from coordinator.managed_lists import Entry

# What rules themselves write, or offer by name: their words may change, but they stay and fit every type of task.
BY_RULES = ("no_longer_needed", "unable_to_reach", "refused")


class CloseReasonQuerySet(models.QuerySet["CloseReason"]):
    def offered(self, kind: str = "") -> CloseReasonQuerySet:
        """Not retired, in their order; with `kind` (TaskKind) only those that go with that type of task."""
        found = self.filter(retired_at=None)
        return found.filter(Q(kinds=[]) | Q(kinds__contains=[kind])) if kind else found


class CloseReason(Entry):
    """One reason. Tasks keep its `code`; `kinds` are the types of task it goes with, none for all."""

    kinds = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    needs_note = models.BooleanField(default=False)

    objects = CloseReasonQuerySet.as_manager()

    class Meta(Entry.Meta):
        constraints = [
            models.UniqueConstraint(models.functions.Lower("label"), name="close_reason_label_once"),
            models.CheckConstraint(
                condition=~Q(code__in=BY_RULES) | Q(retired_at=None, kinds=[]),
                name="close_reason_of_rules_stays",
            ),
        ]

    @property
    def is_fixed(self) -> bool:
        return self.code in BY_RULES
