"""Opening tasks: one with an owner and a next step, never twice for one cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from careplans.checklists import checklist_for
from careplans.models import ContactAttempt, Task, TaskChange, TaskInterval, TaskKind
from careplans.permissions import check_can_open
from careplans.workflow import TaskStatus
from coordinator.accounts.models import Site, Team, User
from coordinator.audit import services as audit
from coordinator.clocks import services as clocks
from coordinator.clocks.rules import Explanation, local_date
from coordinator.db import refusals
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, System, actor_fields, moved, person
from patients.models import Patient

BATCH = 500
# What may be put to a provider, who does not run the worklist: an update to answer, a report to read.
ASKED_OF_PROVIDERS = (TaskKind.PROVIDER_UPDATE, TaskKind.RESULTS)
ATTEMPTS_TO_INSERT = 5
UNDATED = "task.undated"  # key in the rules register
TEAM_LIST = (
    "Team list"  # a name people may change; it is kept, so it does not follow the language of whoever asked
)


@transaction.atomic
def open_task(
    *,
    patient: Patient | None,
    site: Site,
    kind: str,
    title: str,
    by: Actor,
    now: datetime,
    reason: str = "",
    next_step: str = "",
    owner: User | None = None,
    team: Team | None = None,
    due_at: datetime | None = None,
    due_has_time: bool = False,
    clock: Any = None,
    priority: str = "routine",
    dedupe_key: str = "",
    cause: models.Model | None = None,
    program: str = "",
    waiting_on: str = "",
    checklist: list[dict[str, Any]] | None = None,
    attempts_planned: int = 3,
) -> Task:
    """Open a task, or return the open one with the same `dedupe_key` (two processes at once make one).

    `due_at` is UTC; a `clock` brings its own; what nobody dated is due by the rule `task.undated`. Without owner and
    team it goes to the patient's coordinator, else to the site's team list: there is always someone. A colleague's
    task and a team's are "assigned" until taken.
    With a `cause` the task is a consequence, and who may cause it was checked there; without one, `by` must be
    allowed to add tasks at the site. Raises PermissionDenied, ValidationError.
    """
    if cause is None:
        check_can_open(by, site)
    if owner is not None:
        check_assignee(owner, site, kind if cause is not None else "")
    if team is not None and team.site_id != site.pk:
        raise ValidationError(_("That team works at another place."))
    if owner is None and team is None:
        owner, team = default_owner(patient, site)
    if clock is not None and due_at is None:
        due_at, due_has_time = clock.due_at, clock.due_on is None
    task = Task(
        created_by=person(by),
        patient=patient,
        site=site,
        kind=kind,
        title=title,
        reason=reason,
        next_step=next_step,
        program=program,
        status=first_status(owner, by),
        priority=priority,
        owner=owner,
        team=team,
        due_at=due_at,
        due_has_time=due_has_time,
        clock=clock,
        waiting_on=waiting_on,
        opened_at=now,
        checklist=checklist_for(kind) if checklist is None else checklist,
        attempts_planned=attempts_planned,
        dedupe_key=dedupe_key,
        cause_type=cause._meta.label_lower if cause is not None else "",
        cause_id=cause.pk if cause is not None else None,
    )
    opened = open_all([task], by=by, now=now)
    if opened:
        return opened[0]
    return Task.objects.open().get(dedupe_key=dedupe_key)


def open_all(tasks: Sequence[Task], *, by: Actor, now: datetime) -> list[Task]:
    """Insert prepared tasks and return those that were not open already under their `dedupe_key`.

    Set-based: a fixed number of statements for each batch of 500, inside the caller's transaction. The database
    decides who is first (ON CONFLICT DO NOTHING on the unique key of open tasks).
    """
    made: list[Task] = []
    why = _date_by_rule(tasks, now)
    for start in range(0, len(tasks), BATCH):
        made += _open_batch(list(tasks[start : start + BATCH]), by, now)
    for task, change in zip(made, _write_history(made, why, by, now), strict=True):
        moved.send(sender=Task, record=task, step="create", change=change, by=by, now=now)
    return made


@in_clinic_language
def _date_by_rule(tasks: Iterable[Task], now: datetime) -> dict[UUID, str]:
    """Nothing open is without a date: what nobody dated gets the register's day. Why, by the key of the task."""
    why: dict[UUID, str] = {}
    by_site: dict[UUID, Explanation] = {}
    for task in tasks:
        if task.due_at is not None or task.clock_id is not None:
            continue
        found = by_site.get(task.site_id) or _due_undated(task.site, now)
        by_site[task.site_id] = found
        task.due_at, task.due_has_time = found.due_at, found.due_on is None
        why[task.pk] = " ".join([_("Nobody named a day."), *found.sentences()])
    return why


