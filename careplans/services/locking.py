"""Locking a task, the sentence for "somebody else was first", and what ends with a hold or an interval."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from careplans.models import Task, TaskChange, TaskInterval
from careplans.workflow import ENDED, TaskStatus
from coordinator.db import Conflict, lock, refusals
from coordinator.wording import day_time

CLOSED = (*ENDED, TaskStatus.ENTERED_IN_ERROR)


def lock_task(task_id: UUID) -> Task:
    """The task, locked until the transaction ends. Raises Task.DoesNotExist."""
    with refusals():
        return lock(Task.objects.select_related("clock", "site", "owner", "team"), task_id)


def lock_open(task_id: UUID) -> Task:
    """The task, locked and still open; otherwise a Conflict that says who ended it and when."""
    task = lock_task(task_id)
    if task.status in CLOSED:
        raise Conflict(ended_sentence(task), task_id=str(task.pk))
    return task


def ended_sentence(task: Task) -> str:
    """ "Marcus Lee completed this Nov 18, 2026, 10:22 AM." from the task's own history (one query)."""
    last = task.changes.filter(to_status=task.status).select_related("by").order_by("-at", "-id").first()
    return change_sentence(last) if last else _("This task is closed already.")


def change_sentence(change: TaskChange) -> str:
    """Who did what to a task, and when, in the active zone."""
    texts = {
        "complete": _("%(who)s completed this %(when)s."),
        "cancel": _("%(who)s closed this without doing it %(when)s."),
        "fail": _("%(who)s recorded that this could not be done %(when)s."),
        "enter_in_error": _("%(who)s marked this as entered in error %(when)s."),
        "accept": _("%(who)s took this %(when)s."),
        "hand_over": _("%(who)s reassigned this %(when)s."),
        "reassign": _("%(who)s reassigned this %(when)s."),
        "snooze": _("%(who)s snoozed this %(when)s."),
    }
    text = texts.get(change.step, _("%(who)s changed this %(when)s."))
    who = change.by.name if change.by else _("The system")
    return text % {"who": who, "when": day_time(change.at)}


def hold_ended(task: Task, now: datetime) -> dict[str, Any]:
    """The facts that end a hold: its length joins the hold time of the interval. Empty when not on hold."""
    if task.held_since is None:
        return {}
    length = max(int((now - task.held_since).total_seconds()), 0)
    return {
        "held_since": None,
        "held_seconds": task.held_seconds + length,
        "wake_at": None,
        "hold_reason": "",
    }


def close_interval(task: Task, now: datetime) -> None:
    TaskInterval.objects.filter(task=task, closed_at=None).update(
        closed_at=now, held_seconds=task.held_seconds
    )
