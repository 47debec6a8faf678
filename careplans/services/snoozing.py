"""Snoozing: off the list until a time, with the hold counted apart from the age."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import Task
from careplans.permissions import check_can_work
from careplans.services.locking import hold_ended, lock_open
from careplans.services.tasks import take
from careplans.workflow import TaskStatus
from coordinator.db import lock
from coordinator.wording import day_time
from coordinator.workflow import Actor, System, move


@transaction.atomic
def snooze_task(*, task_id: UUID, wake_at: datetime, by: Actor, now: datetime, reason: str = "") -> Task:
    """Take a task off the list until `wake_at` (UTC, in the future). Hold time does not count as age.

    A task whose deadline a rule sets must wake before it. Raises Conflict, NotAllowed, ValidationError.
    """
    task = lock_open(task_id)
    check_can_work(by, task)
    if wake_at <= now:
        raise ValidationError({"wake_at": _("Choose a time that is still to come.")})
    if task.clock_id and task.due_at and now < task.due_at < wake_at:
        text = _("A rule sets this deadline, %(when)s. Choose an earlier time.")
        raise ValidationError({"wake_at": text % {"when": day_time(task.due_at)}})
    take(task, by=by, now=now)
    move(
        task,
        "snooze",
        by=by,
        now=now,
        reason=reason,
        wake_at=wake_at,
        held_since=now,
        hold_reason=reason[:200],
    )
    return task


@transaction.atomic
def wake_task(*, task_id: UUID, by: Actor, now: datetime, reason: str = "") -> Task:
    """Back on the list, with the hold time kept."""
    task = lock_open(task_id)
    check_can_work(by, task)
    move(task, "wake", by=by, now=now, reason=reason, **hold_ended(task, now))
    return task


def wake_due_tasks(*, now: datetime, by: Actor | None = None, limit: int = 1000) -> int:
    """Wake what is due, each task in its own transaction; returns how many. Two runs at once share the work."""
    actor = by or System("wake_due_tasks")
    due = Task.objects.filter(status=TaskStatus.ON_HOLD, wake_at__lte=now).order_by("wake_at", "pk")
    woken = 0
    for pk in list(due.values_list("pk", flat=True)[:limit]):
        woken += _wake_if_still_due(pk, actor, now)
    return woken


@transaction.atomic
def _wake_if_still_due(task_id: UUID, by: Actor, now: datetime) -> bool:
    due = Task.objects.filter(status=TaskStatus.ON_HOLD, wake_at__lte=now)
    try:
        task = lock(due, task_id)
    except Task.DoesNotExist:
        return False
    move(task, "wake", by=by, now=now, **hold_ended(task, now))
    return True
