"""Tasks: work for a person. Nothing open is without an owner and a next step."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from careplans.workflow import OPEN, TASK_WORKFLOW, WORKABLE, TaskStatus
from coordinator.accounts.models import Site, Team
from coordinator.clocks.models import Clock
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models import Patient, hidden_from


class TaskKind(models.TextChoices):
    """What sort of work; the label is the filter's word on My work."""

    DISCHARGE_CALL = "discharge_call", _("Post-discharge call")
    OUTREACH_CALL = "outreach_call", _("Call")
    BOOK_VISIT = "book_visit", _("Book a visit")
    NO_SHOW_FOLLOW_UP = "no_show_follow_up", _("No-show follow-up")
    PLAN_REVIEW = "plan_review", _("Plan review")
    REFERRAL_FOLLOW_UP = "referral_follow_up", _("Referral follow-up")
    AUTHORIZATION = "authorization", _("Prior authorization")
    PAPERWORK = "paperwork", _("Paperwork")
    RESULTS = "results", _("Results")
    TRANSPORT = "transport", _("Transport")
    DATA_QUALITY = "data_quality", _("Fix the record")
    MESSAGE_FAILED = "message_failed", _("Message failed")
    PROVIDER_UPDATE = "provider_update", _("Provider update")
    OTHER = "other", _("Other")


class Priority(models.TextChoices):
    ROUTINE = "routine", _("Routine")
    URGENT = "urgent", _("Urgent")
    ASAP = "asap", _("As soon as possible")
    STAT = "stat", _("Immediately")


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, user: Any) -> TaskQuerySet:
        if not user.can("tasks.view"):
            return self.none()
        mine = self.filter(site__in=user.site_ids).exclude(status=TaskStatus.ENTERED_IN_ERROR)
        return mine.exclude(patient__in=hidden_from(user))

    def open(self) -> TaskQuerySet:
        return self.filter(status__in=OPEN)

    def workable(self) -> TaskQuerySet:
        """Open and not snoozed: what counts as on somebody's list."""
        return self.filter(status__in=WORKABLE)

    def overdue(self, now: datetime) -> TaskQuerySet:
        return self.workable().filter(due_at__lt=now)

    def owned_by(self, user: Any) -> TaskQuerySet:
        return self.filter(owner=user)


class Task(Record):
    """Work for a person. `due_at` is UTC; without `due_has_time` it is the end of the local day."""

    workflow = TASK_WORKFLOW

    patient = models.ForeignKey(
        Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks"
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=30, choices=TaskKind.choices, default=TaskKind.OTHER)
    title = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)  # why it is here, in one plain line
    next_step = models.CharField(max_length=200, blank=True)  # what to do
    program = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=20, choices=TaskStatus.choices, default=TaskStatus.READY)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.ROUTINE)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks"
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks")
    previous_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    due_at = models.DateTimeField(null=True, blank=True)
    due_has_time = models.BooleanField(default=False)
    # Set when a rule made the date: the clock explains it ("why this date?").
    clock = models.ForeignKey(Clock, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    waiting_on = models.CharField(max_length=120, blank=True)  # who moves next, when it is not us
    wake_at = models.DateTimeField(null=True, blank=True)
    hold_reason = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField()  # start of the current open interval; age counts from here
    held_seconds = models.PositiveIntegerField(default=0)  # of the current interval
    held_since = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)
    close_reason = models.CharField(
        max_length=60, blank=True
    )  # the code of a CloseReason, kept when that is retired
    checklist = models.JSONField(default=list, blank=True)  # [{"text": str, "done": bool}]
    # Automatic tasks: cause kind, cause id, rule and occurrence; never doubled while open.
    dedupe_key = models.CharField(max_length=200, blank=True)
    cause_type = models.CharField(max_length=60, blank=True)
    cause_id = models.UUIDField(null=True, blank=True)
    # Kept by log_contact so that the list needs no query per row.
    attempts_made = models.PositiveSmallIntegerField(default=0)
    attempts_planned = models.PositiveSmallIntegerField(default=3)
    last_contact_at = models.DateTimeField(null=True, blank=True)
    last_contact_outcome = models.CharField(max_length=30, blank=True)
    # The last time it was escalated in this interval, and to whom or which list; kept here for the same reason.
    escalated_at = models.DateTimeField(null=True, blank=True)
    escalated_to = models.CharField(max_length=120, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            TASK_WORKFLOW.check_constraint("task_status_known"),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(team__isnull=False), name="task_has_an_owner"
            ),
            models.CheckConstraint(
                condition=~Q(status="on_hold") | Q(wake_at__isnull=False), name="task_hold_wakes"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["completed", "cancelled", "failed"]) | Q(ended_at__isnull=False),
                name="task_ended_when",
            ),
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=~Q(dedupe_key="") & Q(status__in=list(OPEN)),
                name="task_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["owner", "due_at", "id"],
                # The number beside My work stands on every page: counted from the index alone.
                include=["waiting_on", "patient"],
                condition=Q(status__in=list(WORKABLE)),
                name="task_mine",
            ),
            models.Index(
                fields=["team", "due_at", "id"], condition=Q(status__in=list(WORKABLE)), name="task_pool"
            ),
            models.Index(fields=["owner", "wake_at"], condition=Q(status="on_hold"), name="task_snoozed"),
            models.Index(fields=["owner", "-ended_at"], name="task_done"),
            models.Index(fields=["patient", "status"], name="task_patient"),
            models.Index(
                fields=["site", "due_at", "id"], condition=Q(status__in=list(WORKABLE)), name="task_site"
            ),
            models.Index(fields=["cause_id"], name="task_cause"),
            GinIndex(OpClass("title", name="gin_trgm_ops"), name="task_title_trgm"),
        ]

    def __str__(self) -> str:
        return self.title


class TaskChange(Change):
    record = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="changes")


class TaskInterval(models.Model):
    """One stretch during which the task was open; reopening starts another."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="intervals")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    held_seconds = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(closed_at__isnull=True), name="task_one_open_interval"
            )
        ]
