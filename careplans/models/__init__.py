"""The coordination: plans with goals and actions, tasks, and contacts."""

from careplans.models.bundles import Bundle, BundleItem, Counts, GoesTo, StartedBundle
from careplans.models.contacts import NOTHING_TOLD, REACHED, ContactAttempt, CopyWay, Outcome
from careplans.models.escalation import AppliesTo, Effect, Escalation, EscalationPoint
from careplans.models.plans import (
    CarePlan,
    CarePlanChange,
    Goal,
    GoalChange,
    GoalMeasurement,
    Intervention,
    InterventionChange,
)
from careplans.models.reasons import CloseReason
from careplans.models.tasks import Priority, Task, TaskChange, TaskInterval, TaskKind

__all__ = [
    "NOTHING_TOLD",
    "REACHED",
    "AppliesTo",
    "Bundle",
    "BundleItem",
    "CarePlan",
    "CarePlanChange",
    "CloseReason",
    "ContactAttempt",
    "CopyWay",
    "Counts",
    "Effect",
    "Escalation",
    "EscalationPoint",
    "Goal",
    "GoalChange",
    "GoalMeasurement",
    "GoesTo",
    "Intervention",
    "InterventionChange",
    "Outcome",
    "Priority",
    "StartedBundle",
    "Task",
    "TaskChange",
    "TaskInterval",
    "TaskKind",
]
