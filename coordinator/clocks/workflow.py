"""The states of a clock and the steps between them.

A missed clock can still be met (late); a payer's extension notice may arrive after the day it concerns.
`void` is a clock's "entered in error": reachable from every state, with a reason, and final.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from coordinator.workflow import Step, Workflow


class State(models.TextChoices):
    RUNNING = "running", _("Running")
    HELD = "held", _("On hold")
    MET = "met", _("Met")
    MISSED = "missed", _("Missed")
    VOID = "void", _("Void")


OPEN = (State.RUNNING, State.HELD)

WORKFLOW = Workflow(
    State,
    initial=State.RUNNING,
    steps=[
        Step("hold", (State.RUNNING,), State.HELD, needs=("reason",), label=_("Put on hold")),
        Step("resume", (State.HELD,), State.RUNNING, label=_("Resume")),
        Step("extend", (State.RUNNING,), State.RUNNING, needs=("reason", "days"), label=_("Extend")),
        Step("extend", (State.HELD,), State.HELD, needs=("reason", "days"), label=_("Extend")),
        Step("extend", (State.MISSED,), State.RUNNING, needs=("reason", "days"), label=_("Extend")),
        # The register was changed for days that are already over, and a second person approved it.
        Step(
            "change_rule",
            (State.RUNNING,),
            State.RUNNING,
            needs=("reason",),
            label=_("Moved to another rule version"),
        ),
        Step(
            "change_rule",
            (State.HELD,),
            State.HELD,
            needs=("reason",),
            label=_("Moved to another rule version"),
        ),
        Step("meet", (State.RUNNING, State.HELD, State.MISSED), State.MET, label=_("Met")),
        Step("miss", (State.RUNNING,), State.MISSED, label=_("Missed")),
        Step("reopen", (State.MET,), State.RUNNING, needs=("reason",), label=_("Correct: not met yet")),
        Step(
            "void",
            (State.RUNNING, State.HELD, State.MISSED, State.MET),
            State.VOID,
            needs=("reason",),
            label=_("Void"),
        ),
    ],
)
