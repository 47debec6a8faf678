"""The no-show list: visits of a day that were missed or that nobody marked, and what is being done about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from careplans.models import Task, TaskKind
from coordinator.accounts.models import Site
from patients.safe_contact import with_safety
from scheduling.models import Appointment
from scheduling.rules.local_time import day_bounds
from scheduling.selectors.appointments import Actions, actions, phones
from scheduling.workflow import WITHOUT_OUTCOME, Status

MISSED, TO_MARK, REBOOKED = "missed", "to_mark", "rebooked"


@dataclass(frozen=True)
class Row:
    """One visit: what happened, its open follow-up, the visit that replaced it, what this person may do now."""

    visit: Appointment
    state: str
    possible: Actions
    task: Task | None = None


def missed_on(user: Any, site: Site, day: date, now: datetime) -> list[Row]:
    """By time: missed, booked anew after being missed, and over without an outcome. Four queries."""
    start, end = day_bounds(day, site.zone)
    was_missed = Q(status=Status.RESCHEDULED, changes__from_status=Status.NO_SHOW, changes__step="reschedule")
    found = (
        Appointment.objects.visible_to(user)
        .filter(site=site)
        .between(start, min(end, now))
        .filter(Q(status__in=(Status.NO_SHOW, *WITHOUT_OUTCOME)) | was_missed)
        .select_related("patient", "service", "practitioner", "site", "replaced_by")
        .prefetch_related(phones())
        .order_by("start", "pk")
        .distinct()
    )
    visits = list(found)
    with_safety(visit.patient for visit in visits)
    tasks = _follow_ups(user, visits)
    return [
        Row(visit, _state(visit), actions(user, visit, now=now, cancelled_at=None), tasks.get(visit.pk))
        for visit in visits
    ]


def _state(visit: Appointment) -> str:
    states = {Status.NO_SHOW: MISSED, Status.RESCHEDULED: REBOOKED}
    return states.get(Status(visit.status), TO_MARK)


def _follow_ups(user: Any, visits: Sequence[Appointment]) -> dict[UUID, Task]:
    found = (
        Task.objects.visible_to(user)
        .open()
        .filter(kind=TaskKind.NO_SHOW_FOLLOW_UP, cause_id__in=[visit.pk for visit in visits])
    )
    return {task.cause_id: task for task in found.select_related("owner", "team", "clock") if task.cause_id}
