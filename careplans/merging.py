"""Plans, tasks and contacts in a merge of two records."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from careplans.models import CarePlan, ContactAttempt, Goal, Intervention, StartedBundle, Task
from careplans.workflow import PlanStatus
from patients.merging import Pair, Part, Settled


def settle_plans(pair: Pair) -> Iterator[Settled]:
    """Two active plans of one program cannot both go on, and only a person can say which one does."""
    active = CarePlan.objects.filter(status=PlanStatus.ACTIVE, is_imported=False)
    ours = {plan.program: plan for plan in active.filter(patient=pair.survivor)}
    for plan in active.filter(patient=pair.other).order_by("program"):
        if twin := ours.get(plan.program):
            text = _(
                "Both have an active care plan for the same program: “%(one)s” and “%(two)s”. End one first."
            )
            yield Settled(text % {"one": twin.title, "two": plan.title}, refuses=True)


def settle_tasks(pair: Pair) -> Iterator[Settled]:
    """Automatic tasks whose key names the patient name the survivor; where one is open there, both stay."""
    named = Task.objects.filter(patient=pair.other, dedupe_key__contains=str(pair.other.pk))
    for task in named.order_by("pk"):
        key = task.dedupe_key.replace(str(pair.other.pk), str(pair.survivor.pk))
        if Task.objects.open().filter(dedupe_key=key).exists():
            text = _("Both have the open task “%(title)s”. Both stay; close one of them.")
            yield Settled(text % {"title": task.title})
        else:
            yield Settled(
                row=task, values={"dedupe_key": key[: Task._meta.get_field("dedupe_key").max_length]}
            )


PARTS = [
    Part(CarePlan, under=("replaces",), settle=settle_plans),
    Part(Goal, under=("plan",)),
    Part(Intervention, under=("plan",)),
    Part(Task, under=("cause_id",), settle=settle_tasks),
    Part(Task, "cause_id"),
    Part(ContactAttempt, under=("task",)),
    Part(StartedBundle),
]
