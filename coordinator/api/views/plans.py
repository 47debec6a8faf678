"""Care plans, their goals and their actions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse

from careplans import services
from careplans.models import CarePlan, Goal, Intervention
from coordinator.api.base import ApiView, ListView, versioned
from coordinator.api.fields import row
from coordinator.api.idempotency import once
from coordinator.api.matching import conditional
from coordinator.api.serializers import plans as shapes
from coordinator.api.serializers.patients import NoInput, WithReason
from coordinator.api.steps import ApiStep, StepBook, StepView, documented
from coordinator.http import get_visible_or_404
from patients.models import Problem


class PlanView(ApiView):
    access_rule = "api:plans"
    resource = "plans"


class PlanList(PlanView, ListView):
    filters = shapes.PlanFilters
    lookups = {
        "patient": "patient",
        "status": "status__in",
        "program": "program",
        "updated_since": "updated_at__gte",
    }

    def visible(self, request: Any) -> QuerySet[CarePlan]:
        return shown(CarePlan.objects.visible_to(request.user))

    def rows(self, visible: QuerySet[CarePlan], given: dict[str, Any]) -> QuerySet[Any]:
        visible = self.narrowed(visible, given)
        if "review_before" in given:
            visible = visible.filter(status="active", next_review_on__lt=given["review_before"])
        return visible.values(*shapes.ROW)

    @extend_schema(operation_id="care_plans_list", responses=shapes.PlanRow(many=True))
    def get(self, request: Any) -> Response:
        """Care plans of the client's patients, newest first."""
        return self.listed()

    @extend_schema(
        operation_id="care_plans_create", request=shapes.PlanWrite, responses={201: shapes.PlanDetail}
    )
    @once
    def post(self, request: Any) -> Response:
        """Write a draft. Add goals and interventions, then take the step `activate`."""
        given = self.body(shapes.PlanWrite)
        plan = services.create_plan(
            problem_ids=given.pop("problems", None), by=request.user, now=timezone.now(), **given
        )
        return versioned(detail(request, plan.pk), 201, reverse("api:care_plan", [plan.pk], request=request))


class PlanDetail(PlanView):
    @extend_schema(operation_id="care_plans_read", responses=shapes.PlanDetail)
    def get(self, request: Any, pk: UUID) -> Response:
        """One plan with its goals and interventions."""
        return versioned(detail(request, pk))

    @extend_schema(operation_id="care_plans_change", request=shapes.PlanChange, responses=shapes.PlanDetail)
    @once
    @conditional
    def patch(self, request: Any, pk: UUID) -> Response:
        """Change what the plan says. Its status changes by steps."""
        plan = self.locked(shown(CarePlan.objects.visible_to(request.user)), pk)
        given = self.body(shapes.PlanChange, partial=True)
        services.edit_plan(
            plan_id=pk,
            version=plan.version,
            problem_ids=given.pop("problems", None),
            by=request.user,
            now=timezone.now(),
            **given,
        )
        return versioned(detail(request, pk))


class GoalList(PlanView):
    @extend_schema(operation_id="goals_create", request=shapes.GoalWrite, responses={201: shapes.GoalShape})
    @once
    def post(self, request: Any, pk: UUID) -> Response:
        """Add a goal, proposed at first."""
        plan = get_visible_or_404(CarePlan.objects.select_related("patient__site"), request.user, pk=pk)
        given = self.body(shapes.GoalWrite)
        goal = services.add_goal(plan=plan, by=request.user, now=timezone.now(), **given)
        return versioned(goal_detail(request, goal.pk), 201, reverse("api:goal", [goal.pk], request=request))


class ActionList(PlanView):
    @extend_schema(
        operation_id="interventions_create", request=shapes.ActionWrite, responses={201: shapes.ActionShape}
    )
    @once
    def post(self, request: Any, pk: UUID) -> Response:
        """Add an action with somebody responsible, and a date or how often. In an active plan it becomes a task."""
        plan = get_visible_or_404(CarePlan.objects.select_related("patient__site"), request.user, pk=pk)
        given = self.body(shapes.ActionWrite)
        action = services.add_intervention(plan=plan, by=request.user, now=timezone.now(), **given)
        where = reverse("api:intervention", [action.pk], request=request)
        return versioned(action_detail(request, action.pk), 201, where)


class GoalDetail(PlanView):
    @extend_schema(operation_id="goals_read", responses=shapes.GoalShape)
    def get(self, request: Any, pk: UUID) -> Response:
        """One goal."""
        return versioned(goal_detail(request, pk))


class ActionDetail(PlanView):
    @extend_schema(operation_id="interventions_read", responses=shapes.ActionShape)
    def get(self, request: Any, pk: UUID) -> Response:
        """One action of a plan."""
        return versioned(action_detail(request, pk))


class MeasurementList(PlanView):
    @extend_schema(
        operation_id="measurements_create",
        request=shapes.MeasurementWrite,
        responses={201: shapes.MeasurementShape},
    )
    @once
    def post(self, request: Any, pk: UUID) -> Response:
        """Add one measured value to a goal."""
        get_visible_or_404(Goal.objects.only("id"), request.user, pk=pk)
        given = self.body(shapes.MeasurementWrite)
        made = services.measure_goal(goal_id=pk, by=request.user, now=timezone.now(), **given)
        return Response(row(made, shapes.MEASUREMENT), status=201)


