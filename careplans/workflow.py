"""The steps of plans, goals, actions and tasks."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coordinator.workflow import Step, Workflow, enter_in_error


class PlanStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    ON_HOLD = "on_hold", _("On hold")
    COMPLETED = "completed", _("Completed")
    REVOKED = "revoked", _("Revoked")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


P = PlanStatus
PLAN_WORKFLOW = Workflow(
    P,
    initial=P.DRAFT,
    steps=[
        Step("activate", (P.DRAFT,), P.ACTIVE, label=_("Activate")),
        Step("hold", (P.ACTIVE,), P.ON_HOLD, needs=("reason",), label=_("Put on hold")),
        Step("resume", (P.ON_HOLD,), P.ACTIVE, label=_("Resume")),
        Step("complete", (P.ACTIVE, P.ON_HOLD), P.COMPLETED, label=_("Complete")),
        Step("revoke", (P.DRAFT, P.ACTIVE, P.ON_HOLD), P.REVOKED, needs=("reason",), label=_("Revoke")),
        Step("reinstate", (P.REVOKED,), P.ACTIVE, needs=("reason",), label=_("Take up again")),
        enter_in_error(P.values),
    ],
)


class GoalStatus(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    PLANNED = "planned", _("Planned")
    ACCEPTED = "accepted", _("Agreed")
    ACTIVE = "active", _("Active")
    ON_HOLD = "on_hold", _("On hold")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    REJECTED = "rejected", _("Refused")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


class Achievement(models.TextChoices):
    IN_PROGRESS = "in_progress", _("In progress")
    IMPROVING = "improving", _("Improving")
    WORSENING = "worsening", _("Worsening")
    NO_CHANGE = "no_change", _("No change")
    ACHIEVED = "achieved", _("Achieved")
    SUSTAINING = "sustaining", _("Sustaining")
    NOT_ACHIEVED = "not_achieved", _("Not achieved")
    NO_PROGRESS = "no_progress", _("No progress")
    NOT_ATTAINABLE = "not_attainable", _("Not attainable")


G = GoalStatus
GOAL_WORKFLOW = Workflow(
    G,
    initial=G.PROPOSED,
    steps=[
        Step("plan", (G.PROPOSED,), G.PLANNED, label=pgettext_lazy("verb", "Plan")),
        Step("accept", (G.PROPOSED, G.PLANNED), G.ACCEPTED, label=_("Patient agrees")),
        Step("reject", (G.PROPOSED, G.PLANNED), G.REJECTED, needs=("reason",), label=_("Patient refuses")),
        Step("activate", (G.PLANNED, G.ACCEPTED), G.ACTIVE, label=_("Start")),
        Step("hold", (G.ACCEPTED, G.ACTIVE), G.ON_HOLD, needs=("reason",), label=_("Put on hold")),
        Step("resume", (G.ON_HOLD,), G.ACTIVE, label=_("Resume")),
        # Completing a goal says how it ended and when; "achieved" alone does not complete it.
        Step(
            "complete",
            (G.ACTIVE, G.ON_HOLD),
            G.COMPLETED,
            needs=("achievement_status", "achieved_on"),
            label=_("Complete"),
        ),
        Step("reopen", (G.COMPLETED,), G.ACTIVE, needs=("reason",), label=_("Reopen")),
        Step(
            "cancel",
            (G.PROPOSED, G.PLANNED, G.ACCEPTED, G.ACTIVE, G.ON_HOLD),
            G.CANCELLED,
            needs=("reason",),
            label=_("Cancel"),
        ),
        enter_in_error(G.values),
    ],
)


class InterventionStatus(models.TextChoices):
    PLANNED = "planned", _("Planned")
    IN_PROGRESS = "in_progress", _("In progress")
    DONE = "done", _("Done")
    NOT_DONE = "not_done", _("Not done")
    CANCELLED = "cancelled", _("Cancelled")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


I = InterventionStatus  # noqa: E741  (one letter keeps the table readable)
INTERVENTION_WORKFLOW = Workflow(
    I,
    initial=I.PLANNED,
    steps=[
        Step("start", (I.PLANNED,), I.IN_PROGRESS, label=_("Start")),
        Step("finish", (I.PLANNED, I.IN_PROGRESS), I.DONE, label=_("Done")),
        Step(
            "record_not_done", (I.PLANNED, I.IN_PROGRESS), I.NOT_DONE, needs=("reason",), label=_("Not done")
        ),
        Step("cancel", (I.PLANNED, I.IN_PROGRESS), I.CANCELLED, needs=("reason",), label=_("Cancel")),
        Step("reopen", (I.DONE, I.NOT_DONE, I.CANCELLED), I.PLANNED, needs=("reason",), label=_("Reopen")),
        enter_in_error(I.values),
    ],
)


class TaskStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    REQUESTED = "requested", _("Assigned")
    RECEIVED = "received", pgettext_lazy("task", "Seen")
    ACCEPTED = "accepted", _("Taken")
    REJECTED = "rejected", _("Handed back")
    READY = "ready", _("To do")
    IN_PROGRESS = "in_progress", _("Started")
    ON_HOLD = "on_hold", _("Snoozed")
    FAILED = "failed", _("Could not be done")
    COMPLETED = "completed", _("Done")
    CANCELLED = "cancelled", _("Cancelled")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")


T = TaskStatus
# What a person can work on now; snoozed tasks are open but not on the list.
WORKABLE = (T.REQUESTED, T.RECEIVED, T.ACCEPTED, T.READY, T.IN_PROGRESS)
OPEN = (*WORKABLE, T.DRAFT, T.REJECTED, T.ON_HOLD)
# Given to somebody who has not taken it yet.
NOT_TAKEN = (T.REQUESTED, T.RECEIVED)
ENDED = (T.FAILED, T.COMPLETED, T.CANCELLED)

TASK_WORKFLOW = Workflow(
    T,
    initial=T.READY,
    steps=[
        Step("assign", (T.DRAFT,), T.REQUESTED, label=_("Assign")),
        Step("make_ready", (T.DRAFT,), T.READY, label=_("Make ready")),
        Step("receive", (T.REQUESTED,), T.RECEIVED, label=_("Mark as seen")),
        Step("accept", (T.REQUESTED, T.RECEIVED), T.ACCEPTED, label=_("Take")),
        Step("reject", (T.REQUESTED, T.RECEIVED), T.REJECTED, needs=("reason",), label=_("Hand back")),
        Step("reassign", (T.REJECTED, T.REQUESTED, T.RECEIVED), T.REQUESTED, label=_("Reassign")),
        Step("hand_over", (T.ACCEPTED, T.READY, T.IN_PROGRESS), T.REQUESTED, label=_("Reassign")),
        Step("start", (T.ACCEPTED, T.READY), T.IN_PROGRESS, label=_("Start")),
        Step(
            "snooze",
            (T.ACCEPTED, T.READY, T.IN_PROGRESS),
            T.ON_HOLD,
            needs=("wake_at",),
            label=_("Snooze"),
        ),
        Step("wake", (T.ON_HOLD,), T.READY, label=_("Wake")),
        Step("resume", (T.ON_HOLD,), T.IN_PROGRESS, label=_("Go on")),
        Step("complete", (T.ACCEPTED, T.READY, T.IN_PROGRESS, T.ON_HOLD), T.COMPLETED, label=_("Complete")),
        Step("fail", (T.IN_PROGRESS,), T.FAILED, needs=("reason",), label=_("Could not be done")),
        Step(
            "cancel",
            (T.DRAFT, T.REQUESTED, T.RECEIVED, T.ACCEPTED, T.READY, T.IN_PROGRESS, T.ON_HOLD, T.REJECTED),
            T.CANCELLED,
            needs=("reason",),
            label=_("Close without doing"),
        ),
        Step("reopen", ENDED, T.READY, needs=("reason",), label=_("Reopen")),
        enter_in_error(T.values),
    ],
)
