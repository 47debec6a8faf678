"""What happens below and matters to the night's work. Receives `moved`, calls a service, nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from coordinator.dashboard.past_visits import close_outcome_task
from coordinator.workflow import Actor, moved
from scheduling.models import Appointment
from scheduling.workflow import WITHOUT_OUTCOME


@receiver(moved, sender=Appointment, dispatch_uid="dashboard.outcome_of_visit")
def visit_moved(record: Appointment, now: datetime, by: Actor, **_rest: Any) -> None:
    """A visit that was over without an outcome has one now."""
    if record.status not in WITHOUT_OUTCOME and record.end < now:
        close_outcome_task(visit=record, by=by, now=now)