def goal_step(name: str) -> Any:
    return lambda **call: services.step_goal(step=name, **call)


def action_step(name: str) -> Any:
    return lambda **call: services.step_intervention(step=name, **call)


PLAN_STEPS = StepBook(
    "CarePlan",
    "plan_id",
    CarePlan.workflow,
    {
        "activate": ApiStep(NoInput, services.activate_plan),
        "review": ApiStep(shapes.Reviewed, services.review_plan, ("hold",)),
        "hold": ApiStep(WithReason, services.hold_plan),
        "resume": ApiStep(NoInput, services.resume_plan),
        "complete": ApiStep(shapes.OptionalReason, services.complete_plan),
        "revoke": ApiStep(WithReason, services.revoke_plan),
    },
)
GOAL_ASKS: dict[str, Any] = {
    "plan": NoInput, "accept": NoInput, "reject": WithReason, "activate": NoInput, "hold": WithReason,
    "resume": NoInput, "complete": shapes.GoalCompleted, "reopen": WithReason, "cancel": WithReason,
    "enter_in_error": WithReason,
}  # fmt: skip
GOAL_STEPS = StepBook(
    "Goal",
    "goal_id",
    Goal.workflow,
    {name: ApiStep(asks, goal_step(name)) for name, asks in GOAL_ASKS.items()},
)
ACTION_ASKS: dict[str, Any] = {
    "start": NoInput, "finish": shapes.OptionalReason, "record_not_done": WithReason, "cancel": WithReason,
    "reopen": WithReason, "enter_in_error": WithReason,
}  # fmt: skip
ACTION_STEPS = StepBook(
    "Intervention",
    "intervention_id",
    Intervention.workflow,
    {name: ApiStep(asks, action_step(name)) for name, asks in ACTION_ASKS.items()},
)


@documented("care_plans", shapes.PlanDetail, "Start, review, hold, resume, complete or revoke a plan.")
class PlanSteps(PlanView, StepView):
    book = PLAN_STEPS

    def visible(self) -> QuerySet[Any]:
        return shown(CarePlan.objects.visible_to(self.request.user))

    def detail(self, pk: UUID) -> dict[str, Any]:
        return detail(self.request, pk)


@documented("goals", shapes.GoalShape, "Take a step with a goal. Completing says how it ended and when.")
class GoalSteps(PlanView, StepView):
    book = GOAL_STEPS

    def visible(self) -> QuerySet[Any]:
        return shown(Goal.objects.visible_to(self.request.user))

    def detail(self, pk: UUID) -> dict[str, Any]:
        return goal_detail(self.request, pk)


@documented("interventions", shapes.ActionShape, "Take a step with an action. Its open task ends with it.")
class ActionSteps(PlanView, StepView):
    book = ACTION_STEPS

    def visible(self) -> QuerySet[Any]:
        return shown(Intervention.objects.visible_to(self.request.user))

    def detail(self, pk: UUID) -> dict[str, Any]:
        return action_detail(self.request, pk)


def shown(records: QuerySet[Any]) -> QuerySet[Any]:
    """Without what was entered in error."""
    return records.exclude(status="entered_in_error")


def detail(request: Any, pk: UUID) -> dict[str, Any]:
    """One visible plan as PlanDetail (four queries). Raises Http404."""
    user = request.user
    plan = shown(CarePlan.objects.visible_to(user)).filter(pk=pk).values(*shapes.ROW).first()
    if plan is None:
        raise Http404
    problems = Problem.objects.visible_to(user).filter(care_plans=pk).order_by("id")
    goals = shown(Goal.objects.visible_to(user)).filter(plan=pk).order_by("id")
    actions = shown(Intervention.objects.visible_to(user)).filter(plan=pk).order_by("id")
    return {
        **plan,
        "problems": list(problems.values_list("id", flat=True)),
        "goals": [with_steps(goal, GOAL_STEPS) for goal in goals.values(*shapes.GOAL)],
        "interventions": [with_steps(action, ACTION_STEPS) for action in actions.values(*shapes.ACTION)],
        "steps": PLAN_STEPS.possible(plan["status"]),
    }


def goal_detail(request: Any, pk: UUID) -> dict[str, Any]:
    return with_steps(one(shown(Goal.objects.visible_to(request.user)), pk, shapes.GOAL), GOAL_STEPS)


def action_detail(request: Any, pk: UUID) -> dict[str, Any]:
    visible = shown(Intervention.objects.visible_to(request.user))
    return with_steps(one(visible, pk, shapes.ACTION), ACTION_STEPS)


def one(records: QuerySet[Any], pk: UUID, names: tuple[str, ...]) -> dict[str, Any]:
    found = records.filter(pk=pk).values(*names).first()
    if found is None:
        raise Http404
    return found


def with_steps(found: dict[str, Any], book: StepBook) -> dict[str, Any]:
    return {**found, "steps": book.possible(found["status"])}
