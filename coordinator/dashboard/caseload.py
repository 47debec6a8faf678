"""Handing all open work of one coordinator to another: what there is, what moves, and what cannot."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from careplans import services as careplans
from careplans.models import Task
from careplans.services.bulk import BulkResult
from coordinator.accounts.models import User
from coordinator.db import Conflict
from coordinator.wording import as_kept
from coordinator.workflow import NotAllowed
from patients.models import Patient
from patients.services import assign_coordinator
from referrals.models import PriorAuthorization, Referral
from referrals.services import assign_authorization, assign_followed, assign_referral
from referrals.services.money import FOLLOWED

MOST = 300  # of each sort in one go; what is left is moved by the next
TAKEN_BACK = gettext_lazy("The transfer was taken back.")
SORTS = ("tasks", "referrals", "authorizations", "money", "patients")


@dataclass
class Caseload:
    """What a manager sees of somebody's open work. `counts` says how many of each sort there are in all."""

    counts: dict[str, int]
    tasks: list[Task] = field(default_factory=list)
    referrals: list[Referral] = field(default_factory=list)
    authorizations: list[PriorAuthorization] = field(default_factory=list)
    money: list[Any] = field(default_factory=list)
    patients: list[Patient] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass
class Moved:
    """What a transfer did: the keys of what moved, by sort (for Undo), and what was refused, in words."""

    keys: dict[str, list[UUID]] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {sort: len(keys) for sort, keys in self.keys.items()}


def caseload_of(by: User, owner: User) -> Caseload:
    """Open tasks (snoozed ones too), referrals that are not closed, open prior authorizations, bills, applications and
    estimates, and patients led: what `by` may see (two queries for each kind of record)."""
    found = _rows_of(by, owner)
    counts = {name: sum(rows.count() for rows in kinds) for name, kinds in found.items()}
    shown = {
        name: list(chain.from_iterable(rows[:MOST] for rows in kinds))[:MOST] for name, kinds in found.items()
    }
    return Caseload(counts, **shown)  # type: ignore[arg-type]


def _rows_of(by: User, owner: User) -> dict[str, list[Any]]:
    tasks = Task.objects.visible_to(by).open().filter(owner=owner).select_related("patient")
    referrals = Referral.objects.visible_to(by).filter(owner=owner, loop_closed_at=None)
    authorizations = PriorAuthorization.objects.visible_to(by).open().filter(owner=owner)
    money = [model.objects.visible_to(by).open().filter(owner=owner) for model in FOLLOWED]
    led = Patient.objects.visible_to(by).filter(coordinator=owner, status="active")
    return {
        "tasks": [tasks.order_by("due_at", "pk")],
        "referrals": [referrals.select_related("patient").order_by("pk")],
        "authorizations": [authorizations.select_related("patient").order_by("pk")],
        "money": [_named(rows.select_related("patient")).order_by("pk") for rows in money],
        "patients": [led.order_by("search_name")],
    }


def _named(rows: Any) -> Any:
    """With what a record about money is called by."""
    return rows.select_related("fund") if rows.model.kind == "aid" else rows


def transfer(*, owner: User, to: User, sorts: list[str], by: User, now: datetime, reason: str = "") -> Moved:
    """Give the open work of these sorts to somebody else, each thing on its own: one refusal does not stop the others."""
    if not by.can("tasks.assign"):
        raise PermissionDenied(_("Only a lead or a manager hands on somebody else’s work."))
    if owner.pk == to.pk:
        raise ValidationError(_("Choose two different people."))
    work, moved = caseload_of(by, owner), Moved()
    if "tasks" in sorts:
        keys = {task.pk: task for task in work.tasks}
        given: dict[str, Any] = {"owner": to, "team": None, "reason": reason}
        results = careplans.bulk(task_ids=list(keys), action="reassign", by=by, now=now, **given)
        _count_tasks(moved, results, keys)
    for name in SORTS[1:]:
        if name in sorts:
            for row in getattr(work, name):
                _one(moved, name, row, to, by, now, reason)
    return moved


def take_back(*, owner: User, to: User, keys: dict[str, list[UUID]], by: User, now: datetime) -> Moved:
    """Give back to `owner` just these things that `to` got by a transfer and still has, as far as `by` sees them.

    Tasks as their own Undo does (within 15 minutes, nothing done since); what `to` had before stays with them.
    """
    if not by.can("tasks.assign"):
        raise PermissionDenied(_("Only a lead or a manager hands on somebody else’s work."))
    moved = Moved({sort: [] for sort in keys})
    for sort, kinds in _rows_of(by, to).items():
        wanted = keys.get(sort, [])
        for row in chain.from_iterable(rows.filter(pk__in=wanted) for rows in kinds if wanted):
            _one(moved, sort, row, owner, by, now, as_kept(TAKEN_BACK), undo=True)
    return moved


def _count_tasks(moved: Moved, results: list[BulkResult], tasks: dict[UUID, Task]) -> None:
    moved.keys["tasks"] = [result.task_id for result in results if result.done]
    for result in results:
        if not result.done:
            task = tasks[result.task_id]
            moved.refused.append(
                (f"{task.title}, {task.patient}" if task.patient else task.title, result.sentence)
            )


def _one(
    moved: Moved, sort: str, row: Any, to: User, by: User, now: datetime, reason: str, undo: bool = False
) -> None:
    done = moved.keys.setdefault(sort, [])
    try:
        if sort == "tasks" and undo:
            careplans.undo(task_id=row.pk, by=by, now=now)
        elif sort == "referrals":
            assign_referral(referral_id=row.pk, owner=to, by=by, now=now, reason=reason)
        elif sort == "authorizations":
            assign_authorization(authorization_id=row.pk, owner=to, by=by, now=now, reason=reason)
        elif sort == "money":
            assign_followed(model=type(row), record_id=row.pk, owner=to, by=by, now=now, reason=reason)
        else:
            assign_coordinator(patient_id=row.pk, user=to, by=by, now=now, reason=reason)
    except (Conflict, NotAllowed, PermissionDenied) as refusal:
        moved.refused.append((str(row), str(refusal)))
    except ValidationError as refusal:
        moved.refused.append((str(row), " ".join(refusal.messages)))
    else:
        done.append(row.pk)
