"""What happens below and matters to the night's work. Receives `moved`, calls a service, nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from coordinator.dashboard.past_visits import close_outcome_task
from coordinator.workflow import Actor, moved
from referrals.services.estimates import estimate_for_visit, pays_themselves, visit_off
from scheduling.models import Appointment
from scheduling.rules.local_time import local_day
from scheduling.workflow import UPCOMING, WITHOUT_OUTCOME


@receiver(moved, sender=Appointment, dispatch_uid="dashboard.outcome_of_visit")
def visit_moved(record: Appointment, now: datetime, by: Actor, **_rest: Any) -> None:
    """A visit that was over without an outcome has one now."""
    if record.status not in WITHOUT_OUTCOME and record.end < now:
        close_outcome_task(visit=record, by=by, now=now)


@receiver(moved, sender=Appointment, dispatch_uid="dashboard.estimate_of_visit")
def visit_booked_or_off(record: Appointment, step: str, now: datetime, by: Actor, **_rest: Any) -> None:
    """Who pays themselves gets a good-faith estimate once a visit is booked; a visit that is off needs none."""
    if record.status in UPCOMING and step in ("create", "book", "offer", "confirm"):
        visit_on = local_day(record.start, record.zone)
        if pays_themselves(record.patient_id, visit_on):
            estimate_for_visit(
                patient=record.patient, visit_id=record.pk, service=record.service.name, visit_on=visit_on,
                by=by, now=now,
            )  # fmt: skip
    elif step in ("cancel", "reschedule", "enter_in_error"):
        visit_off(visit_id=record.pk, by=by, now=now)
