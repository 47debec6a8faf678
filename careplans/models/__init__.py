"""The coordination: plans with goals and actions, tasks, and contacts."""

from careplans.models.contacts import ContactAttempt
from careplans.models.plans import (
    CarePlan,
    CarePlanChange,
    Goal,
    GoalChange,
    GoalMeasurement,
    Intervention,
    InterventionChange,
)
from careplans.models.tasks import Task, TaskChange, TaskInterval

__all__ = [
    "CarePlan",
    "CarePlanChange",
    "ContactAttempt",
    "Goal",
    "GoalChange",
    "GoalMeasurement",
    "Intervention",
    "InterventionChange",
    "Task",
    "TaskChange",
    "TaskInterval",
]
