"""The coordination: plans with goals and actions, tasks, and contacts."""

from careplans.models.contacts import NOTHING_TOLD, REACHED, ContactAttempt, CopyWay, Outcome
from careplans.models.plans import (
    CarePlan,
    CarePlanChange,
    Goal,
    GoalChange,
    GoalMeasurement,
    Intervention,
    InterventionChange,
)
from careplans.models.tasks import CloseReason, Priority, Task, TaskChange, TaskInterval, TaskKind

__all__ = [
    "NOTHING_TOLD",
    "REACHED",
    "CarePlan",
    "CarePlanChange",
    "CloseReason",
    "ContactAttempt",
    "CopyWay",
    "Goal",
    "GoalChange",
    "GoalMeasurement",
    "Intervention",
    "InterventionChange",
    "Outcome",
    "Priority",
    "Task",
    "TaskChange",
    "TaskInterval",
    "TaskKind",
]
