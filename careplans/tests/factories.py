"""Plain functions that make plans and tasks for tests and the demo."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from careplans.models import CarePlan, CloseReason, Goal, Intervention, Task, TaskInterval
from coordinator.tests.factories import make_user, number
from patients.models import Patient
from patients.tests.factories import make_patient


def make_task(patient: Patient | None = None, **fields: Any) -> Task:
    patient = patient or make_patient()
    fields.setdefault("site", patient.site)
    fields.setdefault("title", "Call about the missed visit")
    fields.setdefault("next_step", "Call the patient")
    fields.setdefault("opened_at", timezone.now())
    if "owner" not in fields and "team" not in fields:
        fields["owner"] = make_user(site=patient.site)
    task = Task.objects.create(patient=patient, **fields)
    TaskInterval.objects.create(task=task, opened_at=task.opened_at)
    return task


def make_plan(patient: Patient | None = None, **fields: Any) -> CarePlan:
    fields.setdefault("title", "Heart failure")
    fields.setdefault("status", "active")
    return CarePlan.objects.create(patient=patient or make_patient(), **fields)


def make_goal(plan: CarePlan, **fields: Any) -> Goal:
    fields.setdefault("description", "Stay out of hospital")
    fields.setdefault("status", "active")
    return Goal.objects.create(patient=plan.patient, plan=plan, **fields)


def make_intervention(goal: Goal, **fields: Any) -> Intervention:
    fields.setdefault("description", "Weigh every morning")
    fields.setdefault("responsible_name", "Patient")
    return Intervention.objects.create(patient=goal.patient, plan=goal.plan, goal=goal, **fields)


def make_close_reason(label: str = "", **fields: Any) -> CloseReason:
    each = next(number)
    fields.setdefault("code", f"reason_{each}")
    fields.setdefault("position", 100 + each)
    return CloseReason.objects.create(label=label or f"Reason {each}", **fields)
