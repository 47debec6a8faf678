""" "Why this date?" for what people date by hand: who set a task's due date or a plan's review, when, and why."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from careplans.models import CarePlan, Task, TaskChange
from coordinator.clocks.reasons import Happened
from coordinator.clocks.subjects import Subject
from coordinator.wording import clock_time, day, family_first, week_day

# Steps after which the due date is another one, beside an edit that names it.
SETS_A_DATE = ("create", "import", "move_due", "follow_clock")


def task_subject(task: Task) -> Subject:
    about = f" · {family_first(task.patient)}" if task.patient else ""
    return Subject(f"{task.title}{about}", reverse("careplans:task_detail", args=[task.pk]))


def plan_subject(plan: CarePlan) -> Subject:
    return Subject(plan.title, reverse("careplans:plan_detail", args=[plan.pk]))


def tasks_seen(user: Any, keys: Collection[UUID]) -> dict[UUID, Subject]:
    """For the registry of the clocks: the tasks among these that this person may see (one query)."""
    found = Task.objects.visible_to(user).filter(pk__in=keys).select_related("patient")
    return {task.pk: task_subject(task) for task in found}


def due_words(task: Task) -> str:
    """The date itself: "Due: Mon, Nov 30, 2026." with the hour when it counts."""
    if task.due_at is None:
        return _("No date was set.")
    on = task.due_at.astimezone(task.site.tzinfo)
    if task.due_has_time:
        return _("Due: %(day)s, %(time)s.") % {"day": week_day(on.date()), "time": clock_time(on)}
    return _("Due: the end of %(day)s.") % {"day": week_day(on.date())}


def who_dated_task(task: Task) -> list[Happened]:
    """Every row of the task's history that set its date, newest first (one query)."""
    rows = task.changes.select_related("by").order_by("-at", "-id")
    return [_task_row(row, task) for row in rows if _sets_date(row, "due_at")]


def who_dated_plan(plan: CarePlan) -> list[Happened]:
    """Every row of the plan's history that set its review, newest first (one query)."""
    rows = plan.changes.select_related("by").order_by("-at", "-id")
    return [
        Happened(row.at, _set_by(row, plan.patient.site), row.reason, _who(row))
        for row in rows
        if row.step == "review" or _sets_date(row, "next_review_on")
    ]


def _sets_date(row: Any, name: str) -> bool:
    edited = row.step == "edit" and name in (row.facts.get("fields") or [])
    contact = row.step == "log_contact" and row.facts.get(name) is not None
    return edited or contact or row.step in SETS_A_DATE


def _task_row(row: TaskChange, task: Task) -> Happened:
    reason = row.reason or (task.reason if row.step == "create" else "")
    return Happened(row.at, _set_by(row, task.site), reason, _who(row))


def _set_by(row: Any, site: Any) -> str:
    words = {"name": _who(row), "day": day(row.at.astimezone(site.tzinfo).date())}
    if row.step == "log_contact":
        return _("Set by the contact that %(name)s logged on %(day)s.") % words
    if row.step == "follow_clock":
        return _("Moved with its rule on %(day)s.") % words
    if row.step == "review":
        return _("Set at the review that %(name)s recorded on %(day)s.") % words
    if row.by is None:
        return _("Set on %(day)s, when this was opened automatically.") % words
    return _("Set by %(name)s on %(day)s.") % words


def _who(row: Any) -> str:
    return row.by.name if row.by else _("The system")
