"""What happens to tasks that stay overdue: set points that managers keep, and each time one was passed."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from careplans.models.tasks import Task, TaskInterval, TaskKind
from coordinator.accounts.models import Team, User
from coordinator.db import Record, uuid7

MOST_DAYS = 20  # business days; later than that is for the team board


class AppliesTo(models.TextChoices):
    """Which tasks of its type a point is for."""

    ANY = "any", _("All tasks")
    CLOCK = "clock", _("Tasks whose deadline a rule sets")
    URGENT = "urgent", _("Urgent tasks")


class Effect(models.TextChoices):
    INFORM = "inform", _("Inform a manager")
    TEAM_LIST = "team_list", _("Move it to the team list")
    RAISE_PRIORITY = "raise_priority", _("Raise its priority")


class EscalationPointQuerySet(models.QuerySet["EscalationPoint"]):
    def in_use(self) -> EscalationPointQuerySet:
        return self.filter(retired_at=None)


class EscalationPoint(Record):
    """After so many whole business days overdue, this happens; once for each open interval of a task."""

    kind = models.CharField(max_length=30, choices=TaskKind.choices, blank=True)  # "" for every type
    applies_to = models.CharField(max_length=10, choices=AppliesTo.choices, default=AppliesTo.ANY)
    days = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)])
    effect = models.CharField(max_length=20, choices=Effect.choices)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = EscalationPointQuerySet.as_manager()

    class Meta:
        ordering = ["days", "kind", "applies_to", "effect"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "applies_to", "days", "effect"],
                condition=Q(retired_at=None),
                name="escalation_point_once",
            ),
            models.CheckConstraint(
                condition=Q(days__gte=1, days__lte=MOST_DAYS), name="escalation_point_days"
            ),
            models.CheckConstraint(
                condition=Q(applies_to__in=AppliesTo.values), name="escalation_point_applies_to"
            ),
            models.CheckConstraint(condition=Q(effect__in=Effect.values), name="escalation_point_effect"),
        ]

    def __str__(self) -> str:
        """ "Inform a manager" and for which tasks: how a point is named in lists and notices."""
        which = TaskKind(self.kind).label if self.kind else AppliesTo(self.applies_to).label
        return f"{self.get_effect_display()} ({which})"


class Escalation(models.Model):
    """A task passed a point. `told` is the manager informed, `team` the list it went to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="escalations")
    interval = models.ForeignKey(TaskInterval, on_delete=models.PROTECT, related_name="+")
    point = models.ForeignKey(EscalationPoint, on_delete=models.PROTECT, related_name="escalations")
    at = models.DateTimeField()
    days = models.PositiveSmallIntegerField()  # whole business days overdue at that moment
    told = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["task", "interval", "point"], name="escalated_once"),
        ]
