"""What tasks do when something below them moves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from careplans import services
from careplans.models import Task
from careplans.workflow import OPEN
from coordinator.clocks.models import Clock
from coordinator.workflow import Actor, moved
from patients.models import Patient, ProviderUpdate
from patients.workflow import LEAVING

MOVES_THE_DEADLINE = ("extend", "resume", "void", "change_rule")


@receiver(moved, sender=Clock, dispatch_uid="careplans.clock_moved")
def clock_moved(record: Clock, step: str, by: Actor, now: datetime, **kwargs: Any) -> None:
    """A deadline was extended, resumed, voided or counted by another rule: its tasks follow."""
    if step in MOVES_THE_DEADLINE:
        services.follow_clock(clock=record, by=by, now=now)


@receiver(moved, sender=ProviderUpdate, dispatch_uid="careplans.provider_update_moved")
def provider_update_moved(record: ProviderUpdate, by: Actor, now: datetime, **kwargs: Any) -> None:
    """Something was asked, answered, read or taken back: the to-dos of both sides follow."""
    services.follow_update(update=record, by=by, now=now)


@receiver(moved, sender=Patient, dispatch_uid="careplans.patient_moved")
def patient_moved(record: Patient, step: str, change: Any, by: Actor, now: datetime, **_rest: Any) -> None:
    """Who died or left needs no more calls; who is back finds everything as it was."""
    if step in LEAVING:
        services.settle_work(patient=record, change=change, by=by, now=now)
    elif step == "reactivate":
        services.take_up_work(patient=record, by=by, now=now)


@receiver(moved, sender=Task, dispatch_uid="careplans.task_moved")
def task_moved(record: Task, by: Actor, now: datetime, **_rest: Any) -> None:
    """An escalated task has ended: the notice about it goes from the manager's list."""
    if record.escalated_at is not None and record.status not in OPEN:
        services.settle_escalation(task=record, by=by, now=now)
