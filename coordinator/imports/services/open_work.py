"""Imported work that stays open: it gets an owner, a next step and a date like any other."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from careplans.models import Task, TaskInterval
from careplans.workflow import ENDED
from coordinator.accounts.models import Site
from coordinator.db import refusals
from coordinator.fhir.problems import Unreadable
from coordinator.workflow import Actor, begin
from patients.models import Patient
from referrals.services import import_referral
from scheduling.models import Appointment, Service


def _team(site: Site) -> Any:
    team = site.teams.first()
    if team is None:
        raise Unreadable(f"{site.name} has no team to own imported work: make one first")
    return team


def save_referral(*, pk: UUID, columns: dict[str, Any], site: Site, by: Actor, now: datetime) -> None:
    """A ServiceRequest as a referral in the state it says."""
    patient = Patient.objects.select_related("site", "coordinator").get(pk=columns.pop("patient_id"))
    import_referral(pk=pk, patient=patient, team=_team(site), by=by, now=now, **columns)


def save_task(*, pk: UUID, columns: dict[str, Any], site: Site, by: Actor, now: datetime) -> None:
    """A FHIR Task as ours. Held ones are ready again: the file does not say when they wake."""
    status = columns.pop("status")
    ended = status in ENDED
    with refusals(), transaction.atomic():
        task = Task(
            pk=pk,
            site=site,
            team=_team(site),
            status="ready" if status == "on_hold" else status,
            next_step=columns["title"][:200],
            **{
                **columns,
                "opened_at": columns["opened_at"] or now,
                "ended_at": (columns["ended_at"] or now) if ended else None,
            },
        )
        task.save(force_insert=True)
        closed = task.ended_at if ended else None
        TaskInterval.objects.create(task=task, opened_at=task.opened_at, closed_at=closed)
        begin(task, by=by, now=now, step="import")


def save_appointment(*, pk: UUID, columns: dict[str, Any], site: Site, by: Actor, now: datetime) -> None:
    """A FHIR Appointment as ours; the same exclusion constraints decide as for a booking."""
    minutes = max(5, min(600, int((columns["end"] - columns["start"]).total_seconds() // 60)))
    name = columns.pop("service_name")[:120]
    service, _made = Service.objects.get_or_create(name=name, defaults={"minutes": minutes})
    with refusals(), transaction.atomic():
        visit = Appointment(
            pk=pk,
            site=site,
            zone=site.zone,
            service=service,
            **{**columns, "booked_at": columns["booked_at"] or now},
        )
        visit.save(force_insert=True)
        begin(visit, by=by, now=now, step="import")
