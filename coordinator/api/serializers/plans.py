"""Care plans with their goals and actions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from careplans.models import CarePlan, Goal, GoalMeasurement, Intervention
from careplans.workflow import Achievement, PlanStatus
from coordinator.api.fields import (
    Day,
    Filters,
    Instant,
    Several,
    Shape,
    Strict,
    StrictModel,
    Visible,
    VisibleUser,
    words,
)
from coordinator.api.selectors import colleagues, goals, patients, teams

ROW = (
    "id", "patient", "title", "description", "program", "category", "status", "starts_on", "ends_on",
    "next_review_on", "agreed_on", "agreed_with", "plan_version", "replaces", "author", "is_imported", "version",
    "created_at", "updated_at",
)  # fmt: skip
GOAL = (
    "id", "plan", "patient", "description", "patient_words", "status", "achievement_status", "achieved_on",
    "target_measure", "target_low", "target_high", "target_unit", "starts_on", "due_on", "expressed_by", "version",
)  # fmt: skip
ACTION = (
    "id", "plan", "goal", "patient", "description", "status", "responsible", "responsible_team",
    "responsible_name", "due_on", "frequency", "version",
)  # fmt: skip
MEASUREMENT = ("id", "goal", "measured_on", "value", "unit")
SETTABLE = ("title", "description", "program", "next_review_on", "agreed_on", "agreed_with")
GOAL_SETTABLE = (
    "description", "patient_words", "target_measure", "target_low", "target_high", "target_unit", "starts_on",
    "due_on", "expressed_by",
)  # fmt: skip
MOST_PROBLEMS = 50
STEPS_HELP = "Steps that are possible from this status."


class PlanRow(Shape):
    class Meta:
        model = CarePlan
        fields = ROW


class GoalShape(Shape):
    steps = serializers.ListField(child=serializers.CharField(), read_only=True, help_text=STEPS_HELP)

    class Meta:
        model = Goal
        fields = (*GOAL, "steps")


class ActionShape(Shape):
    steps = serializers.ListField(child=serializers.CharField(), read_only=True, help_text=STEPS_HELP)

    class Meta:
        model = Intervention
        fields = (*ACTION, "steps")


class MeasurementShape(Shape):
    class Meta:
        model = GoalMeasurement
        fields = MEASUREMENT


class PlanDetail(Shape):
    problems = serializers.ListField(child=serializers.UUIDField(), read_only=True)
    goals = GoalShape(many=True, read_only=True)
    interventions = ActionShape(many=True, read_only=True)
    steps = serializers.ListField(child=serializers.CharField(), read_only=True, help_text=STEPS_HELP)

    class Meta:
        model = CarePlan
        fields = (*ROW, "problems", "goals", "interventions", "steps")


class PlanChange(StrictModel):
    next_review_on = Day(required=False, allow_null=True)
    agreed_on = Day(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    problems = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=MOST_PROBLEMS,
        help_text="The patient's own.",
    )

    class Meta:
        model = CarePlan
        fields = (*SETTABLE, "problems")
        validators: list[Any] = []


class PlanWrite(PlanChange):
    patient = Visible(patients)

    class Meta(PlanChange.Meta):
        fields = (*SETTABLE, "problems", "patient")  # type: ignore[assignment]


class PlanFilters(Filters):
    patient = serializers.UUIDField(required=False)
    status = Several(choices=PlanStatus.choices, required=False)
    program = serializers.CharField(required=False, max_length=40)
    review_before = Day(required=False, help_text="Active plans whose review date is before this day.")
    updated_since = Instant(required=False)


class GoalWrite(StrictModel):
    starts_on = Day(required=False, allow_null=True)
    due_on = Day(required=False, allow_null=True)
    patient_words = serializers.CharField(required=False, allow_blank=True, max_length=20_000)

    class Meta:
        model = Goal
        fields = GOAL_SETTABLE
        validators: list[Any] = []


class ActionWrite(StrictModel):
    goal = Visible(goals, required=False, allow_null=True)
    responsible = VisibleUser(colleagues, required=False, allow_null=True)
    responsible_team = Visible(teams, required=False, allow_null=True)
    due_on = Day(required=False, allow_null=True)

    class Meta:
        model = Intervention
        fields = (
            "description", "goal", "responsible", "responsible_team", "responsible_name", "due_on", "frequency",
        )  # fmt: skip
        validators: list[Any] = []


class MeasurementWrite(Strict):
    measured_on = Day()
    value = serializers.DecimalField(max_digits=12, decimal_places=3)
    unit = words(required=False, max_length=40)


class OptionalReason(Strict):
    reason = words(required=False, max_length=2000)


class Reviewed(Strict):
    next_review_on = Day()
    note = serializers.CharField(max_length=2000)


class GoalCompleted(Strict):
    achievement_status = serializers.ChoiceField(Achievement.choices)
    achieved_on = Day()
    reason = words(required=False, max_length=2000)
