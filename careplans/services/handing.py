"""Whose task it is: take, hand back, reassign. Age and history never change hands."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import Task
from careplans.permissions import check_can_assign, check_can_work
from careplans.services.locking import change_sentence, hold_ended, lock_open
from careplans.services.opening import check_assignee, default_owner
from careplans.workflow import NOT_TAKEN, TaskStatus
from coordinator.accounts.models import Team, User
from coordinator.db import Conflict
from coordinator.workflow import Actor, NotAllowed, move


@transaction.atomic
def accept_task(*, task_id: UUID, by: User, now: datetime) -> Task:
    """Take an assigned task, or claim one from a team list. Raises Conflict when a colleague was first."""
    task = lock_open(task_id)
    check_can_work(by, task)
    if task.owner_id not in (None, by.pk):
        raise Conflict(_taken_sentence(task), task_id=str(task.pk))
    if task.status not in NOT_TAKEN:
        if task.owner_id == by.pk:
            return task
        hand(task, owner=by, team=task.team, by=by, now=now)
    move(task, "accept", by=by, now=now, owner=by)
    return task


def _taken_sentence(task: Task) -> str:
    steps = ("accept", "hand_over", "reassign")
    last = task.changes.filter(step__in=steps).select_related("by").order_by("-at", "-id").first()
    return change_sentence(last) if last else _("Somebody else has this task.")


@transaction.atomic
def hand_back_task(*, task_id: UUID, reason: str, by: Actor, now: datetime) -> Task:
    """Not mine: back to whoever had it before, else to the team list. `reason` is required."""
    task = lock_open(task_id)
    check_can_assign(by, task)
    if not reason.strip():
        raise ValidationError({"reason": _("Say in a few words why.")})
    before, team = task.previous_owner, task.team
    if before is not None and (before.pk == task.owner_id or not _fits(before, task)):
        before = None
    if before is None and team is None:
        _nobody, team = default_owner(None, task.site)
    if task.status in NOT_TAKEN:
        move(task, "reject", by=by, now=now, reason=reason)
    hand(task, owner=before, team=team, by=by, now=now, reason=reason)
    return task


def _fits(user: User, task: Task) -> bool:
    try:
        check_assignee(user, task.site)
    except ValidationError:
        return False
    return True


@transaction.atomic
def reassign_task(
    *,
    task_id: UUID,
    by: Actor,
    now: datetime,
    owner: User | None = None,
    team: Team | None = None,
    reason: str = "",
) -> Task:
    """Give a task to a colleague (`owner`) or to a team list (`team`). The previous owner stays on record.

    The age does not change; a snoozed task wakes. Raises Conflict, PermissionDenied, ValidationError.
    """
    task = lock_open(task_id)
    check_can_assign(by, task)
    if owner is None and team is None:
        raise ValidationError({"owner": _("Choose a colleague or a team list.")})
    if owner is not None:
        check_assignee(owner, task.site)
        if owner.pk == task.owner_id:
            raise NotAllowed(_("%(name)s has this task already.") % {"name": owner.name})
    if team is not None and team.site_id != task.site_id:
        raise ValidationError({"owner": _("That team works at another place.")})
    hand(task, owner=owner, team=team or task.team, by=by, now=now, reason=reason)
    return task


def hand(
    task: Task, *, owner: User | None, team: Team | None, by: Actor, now: datetime, reason: str = ""
) -> None:
    """Move a locked task to its next owner, through every step that lies between."""
    if task.status == TaskStatus.ON_HOLD:
        move(task, "wake", by=by, now=now, **hold_ended(task, now))
    step = {
        TaskStatus.DRAFT: "assign",
        TaskStatus.REQUESTED: "reassign",
        TaskStatus.RECEIVED: "reassign",
        TaskStatus.REJECTED: "reassign",
    }.get(TaskStatus(task.status), "hand_over")
    facts: dict[str, Any] = {"owner": owner, "team": team}
    if task.owner_id is not None:
        facts["previous_owner"] = task.owner
    move(task, step, by=by, now=now, reason=reason, from_owner=task.owner, from_team=task.team, **facts)
