"""The actions on a task, by name: what each asks, what it calls, and what it says afterwards.

Pages of this app and My work on the roof are two doorways to the same table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from careplans import forms, services
from careplans.models import Task
from coordinator.accounts.models import User

Text = Any


@dataclass(frozen=True)
class Done:
    """What an action did, in words for a message; `undo` says whether it can be taken back at once.

    `also` are the keys of other tasks that it completed.
    """

    text: str
    undo: bool = False
    also: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Action:
    """`asks` is the form, `run(task, cleaned, by, now)` calls the service, `key` is its letter on the keyboard."""

    name: str
    title: Text
    button: Text
    asks: type[forms.TaskActionForm]
    run: Callable[[Task, dict[str, Any], User, datetime], Done]
    icon: str = ""


def what(task: Task) -> str:
    """The task as a message names it: "Post-discharge call, RAMÍREZ, Elena"."""
    return f"{task.title}, {task.patient}" if task.patient_id else task.title


def _complete(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    words = {"outcome": data.get("outcome", ""), "open_items": data.get("open_items", "")}
    services.complete_task(task_id=task.pk, by=by, now=now, **words)
    return Done(_("Completed: %(what)s") % {"what": what(task)}, undo=True)


def _snooze(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.snooze_task(task_id=task.pk, wake_at=data["wake_at"], reason=data["reason"], by=by, now=now)
    words = {"what": what(task), "when": forms.moment_label(data["wake_at"], now)}
    return Done(_("Snoozed until %(when)s: %(what)s") % words, undo=True)


def _reassign(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    to = {name: data[name] for name in ("owner", "team", "reason")}
    services.reassign_task(task_id=task.pk, by=by, now=now, **to)
    words = {"what": what(task), "who": (data["owner"] or data["team"]).name}
    return Done(_("Given to %(who)s: %(what)s") % words, undo=True)


def _cancel(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.cancel_task(
        task_id=task.pk, close_reason=data["close_reason"], note=data["note"], by=by, now=now
    )
    return Done(_("Closed without doing: %(what)s") % {"what": what(task)}, undo=True)


def _move_due(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.move_due_date(
        task_id=task.pk, due_at=data["due_at"], due_has_time=data["due_has_time"], by=by, now=now
    )
    words = {"what": what(task), "when": forms.moment_label(data["due_at"], now)}
    return Done(_("Now due %(when)s: %(what)s") % words, undo=True)


def _accept(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.accept_task(task_id=task.pk, by=by, now=now)
    return Done(_("Taken: %(what)s") % {"what": what(task)})


def _start(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.start_task(task_id=task.pk, by=by, now=now)
    return Done(_("Started: %(what)s") % {"what": what(task)})


def _hand_back(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.hand_back_task(task_id=task.pk, reason=data["reason"], by=by, now=now)
    return Done(_("Handed back: %(what)s") % {"what": what(task)})


def _wake(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.wake_task(task_id=task.pk, by=by, now=now)
    return Done(_("Back on the list: %(what)s") % {"what": what(task)})


def _reopen(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.reopen_task(task_id=task.pk, reason=data["reason"], by=by, now=now)
    return Done(_("Open again: %(what)s") % {"what": what(task)})


def _enter_in_error(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    services.enter_task_in_error(task_id=task.pk, reason=data["reason"], by=by, now=now)
    return Done(_("Marked as entered in error: %(what)s") % {"what": what(task)})


def _tick(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    line = {name: data[name] for name in ("number", "text", "done")}
    services.tick_item(task_id=task.pk, by=by, now=now, **line)
    return Done("")


def _log(task: Task, data: dict[str, Any], by: User, now: datetime) -> Done:
    """Save the attempt; with the Complete button also end the task, and without an outcome only that."""
    complete = data.get("do") == "complete"
    if complete and not data.get("outcome"):
        words = {"outcome": data["note"], "open_items": data["open_items"]}
        return _complete(task, words, by, now)
    if task.patient is None:
        raise ValidationError(_("This task is about no patient, so there is no contact to log."))
    same = ("outcome", "note", "minutes", "topic", "related_person", "contact_point", "interpreter")
    result = services.log_contact(
        patient=task.patient,
        task=task,
        channel=data["channel"] or "phone",
        direction=data["direction"] or "out",
        next_attempt_at=data["again_at"],
        open_items=data["open_items"],
        attempt_id=data["attempt_id"],
        complete=complete,
        by=by,
        now=now,
        **{name: data[name] for name in same},
    )
    said = [_("Contact saved."), *result.explanation]
    said += [_("New task: %(title)s.") % {"title": extra.title} for extra in result.extra_tasks]
    if result.attempt.next_attempt_at:
        when = forms.moment_label(result.attempt.next_attempt_at, now)
        said.append(_("Next attempt: %(when)s.") % {"when": when})
    settled, sentences = _settle_others(list(data.get("settles") or ()), result.attempt, by, now)
    return Done(" ".join([*said, *sentences]), undo=result.closed, also=settled)


def _settle_others(
    tasks: list[Task], attempt: Any, by: User, now: datetime
) -> tuple[tuple[UUID, ...], list[str]]:
    """Complete the patient's other tasks that the contact settles, each on its own: keys, and what to say."""
    if not tasks:
        return (), []
    if not attempt.reached:
        return (), [_("Nobody was reached, so the other tasks stay open.")]
    words = {"outcome": str(attempt.get_outcome_display())}
    results = services.bulk(task_ids=[task.pk for task in tasks], action="complete", by=by, now=now, **words)
    done = tuple(result.task_id for result in results if result.done)
    titles = {task.pk: task.title for task in tasks}
    said = [_("Also completed: %(title)s.") % {"title": titles[key]} for key in done]
    said += [f"{titles[result.task_id]}: {result.sentence}" for result in results if not result.done]
    return done, said


