"""Tasks in every group, and the contacts behind them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from careplans import services
from careplans.checklists import checklist_for
from careplans.models import ContactAttempt, Task, TaskChange, TaskInterval
from careplans.rules import CONTACT_EVERY_DAYS, REACHED, end_of_day
from coordinator.accounts.models import User
from coordinator.clocks.services import start_clock
from coordinator.demo import tasks_of_dana as dana
from coordinator.demo.clinic import Clinic
from coordinator.demo.patients import Patients
from coordinator.workflow import System
from patients.models import Encounter, Patient

DEMO = System("demo")
# How much the others have to do: coordinator, open tasks, of them overdue
LOADS = [("marcus", 22, 7), ("luz", 34, 12), ("priya", 9, 1), ("joanne", 3, 0)]
WEEKS_OF_HISTORY = 10


def make_work(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    _contacts(clinic, patients, rng)
    _dana(clinic, patients)
    _others(clinic, patients, rng)
    _ended(clinic, patients, rng)


# --- tasks -------------------------------------------------------------------------------------------


def _task(clinic: Clinic, patient: Patient, owner: User | None, **fields: Any) -> Task:
    fields.setdefault("opened_at", clinic.ago(3))
    if owner is None:
        fields["team"] = clinic.teams[
            "Riverbend care team" if patient.site_id == clinic.riverbend.pk else "Northgate care team"
        ]
    kind = fields["kind"]
    fields.setdefault("checklist", checklist_for(kind))
    fields.setdefault("status", "ready" if owner else "requested")
    return Task(patient=patient, site=patient.site, owner=owner, created_by=owner, **fields)


def _open(tasks: list[Task]) -> None:
    """Opened on their own days, so that age and history agree."""
    by_moment: dict[datetime, list[Task]] = {}
    for task in tasks:
        by_moment.setdefault(task.opened_at, []).append(task)
    for moment, group in sorted(by_moment.items()):
        services.open_all(group, by=DEMO, now=moment)


def _due(clinic: Clinic, task: Task, due: tuple[Any, ...]) -> Task:
    """Give a task its date: of a rule, or the person's own."""
    word, *rest = due
    if word == "clock":
        rule, days = rest
        day = clinic.workday(-days)
        discharged = Encounter.objects.create(
            patient=task.patient,  # type: ignore[misc]  # these tasks all have one
            kind="Hospital stay",
            setting="IMP",
            started_at=clinic.at(day - timedelta(days=4), 21, 48),
            ended_at=clinic.at(day, 11, 5),
            reason=task.reason[:250],
            organization=clinic.organizations["Mercy General Hospital"],
        )
        task.opened_at = min(clinic.at(day, 18, 2), clinic.now)
        task.cause_type, task.cause_id = "patients.encounter", discharged.pk
        clock = start_clock(
            subject=task,
            kind=rule,
            anchor_at=day,
            anchor_label="discharge",
            zone=task.site.zone,
            calendar=task.site.calendar,
            site_id=task.site_id,
            owner_id=task.owner_id,
            by=DEMO,
            now=task.opened_at,
        )
        assert clock is not None
        task.clock, task.due_at, task.due_has_time = clock, clock.due_at, clock.due_on is None
    elif word == "today" and rest:
        task.due_at, task.due_has_time = clinic.at(clinic.today, *rest), True
    else:
        day = {
            "today": clinic.today,
            "overdue": clinic.workday(-(rest or [0])[0]),
            "day": clinic.workday((rest or [0])[0]),
        }[word]
        task.due_at = end_of_day(day, task.site.zone)
    if word == "overdue":
        task.opened_at = clinic.at(clinic.workday(-rest[0] - 4), 9, 30)
    return task


def _dana(clinic: Clinic, patients: Patients) -> None:
    owner, tasks = clinic.users["dana"], []
    for number, (kind, program, title, reason, name, due, last) in enumerate(dana.TODO):
        opened = clinic.ago(1 + number * 5 % 24)
        words = {"kind": kind, "program": program, "title": title, "reason": reason}
        task = _task(clinic, patients[name], owner, opened_at=opened, **words)
        task.priority = "urgent" if title in dana.URGENT else "routine"
        task = _due(clinic, task, due)
        if last:
            outcome, days, attempts = last
            _contact(clinic, patients[name], owner, outcome, clinic.ago(days, 2))
            task.attempts_made = attempts
        tasks.append(task)
    for kind, program, title, name, whom, days in dana.WAITING:
        task = _task(clinic, patients[name], owner, kind=kind, program=program, title=title, waiting_on=whom)
        tasks.append(_due(clinic, task, ("day", days)))
    for number, (kind, title, days) in enumerate(dana.POOL):
        everyone = [p for p in patients.values() if p.site_id == clinic.riverbend.pk]
        task = _task(clinic, everyone[number * 7 + 3], None, kind=kind, title=title)
        tasks.append(_due(clinic, task, ("day", days)))
    _open(tasks)
    for kind, title, name, why, days in dana.SNOOZED:
        task = _task(clinic, patients[name], owner, kind=kind, title=title)
        task = _due(clinic, task, ("day", days + 3))
        _open([task])
        services.snooze_task(
            task_id=task.pk, wake_at=clinic.at(clinic.workday(days), 8), reason=why, by=owner, now=clinic.now
        )
    for kind, program, title, name, outcome in dana.DONE_TODAY:
        task = _due(
            clinic, _task(clinic, patients[name], owner, kind=kind, program=program, title=title), ("today",)
        )
        _open([task])
        services.complete_task(task_id=task.pk, outcome=outcome, by=owner, now=clinic.now)


