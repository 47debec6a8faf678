"""Care plans: draft, start with everything a plan needs, review, hold, end."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import CarePlan
from careplans.permissions import check_can_edit_plan
from careplans.selectors import missing_for_activation
from careplans.services.goals import open_action_tasks
from careplans.services.tasks import close_tasks_caused_by
from careplans.workflow import PlanStatus
from coordinator.db import Conflict, lock, refusals
from coordinator.workflow import Actor, NotAllowed, System, begin, move, person, record_edit
from patients.models import Patient, opened_to

EDITABLE = ("title", "description", "program", "next_review_on", "agreed_on", "agreed_with")


@transaction.atomic
def create_plan(
    *,
    patient: Patient,
    title: str,
    by: Actor,
    now: datetime,
    program: str = "",
    description: str = "",
    next_review_on: date | None = None,
    agreed_on: date | None = None,
    agreed_with: str = "",
    problem_ids: list[UUID] | None = None,
) -> CarePlan:
    """A draft, written by `by`. It becomes the plan with `activate_plan`. Raises PermissionDenied, ValidationError."""
    plan = CarePlan(
        created_by=person(by),
        patient=patient,
        title=title,
        program=program,
        description=description,
        next_review_on=next_review_on,
        agreed_on=agreed_on,
        agreed_with=agreed_with,
        author=person(by),
    )
    check_can_edit_plan(by, plan)
    if not title.strip():
        raise ValidationError({"title": _("Give the plan a name.")})
    plan.save(force_insert=True)
    _set_problems(plan, problem_ids or [], by)
    begin(plan, by=by, now=now)
    return plan


def _set_problems(plan: CarePlan, problem_ids: list[UUID], by: Actor) -> None:
    """What the person chose, and what the plan addresses already without their being shown it."""
    withheld = [] if isinstance(by, System) else list(plan.problems.exclude(opened_to(by)))
    own = list(plan.patient.problems.filter(pk__in=problem_ids))
    if len(own) != len(set(problem_ids)):
        raise ValidationError({"problems": _("That belongs to another patient.")})
    plan.problems.set([*own, *withheld])


def lock_plan(plan_id: UUID, by: Actor) -> CarePlan:
    """The plan, locked, for somebody who may change it."""
    with refusals():
        plan = lock(CarePlan.objects.select_related("patient__site", "author"), plan_id)
    check_can_edit_plan(by, plan)
    return plan


@transaction.atomic
def edit_plan(
    *,
    plan_id: UUID,
    version: int,
    by: Actor,
    now: datetime,
    problem_ids: list[UUID] | None = None,
    **changes: Any,
) -> CarePlan:
    """Change what a plan says (EDITABLE, and its problems). Raises Conflict when somebody saved since `version`."""
    plan = lock_plan(plan_id, by)
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise ValueError(f"Not editable: {sorted(unknown)}.")
    changed = {name: value for name, value in changes.items() if value != getattr(plan, name)}
    if version != plan.version:
        raise Conflict(
            _(
                "Somebody saved this plan after you opened it. Open it in another tab, compare, and change it there."
            ),
            fields=sorted(changed),
        )
    for name, value in changed.items():
        setattr(plan, name, value)
    plan.version += 1
    with refusals(plan_one_active_per_program=_("The patient has another active plan for that program.")):
        plan.save()
    if problem_ids is not None:
        _set_problems(plan, problem_ids, by)
    record_edit(plan, "edit", by=by, now=now, fields=sorted(changed))
    return plan


@transaction.atomic
def activate_plan(*, plan_id: UUID, by: Actor, now: datetime) -> CarePlan:
    """Start a draft. The active plan of the same program ends as superseded; actions with a person and a date become tasks.

    Raises NotAllowed with a sentence that names what is missing.
    """
    plan = lock_plan(plan_id, by)
    missing = missing_for_activation(plan)
    if missing and plan.status == PlanStatus.DRAFT:
        raise NotAllowed(_("Before this plan can start it needs: %(what)s.") % {"what": ", ".join(missing)})
    facts: dict[str, Any] = {"starts_on": now.astimezone(plan.patient.site.tzinfo).date()}
    earlier = CarePlan.objects.filter(
        patient=plan.patient_id, program=plan.program, status=PlanStatus.ACTIVE, is_imported=False
    ).exclude(pk=plan.pk)
    for pk in earlier.values_list("pk", flat=True):
        old = lock(CarePlan.objects, pk)
        move(old, "complete", by=by, now=now, reason=_("Superseded by a new version"))
        close_tasks_caused_by(cause=old, by=by, now=now, outcome=_("A new version of the plan"))
        facts |= {"replaces": old, "plan_version": old.plan_version + 1}
    with refusals(plan_one_active_per_program=_("Somebody else has just started a plan for this program.")):
        move(plan, "activate", by=by, now=now, **facts)
    open_action_tasks(plan, by=by, now=now)
    return plan


@transaction.atomic
def hold_plan(*, plan_id: UUID, reason: str, by: Actor, now: datetime) -> CarePlan:
    plan = lock_plan(plan_id, by)
    move(plan, "hold", by=by, now=now, reason=reason)
    return plan


@transaction.atomic
def resume_plan(*, plan_id: UUID, by: Actor, now: datetime) -> CarePlan:
    plan = lock_plan(plan_id, by)
    with refusals(plan_one_active_per_program=_("The patient has another active plan for that program.")):
        move(plan, "resume", by=by, now=now)
    return plan


@transaction.atomic
def complete_plan(*, plan_id: UUID, by: Actor, now: datetime, reason: str = "") -> CarePlan:
    """The plan has done its work; its open review tasks close with it."""
    plan = lock_plan(plan_id, by)
    move(plan, "complete", by=by, now=now, reason=reason, ends_on=today_of(plan, now))
    close_tasks_caused_by(cause=plan, by=by, now=now, outcome=_("The plan is completed"))
    return plan


@transaction.atomic
def reinstate_plan(*, plan_id: UUID, reason: str, by: Actor, now: datetime) -> CarePlan:
    """It was revoked by mistake, or what ended it is over: active again. Raises Conflict for a second active plan."""
    plan = lock_plan(plan_id, by)
    with refusals(plan_one_active_per_program=_("The patient has another active plan for that program.")):
        move(plan, "reinstate", by=by, now=now, reason=reason, ends_on=None)
    return plan


@transaction.atomic
def revoke_plan(*, plan_id: UUID, reason: str, by: Actor, now: datetime) -> CarePlan:
    """The plan no longer applies; its open review tasks close with it."""
    plan = lock_plan(plan_id, by)
    move(plan, "revoke", by=by, now=now, reason=reason, ends_on=today_of(plan, now))
    close_tasks_caused_by(cause=plan, by=by, now=now, outcome=_("The plan was revoked"))
    return plan


@transaction.atomic
def enter_plan_in_error(*, plan_id: UUID, reason: str, by: Actor, now: datetime) -> CarePlan:
    """It should never have been made. It stays readable with its reason; its open tasks close with it."""
    plan = lock_plan(plan_id, by)
    move(plan, "enter_in_error", by=by, now=now, reason=reason)
    close_tasks_caused_by(cause=plan, by=by, now=now, outcome=_("The plan was entered in error"))
    return plan


def today_of(plan: CarePlan, now: datetime) -> date:
    """Today at the patient's place; not before the plan began."""
    today = now.astimezone(plan.patient.site.tzinfo).date()
    return max(today, plan.starts_on) if plan.starts_on else today


@transaction.atomic
def review_plan(*, plan_id: UUID, next_review_on: date, note: str, by: Actor, now: datetime) -> CarePlan:
    """Record a review: what came of it and when the next one is. Its review tasks are done with it."""
    plan = lock_plan(plan_id, by)
    if plan.status != PlanStatus.ACTIVE:
        raise NotAllowed(_("Only an active plan is reviewed."))
    if next_review_on <= now.astimezone(plan.patient.site.tzinfo).date():
        raise ValidationError({"next_review_on": _("The next review is after today.")})
    if not note.strip():
        raise ValidationError({"note": _("Say in a few words what came of the review.")})
    plan.next_review_on = next_review_on
    plan.version += 1
    plan.save()
    record_edit(plan, "review", by=by, now=now, reason=note, next_review_on=next_review_on)
    close_tasks_caused_by(cause=plan, by=by, now=now, outcome=_("Reviewed"))
    return plan
