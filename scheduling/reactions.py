"""What a change below means for visits. Receives `moved`, calls a service, nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from careplans.models import Task
from coordinator.workflow import Actor, moved
from patients.models import Patient
from patients.workflow import LEAVING, PatientStatus
from scheduling.services.consequences import follow_task
from scheduling.services.reminders import plan_patient, withdraw_patient
from scheduling.services.standing import settle_visits, take_up_visits
from scheduling.services.waitlist import end_waiting, take_up_waiting


@receiver(moved, sender=Patient, dispatch_uid="scheduling.reminders_of_patient")
def patient_moved(record: Patient, step: str, change: Any, now: datetime, by: Actor, **_rest: Any) -> None:
    """Messages to somebody who died or left are taken back, their visits cancelled or asked about; both come back
    when that is corrected."""
    if step == "create":
        return  # a new patient has no visits yet
    if step in LEAVING:
        settle_visits(patient=record, change=change, by=by, now=now)
        end_waiting(patient=record, change=change, by=by, now=now)
    elif step == "reactivate":
        take_up_visits(patient=record, by=by, now=now)
        take_up_waiting(patient=record, by=by, now=now)
    if record.status == PatientStatus.ACTIVE:
        plan_patient(patient_id=record.pk, now=now, by=by)
    else:
        withdraw_patient(patient_id=record.pk, now=now)


@receiver(moved, sender=Task, dispatch_uid="scheduling.task_moved")
def task_moved(record: Task, step: str, by: Actor, now: datetime, **_rest: Any) -> None:
    """Somebody called about a visit, or need not any more: the date of the call follows."""
    follow_task(task=record, step=step, by=by, now=now)
