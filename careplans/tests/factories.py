"""Plain functions that make plans and tasks for tests and the demo."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from careplans.models import (
    Bundle,
    BundleItem,
    CarePlan,
    CloseReason,
    Effect,
    EscalationPoint,
    Goal,
    Intervention,
    StartedBundle,
    Task,
    TaskInterval,
    TaskKind,
)
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
    fields.setdefault("position", 100 + each % 1000)
    return CloseReason.objects.create(label=label or f"Reason {each}", **fields)


def make_escalation_point(**fields: Any) -> EscalationPoint:
    """One for each call: no two set points are alike."""
    each = next(number)
    kind = TaskKind.values[each // 20 % len(TaskKind.values)]
    fields = {"kind": kind, "days": each % 20 + 1, "effect": Effect.INFORM} | fields
    return EscalationPoint.objects.create(**fields)


def make_bundle(name: str = "", *, items: int = 1, **fields: Any) -> Bundle:
    """A bundle whose tasks are due 1, 2, 3... business days after a discharge."""
    bundle = Bundle.objects.create(
        name=name or f"Bundle {next(number)}", **{"anchor": "Discharge", "program": "TCM"} | fields
    )
    for each in range(1, items + 1):
        make_bundle_item(bundle, title=f"Call number {each}", days=each)
    return bundle


def make_bundle_item(bundle: Bundle, **fields: Any) -> BundleItem:
    fields = {
        "position": bundle.items.count() + 1,
        "title": "Call",
        "kind": "outreach_call",
        "days": 1,
    } | fields
    return BundleItem.objects.create(bundle=bundle, **fields)


def make_started_bundle(
    patient: Patient | None = None, bundle: Bundle | None = None, **fields: Any
) -> StartedBundle:
    bundle = bundle or make_bundle()
    fields = {
        "name": bundle.name,
        "anchor_on": timezone.localdate(),
        "start_key": f"start {next(number)}",
    } | fields
    return StartedBundle.objects.create(patient=patient or make_patient(), bundle=bundle, **fields)