def _others(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    tasks = []
    for word, count, overdue in LOADS:
        owner = clinic.users[word]
        own = [p for p in patients.values() if p.coordinator_id == owner.pk] or list(patients.values())[:10]
        for number in range(count):
            kind, program, title, reason = rng.choice(dana.OTHERS)
            opened = clinic.ago(rng.randint(1, 30), rng.randint(0, 8))
            task = _task(
                clinic, rng.choice(own), owner, kind=kind, program=program, title=title, reason=reason,
                opened_at=opened,
            )  # fmt: skip
            due: tuple[Any, ...] = (
                ("overdue", rng.choice((1, 1, 2, 3, 5, 8, 11)))
                if number < overdue
                else (("today",) if number < overdue + 4 else ("day", rng.randint(1, 12)))
            )
            tasks.append(_due(clinic, task, due))
        if count > 8:
            for _each in range(2):
                task = _task(
                    clinic,
                    rng.choice(own),
                    owner,
                    kind="discharge_call",
                    program="TCM",
                    title="Post-discharge call",
                    reason="Discharged from Mercy General",
                )
                tasks.append(_due(clinic, task, ("clock", "tcm.contact", 1)))
    _open(tasks)


def _ended(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    """Ten weeks of finished work, so that the boards have a past. In bulk, with its history rows."""
    tasks, intervals, changes = [], [], []
    coordinated = [p for p in patients.values() if p.coordinator_id]
    people: dict[Any, User] = {user.pk: user for user in clinic.users.values()}
    for week in range(WEEKS_OF_HISTORY):
        for _each in range(rng.randint(38, 52)):
            patient = rng.choice(coordinated)
            owner = people[patient.coordinator_id]
            kind, program, title, reason = rng.choice(dana.OTHERS)
            back, hours = week * 7 + rng.randint(1, 6), rng.randint(0, 7)
            ended, opened = clinic.ago(back, hours), clinic.ago(back + rng.randint(0, 9), hours + 2)
            done = rng.random() < 0.92
            task = _task(
                clinic,
                patient,
                owner,
                kind=kind,
                program=program,
                title=title,
                reason=reason,
                checklist=[],
                status="completed" if done else "cancelled",
                opened_at=opened,
                ended_at=ended,
                due_at=opened + timedelta(days=5),
                outcome="Done" if done else "",
                close_reason="" if done else "no_longer_needed",
            )
            tasks.append(task)
            intervals.append(TaskInterval(task=task, opened_at=opened, closed_at=ended))
            changes.append(
                TaskChange(record=task, step="create", to_status="ready", at=opened, by_system=DEMO.name)
            )
            changes.append(
                TaskChange(
                    record=task,
                    step="complete" if done else "cancel",
                    from_status="ready",
                    to_status=task.status,
                    at=ended,
                    by=owner,
                    reason="" if done else "No longer needed",
                )
            )
    Task.objects.bulk_create(tasks, batch_size=500)
    TaskInterval.objects.bulk_create(intervals, batch_size=500)
    TaskChange.objects.bulk_create(changes, batch_size=500)


# --- contacts -------------------------------------------------------------------------------------------


def _attempt(patient: Patient, by: User, outcome: str, at: datetime, **fields: Any) -> ContactAttempt:
    reached = outcome in REACHED
    return ContactAttempt(patient=patient, created_by=by, outcome=outcome, reached=reached, at=at, **fields)


def _contact(clinic: Clinic, patient: Patient, by: User, outcome: str, at: datetime) -> None:
    _attempt(patient, by, outcome, at).save(force_insert=True)


def _contacts(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    """Everybody was called now and then; most within the time of their tier."""
    people: dict[Any, User] = {user.pk: user for user in clinic.users.values()}
    rows = []
    for patient in patients.values():
        by = people.get(patient.coordinator_id)
        if by is None:
            continue
        every = CONTACT_EVERY_DAYS[patient.tier]
        days = rng.uniform(0.2, 1.08) * every
        for _each in range(rng.randint(1, 4)):
            hours = rng.randint(0, 6)
            at = clinic.ago(days, hours)
            rows.append(
                _attempt(patient, by, "reached_done", at, minutes=rng.randint(4, 22), note="Doing well.")
            )
            if rng.random() < 0.4:
                outcome = rng.choice(("no_answer", "left_message", "busy"))
                rows.append(_attempt(patient, by, outcome, clinic.ago(days + 1, hours)))
            days += every * rng.uniform(0.7, 1.1)
    ContactAttempt.objects.bulk_create(rows, batch_size=500)
