"""Working on a task: start, tick, complete, close without doing, reopen, edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from careplans.models import CloseReason, Task, TaskInterval
from careplans.permissions import check_can_work
from careplans.services.locking import close_interval, hold_ended, lock_open, lock_task
from careplans.workflow import NOT_TAKEN, TaskStatus
from coordinator.clocks import services as clocks
from coordinator.clocks.models import Clock
from coordinator.clocks.workflow import State
from coordinator.db import Conflict
from coordinator.workflow import Actor, NotAllowed, System, move, record_edit

EDITABLE = (
    "title",
    "kind",
    "reason",
    "next_step",
    "program",
    "priority",
    "due_at",
    "due_has_time",
    "waiting_on",
    "attempts_planned",
)


@transaction.atomic
def start_task(*, task_id: UUID, by: Actor, now: datetime) -> Task:
    """Begin working; an assigned task is taken first. Raises Conflict, NotAllowed, PermissionDenied."""
    task = lock_open(task_id)
    check_can_work(by, task)
    take(task, by=by, now=now)
    move(task, "start", by=by, now=now)
    return task


@transaction.atomic
def complete_task(
    *, task_id: UUID, by: Actor, now: datetime, outcome: str = "", open_items: str = ""
) -> Task:
    """Done. `outcome` is what came of it; open checklist items need a word in `open_items` (why not done).

    Raises Conflict with who was first, ValidationError for items without a word.
    """
    task = lock_open(task_id)
    check_can_work(by, task)
    return complete_locked(task, by=by, now=now, outcome=outcome, open_items=open_items)


def complete_locked(task: Task, *, by: Actor, now: datetime, outcome: str = "", open_items: str = "") -> Task:
    """`complete_task` for a row its caller has locked and checked."""
    left = open_checklist(task)
    if left and not open_items.strip():
        raise ValidationError({"open_items": still_open_sentence(left)})
    take(task, by=by, now=now)
    move(
        task,
        "complete",
        by=by,
        now=now,
        reason=open_items,
        outcome=outcome[:200],
        ended_at=now,
        not_done=left,
        **hold_ended(task, now),
    )
    close_interval(task, now)
    _settle_own_clock(task, by=by, now=now, met=True)
    return task


def open_checklist(task: Task) -> list[str]:
    """The lines of the checklist that are not ticked."""
    return [item["text"] for item in task.checklist if not item.get("done")]


def still_open_sentence(left: list[str]) -> str:
    text = ngettext(
        "One item is not ticked (%(items)s). Tick it, or say in a few words why it is not done.",
        "%(n)d items are not ticked (%(items)s). Tick them, or say in a few words why they are not done.",
        len(left),
    )
    return text % {"n": len(left), "items": "; ".join(left)}


def take(task: Task, *, by: Actor, now: datetime) -> None:
    """An assigned task that somebody works on is taken first: the row between is never skipped."""
    if task.status in NOT_TAKEN:
        owner = by if task.owner_id is None and not isinstance(by, System) else task.owner
        move(task, "accept", by=by, now=now, owner=owner)
    elif task.owner_id is None and not isinstance(by, System) and task.status != TaskStatus.DRAFT:
        task.owner = by


@transaction.atomic
def cancel_task(*, task_id: UUID, close_reason: str, by: Actor, now: datetime, note: str = "") -> Task:
    """Close without doing, for a reason (the code of a CloseReason that goes with the task); some need a note."""
    task = lock_open(task_id)
    check_can_work(by, task)
    check_close_reason(task, close_reason, note)
    return cancel_locked(task, close_reason=close_reason, note=note, by=by, now=now)


def cancel_locked(
    task: Task, *, close_reason: str, by: Actor, now: datetime, note: str = "", **facts: Any
) -> Task:
    """`cancel_task` for a row its caller has locked and checked; `facts` are kept on the change. A reason that is
    no longer offered to people still stands for what the program closes by itself."""
    label = str(CloseReason.objects.get(code=close_reason))
    move(
        task,
        "cancel",
        by=by,
        now=now,
        reason=f"{label}: {note}" if note else label,
        close_reason=close_reason,
        outcome=note[:200],
        ended_at=now,
        **hold_ended(task, now),
        **facts,
    )
    close_interval(task, now)
    _settle_own_clock(task, by=by, now=now, met=False)
    return task


def check_close_reason(task: Task, code: str, note: str) -> CloseReason:
    """The reason, offered for this type of task and with the note that it asks for. Raises ValidationError."""
    reason = CloseReason.objects.offered().filter(code=code).first()
    if reason is None:
        raise ValidationError({"close_reason": _("Choose a reason from the list.")})
    if reason.kinds and task.kind not in reason.kinds:
        text = _("“%(reason)s” does not go with this type of task. Choose another reason.")
        raise ValidationError({"close_reason": text % {"reason": reason}})
    if reason.needs_note and not note.strip():
        raise ValidationError({"note": _("Say in a few words why.")})
    return reason


@transaction.atomic
def reopen_task(*, task_id: UUID, reason: str, by: Actor, now: datetime) -> Task:
    """Open an ended task again: a new interval, so its age starts anew; the earlier ones are kept."""
    task = lock_task(task_id)
    check_can_work(by, task)
    _refuse_second(task)
    facts = {
        "ended_at": None,
        "opened_at": now,
        "held_seconds": 0,
        "outcome": "",
        "close_reason": "",
        "escalated_at": None,
        "escalated_to": "",
    }
    move(task, "reopen", by=by, now=now, reason=reason, **facts)
    TaskInterval.objects.create(task=task, opened_at=now)
    return task


def resume_interval(task: Task, *, by: Actor, now: datetime, reason: str) -> None:
    """Reopen a locked task as if it had not been ended (undo): the interval goes on and the age with it."""
    _refuse_second(task)
    move(task, "reopen", by=by, now=now, reason=reason, ended_at=None, outcome="", close_reason="")
    last = task.intervals.order_by("-opened_at").first()
    if last is not None:
        last.closed_at = None
        last.save(update_fields=["closed_at"])
    clock = own_clock(task)
    if clock is not None and clock.state == State.MET:
        clocks.reopen_clock(clock_id=clock.pk, reason=reason, by=by, now=now)


def _refuse_second(task: Task) -> None:
    """An automatic task whose cause opened another one meanwhile stays closed."""
    if task.dedupe_key and Task.objects.open().filter(dedupe_key=task.dedupe_key).exists():
        raise Conflict(_("A task for the same thing is open already."))


def own_clock(task: Task) -> Clock | None:
    """The task's clock when that is about the task itself, not about another record."""
    clock = task.clock
    if clock is not None and clock.subject_type == "careplans.task" and clock.subject_id == task.pk:
        return clock
    return None