# The table is made once; its words are read in each person's language.
ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            "complete",
            gettext_lazy("Complete"),
            gettext_lazy("Complete"),
            forms.CompleteForm,
            _complete,
            "check",
        ),
        Action("snooze", gettext_lazy("Snooze"), gettext_lazy("Snooze"), forms.SnoozeForm, _snooze, "clock"),
        Action(
            "reassign",
            gettext_lazy("Reassign"),
            gettext_lazy("Reassign"),
            forms.ReassignForm,
            _reassign,
            "user",
        ),
        Action(
            "log",
            gettext_lazy("Log a contact"),
            gettext_lazy("Save attempt"),
            forms.LogContactForm,
            _log,
            "phone",
        ),
        Action(
            "cancel",
            gettext_lazy("Close without doing"),
            gettext_lazy("Close it"),
            forms.CancelForm,
            _cancel,
            "x",
        ),
        Action(
            "move_due",
            gettext_lazy("Move the due date"),
            gettext_lazy("Move it"),
            forms.MoveDueForm,
            _move_due,
            "calendar",
        ),
        Action("accept", gettext_lazy("Take"), gettext_lazy("Take"), forms.NothingForm, _accept, "hand"),
        Action("start", gettext_lazy("Start"), gettext_lazy("Start"), forms.NothingForm, _start, "arrow"),
        Action(
            "hand_back",
            gettext_lazy("Hand back"),
            gettext_lazy("Hand back"),
            forms.ReasonForm,
            _hand_back,
            "undo",
        ),
        Action(
            "wake", gettext_lazy("Wake now"), gettext_lazy("Wake now"), forms.NothingForm, _wake, "refresh"
        ),
        Action("reopen", gettext_lazy("Reopen"), gettext_lazy("Reopen"), forms.ReasonForm, _reopen, "repeat"),
        Action("tick", gettext_lazy("Tick"), gettext_lazy("Save"), forms.TickForm, _tick),
        Action(
            "enter_in_error",
            gettext_lazy("Enter in error"),
            gettext_lazy("Enter in error"),
            forms.ReasonForm,
            _enter_in_error,
            "octagon",
        ),
    )
}
