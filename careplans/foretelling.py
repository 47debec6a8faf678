"""What a change of standing will do to tasks and plans, for the page that asks before it is done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from careplans import standing_rules as rules
from careplans.models import CarePlan, Task
from careplans.selectors import open_of_patient, plans_in_force
from careplans.services.standing import closed_by, ended_by
from patients.leaving import BECAUSE, Effect, leavings
from patients.models import Patient
from patients.workflow import LEAVING


def foretell(patient: Patient, step: str, user: Any, now: datetime) -> Iterable[Effect]:
    """At most four queries. What somebody may not see is said without its name."""
    if step in LEAVING:
        yield from _leaving(patient, step, user)
    elif step == "reactivate":
        yield from _coming_back(patient, user)


def _leaving(patient: Patient, step: str, user: Any) -> Iterable[Effect]:
    tasks = list(open_of_patient(patient))
    closing = [task for task in tasks if rules.closes(step, task.kind, task.cause_type)]
    staying = [task for task in tasks if task not in closing]
    for task in closing:
        yield Effect(_("Tasks that are closed"), _name(task, user), BECAUSE[step])
    revokes = rules.PLAN_STEP[step] == "revoke"
    heading = _("Care plans that end") if revokes else _("Care plans put on hold")
    for plan in plans_in_force(patient):
        if plan.workflow.find(rules.PLAN_STEP[step], plan.status):
            yield Effect(heading, plan.title, BECAUSE[step])
    for task in staying:
        yield Effect(
            _("Tasks that stay open"), _name(task, user), rules.stays_because(task.kind, task.cause_type)
        )


def _coming_back(patient: Patient, user: Any) -> Iterable[Effect]:
    keys = leavings(patient)
    for task in Task.objects.filter(pk__in=closed_by(patient, keys)).order_by("opened_at", "pk"):
        yield Effect(_("Tasks that are opened again"), _name(task, user))
    for plan in CarePlan.objects.filter(pk__in=ended_by(patient, keys)).order_by("pk"):
        yield Effect(_("Care plans taken up again"), plan.title)


def _name(task: Task, user: Any) -> str:
    return task.title if task.site_id in user.site_ids else _("A task at another place")