def _settle_own_clock(task: Task, *, by: Actor, now: datetime, met: bool) -> None:
    """A clock about the task itself ends with it. Clocks about other records are met by their own services."""
    clock = own_clock(task)
    if clock is None or clock.state not in ("running", "held", "missed"):
        return
    if met:
        clocks.meet_clock(clock_id=clock.pk, by=by, now=now)
    else:
        clocks.void_clock(clock_id=clock.pk, reason=_("The task was closed."), by=by, now=now)


@transaction.atomic
def enter_task_in_error(*, task_id: UUID, reason: str, by: Actor, now: datetime) -> Task:
    """It should never have been there. Nothing is deleted; lists no longer show it."""
    task = lock_task(task_id)
    check_can_work(by, task)
    move(task, "enter_in_error", by=by, now=now, reason=reason, **hold_ended(task, now))
    close_interval(task, now)
    _settle_own_clock(task, by=by, now=now, met=False)
    return task


@transaction.atomic
def edit_task(*, task_id: UUID, version: int, by: Actor, now: datetime, **changes: Any) -> Task:
    """Change what a task says. Its age, status and owner stay.

    `changes` are among EDITABLE. Raises Conflict when somebody saved since `version` was read (extra: the fields
    that differ, with both values), ValidationError for a date that a rule sets and for none.
    """
    task = lock_open(task_id)
    check_can_work(by, task)
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise ValueError(f"Not editable: {sorted(unknown)}.")
    before = {name: getattr(task, name) for name in changes}
    changed = {name: value for name, value in changes.items() if value != before[name]}
    if version != task.version:
        raise Conflict(
            _("Somebody saved this task after you opened it."), task_id=str(task.pk), fields=sorted(changed)
        )
    if "due_at" in changed and changed["due_at"] is None:
        raise ValidationError({"due_on": _("Give a day: nothing that is open goes without one.")})
    if task.clock_id and "due_at" in changed:
        raise ValidationError({"due_on": _("A rule sets this date, so it cannot be changed by hand.")})
    if not changed:
        return task
    for name, value in changed.items():
        setattr(task, name, value)
    task.version += 1
    task.save()
    record_edit(task, "edit", by=by, now=now, fields=sorted(changed))
    return task


