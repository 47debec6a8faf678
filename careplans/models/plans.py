"""Care plans, goals and actions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from careplans.workflow import (
    GOAL_WORKFLOW,
    INTERVENTION_WORKFLOW,
    PLAN_WORKFLOW,
    Achievement,
    GoalStatus,
    InterventionStatus,
    PlanStatus,
)
from coordinator.accounts.models import Team
from coordinator.db import Record
from coordinator.workflow import Change
from patients.models import Patient, PatientScoped, Problem


class PlanScoped(PatientScoped):
    permission = "plans.view"


class CarePlan(Record):
    workflow = PLAN_WORKFLOW

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="care_plans")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    program = models.CharField(max_length=40, blank=True)  # CCM, PCM, TCM, APCM or a local one
    category = models.CharField(max_length=120, blank=True)
    intent = models.CharField(max_length=20, default="plan")
    status = models.CharField(max_length=20, choices=PlanStatus.choices, default=PlanStatus.DRAFT)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    next_review_on = models.DateField(null=True, blank=True)
    agreed_on = models.DateField(null=True, blank=True)
    agreed_with = models.CharField(max_length=160, blank=True)
    plan_version = models.PositiveSmallIntegerField(default=1)
    replaces = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    problems = models.ManyToManyField(Problem, blank=True, related_name="care_plans")
    is_imported = models.BooleanField(default=False)

    objects = PlanScoped.as_manager()

    class Meta:
        constraints = [
            PLAN_WORKFLOW.check_constraint("plan_status_known"),
            # One active plan per patient and program; imported history may hold several.
            models.UniqueConstraint(
                fields=["patient", "program"],
                condition=Q(status="active", is_imported=False),
                name="plan_one_active_per_program",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True)
                | Q(starts_on__isnull=True)
                | Q(ends_on__gte=models.F("starts_on")),
                name="plan_period",
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "status"], name="plan_patient"),
            models.Index(fields=["next_review_on"], condition=Q(status="active"), name="plan_review_due"),
        ]


class CarePlanChange(Change):
    record = models.ForeignKey(CarePlan, on_delete=models.PROTECT, related_name="changes")


class Goal(Record):
    workflow = GOAL_WORKFLOW

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="goals")
    plan = models.ForeignKey(CarePlan, null=True, blank=True, on_delete=models.PROTECT, related_name="goals")
    description = models.CharField(max_length=500)
    patient_words = models.TextField(blank=True)
    status = models.CharField(
        _("lifecycle status"), max_length=20, choices=GoalStatus.choices, default="proposed"
    )
    achievement_status = models.CharField(max_length=20, choices=Achievement.choices, blank=True)
    achieved_on = models.DateField(null=True, blank=True)
    target_measure = models.CharField(max_length=120, blank=True)
    target_low = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    target_high = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    target_unit = models.CharField(max_length=40, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    expressed_by = models.CharField(max_length=160, blank=True)
    problems = models.ManyToManyField(Problem, blank=True, related_name="goals")

    objects = PlanScoped.as_manager()

    class Meta:
        constraints = [
            GOAL_WORKFLOW.check_constraint("goal_status_known"),
            models.CheckConstraint(
                condition=~Q(status="completed") | (~Q(achievement_status="")),
                name="goal_completed_says_how",
            ),
        ]
        indexes = [models.Index(fields=["patient", "status"], name="goal_patient")]


class GoalChange(Change):
    record = models.ForeignKey(Goal, on_delete=models.PROTECT, related_name="changes")


class GoalMeasurement(Record):
    goal = models.ForeignKey(Goal, on_delete=models.PROTECT, related_name="measurements")
    measured_on = models.DateField()
    value = models.DecimalField(max_digits=12, decimal_places=3)
    unit = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["measured_on"]


class Intervention(Record):
    """An action of the plan: what will be done, by whom, by when or how often."""

    workflow = INTERVENTION_WORKFLOW

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="interventions")
    plan = models.ForeignKey(CarePlan, on_delete=models.PROTECT, related_name="interventions")
    goal = models.ForeignKey(
        Goal, null=True, blank=True, on_delete=models.PROTECT, related_name="interventions"
    )
    description = models.CharField(max_length=500)
    status = models.CharField(max_length=20, choices=InterventionStatus.choices, default="planned")
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    responsible_team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    responsible_name = models.CharField(
        max_length=160, blank=True
    )  # the patient, a caregiver, an outside person
    due_on = models.DateField(null=True, blank=True)
    frequency = models.CharField(max_length=80, blank=True)  # for ongoing actions

    objects = PlanScoped.as_manager()

    class Meta:
        constraints = [INTERVENTION_WORKFLOW.check_constraint("intervention_status_known")]
        indexes = [models.Index(fields=["plan"], name="intervention_plan")]


class InterventionChange(Change):
    record = models.ForeignKey(Intervention, on_delete=models.PROTECT, related_name="changes")
