"""Goals and actions of a plan, and the tasks that actions become."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans import rules
from careplans.models import CarePlan, Goal, GoalMeasurement, Intervention
from careplans.permissions import check_can_edit_plan
from careplans.services.opening import check_assignee, open_task
from careplans.services.tasks import close_tasks_caused_by
from careplans.workflow import PlanStatus
from coordinator.accounts.models import Team, User
from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, begin, move, person

ENDED_ACTION = ("finish", "record_not_done", "cancel", "enter_in_error")


@transaction.atomic
def add_goal(
    *,
    plan: CarePlan,
    description: str,
    by: Actor,
    now: datetime,
    patient_words: str = "",
    target_measure: str = "",
    target_low: Decimal | None = None,
    target_high: Decimal | None = None,
    target_unit: str = "",
    starts_on: date | None = None,
    due_on: date | None = None,
    expressed_by: str = "",
) -> Goal:
    """A proposed goal; `patient_words` is how the patient says it. Raises PermissionDenied, ValidationError."""
    check_can_edit_plan(by, plan)
    if not description.strip():
        raise ValidationError({"description": _("Say what the goal is.")})
    if target_low is not None and target_high is not None and target_low > target_high:
        raise ValidationError({"target_high": _("The upper end of the target is below the lower end.")})
    goal = Goal.objects.create(
        created_by=person(by),
        patient=plan.patient,
        plan=plan,
        description=description,
        patient_words=patient_words,
        target_measure=target_measure,
        target_low=target_low,
        target_high=target_high,
        target_unit=target_unit,
        starts_on=starts_on,
        due_on=due_on,
        expressed_by=expressed_by,
    )
    begin(goal, by=by, now=now)
    return goal


@transaction.atomic
def step_goal(
    *,
    goal_id: UUID,
    step: str,
    by: Actor,
    now: datetime,
    reason: str = "",
    achievement_status: str = "",
    achieved_on: date | None = None,
) -> Goal:
    """Take one step of the goal's workflow; completing says how it ended and when."""
    goal = lock(Goal.objects.select_related("plan__patient", "patient"), goal_id)
    check_can_edit_plan(by, goal)
    given: dict[str, Any] = {"achievement_status": achievement_status, "achieved_on": achieved_on}
    facts = {name: value for name, value in given.items() if value}
    if step == "reopen":
        facts = {"achieved_on": None}
    move(goal, step, by=by, now=now, reason=reason, **facts)
    return goal


@transaction.atomic
def measure_goal(
    *, goal_id: UUID, measured_on: date, value: Decimal, by: Actor, now: datetime, unit: str = ""
) -> GoalMeasurement:
    """One value against the goal on a day that is not to come."""
    goal = lock(Goal.objects.select_related("patient__site"), goal_id)
    check_can_edit_plan(by, goal)
    if measured_on > now.astimezone(goal.patient.site.tzinfo).date():
        raise ValidationError({"measured_on": _("A measurement cannot be in the future.")})
    row = GoalMeasurement.objects.create(
        created_by=person(by), goal=goal, measured_on=measured_on, value=value, unit=unit or goal.target_unit
    )
    audit.record_change(goal, "measure", by=by)
    return row


@transaction.atomic
def add_intervention(
    *,
    plan: CarePlan,
    description: str,
    by: Actor,
    now: datetime,
    goal: Goal | None = None,
    responsible: User | None = None,
    responsible_team: Team | None = None,
    responsible_name: str = "",
    due_on: date | None = None,
    frequency: str = "",
) -> Intervention:
    """An action: always with somebody responsible, and a date or how often. In an active plan it becomes a task."""
    check_can_edit_plan(by, plan)
    if not description.strip():
        raise ValidationError({"description": _("Say what will be done.")})
    if not (responsible or responsible_team or responsible_name.strip()):
        raise ValidationError({"responsible_name": _("Say who does it.")})
    if due_on is None and not frequency.strip():
        raise ValidationError({"due_on": _("Give a date, or say how often.")})
    if goal is not None and goal.plan_id != plan.pk:
        raise ValidationError({"goal": _("That goal belongs to another plan.")})
    if responsible is not None:
        check_assignee(responsible, plan.patient.site)
    action = Intervention.objects.create(
        created_by=person(by),
        patient=plan.patient,
        plan=plan,
        goal=goal,
        description=description,
        responsible=responsible,
        responsible_team=responsible_team,
        responsible_name=responsible_name,
        due_on=due_on,
        frequency=frequency,
    )
    begin(action, by=by, now=now)
    if plan.status == PlanStatus.ACTIVE:
        _open_action_task(action, plan, by=by, now=now)
    return action


@transaction.atomic
def step_intervention(
    *, intervention_id: UUID, step: str, by: Actor, now: datetime, reason: str = ""
) -> Intervention:
    """Take one step of the action's workflow; its open task ends with it."""
    action = lock(Intervention.objects.select_related("plan", "patient"), intervention_id)
    check_can_edit_plan(by, action)
    move(action, step, by=by, now=now, reason=reason)
    if step in ENDED_ACTION:
        words = str(action.get_status_display())
        close_tasks_caused_by(cause=action, by=by, now=now, outcome=words)
    return action


def open_action_tasks(plan: CarePlan, *, by: Actor, now: datetime) -> None:
    """Tasks for the actions of a plan that has just become active."""
    for action in plan.interventions.filter(status__in=("planned", "in_progress")):
        _open_action_task(action, plan, by=by, now=now)


@in_clinic_language
def _open_action_task(action: Intervention, plan: CarePlan, *, by: Actor, now: datetime) -> None:
    """What the patient or an outside person does is followed in the plan; ours with a date is work on a list."""
    if action.due_on is None or not (action.responsible_id or action.responsible_team_id):
        return
    site = plan.patient.site
    words: dict[str, Any] = {"plan": plan.title}
    open_task(
        patient=plan.patient,
        site=site,
        kind="other",
        title=action.description[:200],
        reason=_("Action of the care plan: %(plan)s") % words,
        owner=action.responsible,
        team=action.responsible_team if action.responsible_id is None else None,
        program=plan.program,
        due_at=rules.end_of_day(action.due_on, site.zone),
        dedupe_key=f"intervention:{action.pk}",
        cause=action,
        by=by,
        now=now,
    )
