"""One action for many tasks, each with its own result; and taking the last action back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import Task, TaskChange
from careplans.permissions import check_can_work
from careplans.services.handing import accept_task, hand, reassign_task
from careplans.services.locking import change_sentence, hold_ended, lock_task
from careplans.services.snoozing import snooze_task
from careplans.services.tasks import cancel_task, complete_task, move_due_date, resume_interval
from coordinator.accounts.models import Team, User
from coordinator.db import Conflict
from coordinator.workflow import Actor, NotAllowed, move, record_edit

UNDO_WITHIN = timedelta(minutes=15)
ACTIONS: dict[str, Callable[..., Task]] = {
    "complete": complete_task,
    "snooze": snooze_task,
    "reassign": reassign_task,
    "cancel": cancel_task,
    "accept": accept_task,
    "move_due": move_due_date,
}


@dataclass(frozen=True)
class BulkResult:
    """What became of one task. `sentence` says why it was refused, "" when done."""

    task_id: UUID
    done: bool
    sentence: str = ""


def bulk(*, task_ids: Iterable[UUID], action: str, by: Actor, now: datetime, **what: Any) -> list[BulkResult]:
    """Do one action (see ACTIONS) for many tasks, each in its own transaction; `what` are its arguments.

    The caller passes only tasks the person may see. One refusal does not stop the others.
    """
    service = ACTIONS[action]
    return [_one(service, task_id, by=by, now=now, **what) for task_id in task_ids]


def _one(service: Callable[..., Task], task_id: UUID, **what: Any) -> BulkResult:
    try:
        service(task_id=task_id, **what)
    except (Conflict, NotAllowed, PermissionDenied) as refusal:
        return BulkResult(task_id, False, str(refusal))
    except ValidationError as refusal:
        return BulkResult(task_id, False, " ".join(refusal.messages))
    except Task.DoesNotExist:
        return BulkResult(task_id, False, _("This task is not there any more."))
    return BulkResult(task_id, True)


@transaction.atomic
def undo(*, task_id: UUID, by: User, now: datetime) -> Task:
    """Take back one's own last complete, close, snooze, reassign or claim, by a legal step and within 15 minutes.

    Undoing a completion goes on with the same open interval. Raises Conflict when somebody did something since.
    """
    task = lock_task(task_id)
    check_can_work(by, task)
    last = task.changes.select_related("by").order_by("-at", "-id").first()
    if last is not None and last.step not in UNDO:
        # One click may have written several rows (taken, then done): they share their moment.
        last = task.changes.filter(at=last.at, step__in=UNDO).select_related("by").first()
    if last is None:
        raise NotAllowed(_("There is nothing to undo here."))
    if last.by_id != by.pk:
        raise Conflict(change_sentence(last), task_id=str(task.pk))
    if now - last.at > UNDO_WITHIN:
        raise NotAllowed(_("That is too long ago to undo. Reopen or change the task instead."))
    UNDO[last.step](task, last, by, now)
    return task


def _undo_ending(task: Task, last: TaskChange, by: Actor, now: datetime) -> None:
    resume_interval(task, by=by, now=now, reason="undo")


def _undo_snooze(task: Task, last: TaskChange, by: Actor, now: datetime) -> None:
    move(task, "wake", by=by, now=now, reason="undo", **hold_ended(task, now))


def _undo_due(task: Task, last: TaskChange, by: Actor, now: datetime) -> None:
    before = last.facts.get("from_due")
    task.due_at = datetime.fromisoformat(before) if before else None
    task.due_has_time = bool(last.facts.get("from_has_time"))
    task.version += 1
    task.save()
    record_edit(task, "move_due", by=by, now=now, due_at=task.due_at)


def _undo_handing(task: Task, last: TaskChange, by: Actor, now: datetime) -> None:
    owner_id, team_id = last.facts.get("from_owner"), last.facts.get("from_team")
    owner = User.objects.filter(pk=owner_id, is_active=True).first() if owner_id else None
    team = Team.objects.filter(pk=team_id).first() if team_id else None
    if owner is None and team is None:
        raise NotAllowed(_("Whoever had this task before cannot have it again."))
    hand(task, owner=owner, team=team, by=by, now=now, reason="undo")
    if owner is not None and owner.pk == by.pk:
        move(task, "accept", by=by, now=now, reason="undo")


UNDO: dict[str, Callable[[Task, TaskChange, Actor, datetime], None]] = {
    "complete": _undo_ending,
    "cancel": _undo_ending,
    "snooze": _undo_snooze,
    "hand_over": _undo_handing,
    "reassign": _undo_handing,
    "move_due": _undo_due,
}