def _due_undated(site: Site, now: datetime) -> Explanation:
    version = clocks.rule_in_force(UNDATED, local_date(now, site.zone))
    return clocks.explained(version, now, site.zone, site.calendar, anchor_label=_("task written"))[0]


def _open_batch(tasks: list[Task], by: Actor, now: datetime) -> list[Task]:
    _remember_last_contact(tasks)
    made: list[Task] = []
    for _attempt in range(ATTEMPTS_TO_INSERT):
        with refusals():
            Task.objects.bulk_create(tasks, ignore_conflicts=True)
        there = set(Task.objects.filter(pk__in=[t.pk for t in tasks]).values_list("pk", flat=True))
        made += [t for t in tasks if t.pk in there]
        # Somebody else's task stood in the way; if it was closed meanwhile, the way is free now.
        waiting = [t for t in tasks if t.pk not in there]
        keys = [t.dedupe_key for t in waiting]
        held = set(Task.objects.open().filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
        tasks = [t for t in waiting if t.dedupe_key not in held]
        if not tasks:
            break
    TaskInterval.objects.bulk_create(TaskInterval(task=t, opened_at=t.opened_at) for t in made)
    return made


def _write_history(tasks: list[Task], why: dict[UUID, str], by: Actor, now: datetime) -> list[TaskChange]:
    """The first change row and audit event of each: what `begin()` does, for many at once. `why`: their dates."""
    changes = [
        TaskChange(
            record=t,
            step="create",
            from_status="",
            to_status=t.status,
            at=now,
            reason=why.get(t.pk, ""),
            facts={},
            **actor_fields(by),
        )
        for t in tasks
    ]
    TaskChange.objects.bulk_create(changes, batch_size=BATCH)
    audit.record_many(
        [
            audit.event(
                by=by,
                action="create",
                entity="careplans.task",
                entity_id=t.pk,
                patient_id=t.patient_id,
                site_id=t.site_id,
                details={"to": t.status, "kind": t.kind},
            )
            for t in tasks
        ]
    )
    return changes


def _remember_last_contact(tasks: Iterable[Task]) -> None:
    """The patient's last contact stands on the task from the start, so that the list needs no query per row."""
    patients = {t.patient_id for t in tasks if t.patient_id}
    latest = {
        row["patient_id"]: row
        for row in ContactAttempt.objects.filter(patient__in=patients)
        .order_by("patient_id", "-at")
        .distinct("patient_id")
        .values("patient_id", "at", "outcome")
    }
    for task in tasks:
        row = latest.get(task.patient_id) if task.patient_id else None
        if row:
            task.last_contact_at, task.last_contact_outcome = row["at"], row["outcome"]


def first_status(owner: User | None, by: Actor) -> str:
    """To do for one's own and what the system gives out; assigned, not yet taken, for a colleague or a team."""
    own = isinstance(by, System) or (owner is not None and owner.pk == by.pk)
    return TaskStatus.READY if owner is not None and own else TaskStatus.REQUESTED


def default_owner(
    patient: Patient | None, site: Site, teams: dict[UUID, Team] | None = None
) -> tuple[User | None, Team | None]:
    """Somebody, always: the patient's coordinator while active, else the site's first team list.

    `teams` is a cache of first teams by site for those who ask many times.
    """
    coordinator = patient.coordinator if patient is not None else None
    # At another place than the patient's own they might not see the task.
    if coordinator is not None and coordinator.is_active and _works_at(coordinator, site, patient):
        return coordinator, None
    teams = {} if teams is None else teams
    if site.pk not in teams:
        team = Team.objects.filter(site=site).order_by("name").first()
        teams[site.pk] = team or Team.objects.get_or_create(site=site, name=TEAM_LIST)[0]
    return None, teams[site.pk]


def _works_at(coordinator: User, site: Site, patient: Patient | None) -> bool:
    return (patient is not None and patient.site_id == site.pk) or site.pk in coordinator.site_ids


def check_assignee(owner: User, site: Site, kind: str = "") -> None:
    """Work goes to active people who can own it and who work at the task's place; to a provider only what asks them."""
    own_work = User.objects.assignable()
    if kind in ASKED_OF_PROVIDERS:
        own_work = own_work | User.objects.filter(is_active=True, practitioner__isnull=False)
    if not own_work.filter(pk=owner.pk, sites=site.pk).exists():
        raise ValidationError(_("Choose an active colleague who works at %(place)s.") % {"place": site})