@transaction.atomic
def move_due_date(
    *, task_id: UUID, due_at: datetime, by: Actor, now: datetime, due_has_time: bool = False
) -> Task:
    """Another due date (UTC), for one task or for many. Raises NotAllowed for a date that a rule sets."""
    task = lock_open(task_id)
    check_can_work(by, task)
    if task.clock_id:
        raise NotAllowed(_("A rule sets this date, so it cannot be changed by hand."))
    before: dict[str, Any] = {
        "from_due": task.due_at.isoformat() if task.due_at else "",
        "from_has_time": task.due_has_time,
    }
    task.due_at, task.due_has_time = due_at, due_has_time
    task.version += 1
    task.save()
    record_edit(task, "move_due", by=by, now=now, due_at=due_at, **before)
    return task


@transaction.atomic
def tick_item(*, task_id: UUID, number: int, text: str, done: bool, by: Actor, now: datetime) -> Task:
    """Tick or untick one line of the checklist; `text` must still be that line's wording."""
    task = lock_open(task_id)
    check_can_work(by, task)
    if not 0 <= number < len(task.checklist) or task.checklist[number]["text"] != text:
        raise Conflict(_("The checklist was changed meanwhile. Look again."))
    task.checklist[number]["done"] = done
    task.save(update_fields=["checklist", "updated_at"])
    record_edit(task, "tick" if done else "untick", by=by, now=now, item=number)
    return task


@transaction.atomic
def close_tasks_caused_by(*, cause: models.Model, by: Actor, now: datetime, outcome: str) -> list[Task]:
    """Complete every open task that this record caused; `outcome` says why in a few words. None is fine.

    A consequence: its caller has checked who may do what it did. Open checklist items are left as they are.
    """
    open_ones = Task.objects.open().filter(cause_id=cause.pk, cause_type=cause._meta.label_lower)
    closed = []
    for pk in open_ones.order_by("pk").values_list("pk", flat=True):
        task = lock_task(pk)
        if task.status in (TaskStatus.DRAFT, TaskStatus.REJECTED):
            cancel_locked(task, close_reason="no_longer_needed", note=outcome, by=by, now=now)
        elif task.status not in (TaskStatus.COMPLETED, TaskStatus.CANCELLED):
            if task.status in NOT_TAKEN:
                move(task, "accept", by=by, now=now)
            complete_locked(task, by=by, now=now, outcome=outcome, open_items=outcome)
        closed.append(task)
    return closed


@transaction.atomic
def follow_clock(*, clock: Clock, by: Actor, now: datetime) -> None:
    """The deadline of a rule moved (extended, resumed) or no longer applies: its open tasks follow."""
    open_ones = Task.objects.open().filter(clock=clock)
    for pk in open_ones.order_by("pk").values_list("pk", flat=True):
        task = lock_task(pk)
        if clock.state == State.VOID:
            task.clock = None
        else:
            task.due_at, task.due_has_time = clock.due_at, clock.due_on is None
        task.version += 1
        task.save()
        record_edit(task, "follow_clock", by=by, now=now, due_at=task.due_at)
