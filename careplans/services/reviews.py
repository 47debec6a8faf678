"""Overdue plan reviews become tasks, once for each review date."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from careplans import rules
from careplans.checklists import checklist_for
from careplans.models import CarePlan, Task, TaskKind
from careplans.selectors import reviews_without_task
from careplans.services.opening import default_owner, first_status, open_all
from coordinator.accounts.models import Site, Team
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor, person

CHUNK = 500


def open_overdue_review_tasks(*, on: date, by: Actor, now: datetime, site: Site | None = None) -> list[Task]:
    """Open one task for every active plan (of `site`) whose review date is before `on`, and return the new ones.

    Run again it opens nothing: a review date makes one task, whichever way that ended. Each chunk of 500 plans is
    one transaction; a killed run is finished by the next one.
    """
    opened: list[Task] = []
    teams: dict[UUID, Team] = {}
    while True:
        made, seen = _open_chunk(on, by, now, teams, site)
        opened += made
        if seen < CHUNK or not made:
            return opened


@transaction.atomic
def _open_chunk(
    on: date, by: Actor, now: datetime, teams: dict[UUID, Team], site: Site | None
) -> tuple[list[Task], int]:
    waiting = reviews_without_task(on)
    plans = list((waiting.filter(patient__site=site) if site else waiting)[:CHUNK])
    tasks = [_review_task(plan, on, by, now, teams) for plan in plans]
    return open_all(tasks, by=by, now=now), len(plans)


def review_key(plan: CarePlan) -> str:
    """Cause kind, cause and occurrence, as `reviews_without_task` writes it in SQL."""
    return f"plan_review:{plan.pk}:{plan.next_review_on}"


@in_clinic_language
def _review_task(plan: CarePlan, on: date, by: Actor, now: datetime, teams: dict[UUID, Team]) -> Task:
    patient = plan.patient
    owner, team = default_owner(patient, patient.site, teams)
    words = {"plan": plan.title, "day": day(plan.next_review_on)}
    return Task(
        created_by=person(by),
        patient=patient,
        site=patient.site,
        kind=TaskKind.PLAN_REVIEW,
        title=_("Review the care plan"),
        reason=(_("%(plan)s: review was due %(day)s") % words)[:500],
        next_step=_("Go through goals and actions, set the next review"),
        program=plan.program,
        status=first_status(owner, by),
        owner=owner,
        team=team,
        due_at=rules.end_of_day(on, patient.site.zone),
        opened_at=now,
        checklist=checklist_for(TaskKind.PLAN_REVIEW),
        dedupe_key=review_key(plan),
        cause_type="careplans.careplan",
        cause_id=plan.pk,
    )
