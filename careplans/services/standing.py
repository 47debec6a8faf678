"""Tasks and plans of somebody who died or left: ended by rule, and taken up again when that is corrected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from careplans import standing_rules as rules
from careplans.models import CarePlan, Task, TaskKind
from careplans.selectors import open_of_patient, plans_in_force
from careplans.services.locking import lock_task
from careplans.services.opening import open_task
from careplans.services.plans import today_of
from careplans.services.tasks import cancel_locked, resume_interval
from careplans.workflow import OPEN, PlanStatus, TaskStatus
from coordinator.clocks import services as clocks
from coordinator.clocks.workflow import OPEN as RUNNING
from coordinator.clocks.workflow import State
from coordinator.db import Conflict, lock, refusals
from coordinator.wording import as_kept, in_clinic_language
from coordinator.workflow import Actor, move
from patients.leaving import BACK, BECAUSE, MARK, keep_trail, leavings
from patients.models import Patient


@transaction.atomic
@in_clinic_language
def settle_work(*, patient: Patient, change: Any, by: Actor, now: datetime) -> None:
    """Close the tasks and end the plans that this change of standing ends, each marked with the change.

    A consequence: whoever changed the standing was checked there. Which tasks, and why: careplans.standing_rules.
    """
    closed = [
        _close(pk, change, by, now)
        for pk, kind, cause in open_of_patient(patient).values_list("pk", "kind", "cause_type")
        if rules.closes(change.step, kind, cause)
    ]
    ended = [_end_plan(pk, change, by, now) for pk in plans_in_force(patient).values_list("pk", flat=True)]
    tasks, plans = sum(closed), sum(ended)
    said = [
        ngettext("%(n)d task closed.", "%(n)d tasks closed.", tasks) % {"n": tasks} if tasks else "",
        ngettext("%(n)d care plan ended or put on hold.", "%(n)d care plans ended or put on hold.", plans)
        % {"n": plans}
        if plans
        else "",
    ]
    keep_trail(patient, "settle", said, by=by, now=now, tasks=tasks, plans=plans, **{MARK: str(change.pk)})


def _close(task_id: UUID, change: Any, by: Actor, now: datetime) -> bool:
    task = lock_task(task_id)
    if task.status not in OPEN:
        return False
    facts = {MARK: str(change.pk), "woke_at": task.wake_at}
    reason = rules.CLOSES[change.step].reason
    note = as_kept(BECAUSE[change.step])
    cancel_locked(task, close_reason=reason, note=note, by=by, now=now, **facts)
    clock = task.clock
    if clock is not None:
        clock.refresh_from_db(fields=["state"])
        if clock.state in (*RUNNING, State.MISSED):
            clocks.void_clock(clock_id=clock.pk, reason=note, by=by, now=now)
    return True


def _end_plan(plan_id: UUID, change: Any, by: Actor, now: datetime) -> bool:
    plan = lock(CarePlan.objects.select_related("patient__site"), plan_id)
    step = rules.PLAN_STEP[change.step]
    if plan.workflow.find(step, plan.status) is None:
        return False
    ends = {"ends_on": today_of(plan, now)} if step == "revoke" else {}
    move(plan, step, by=by, now=now, reason=as_kept(BECAUSE[change.step]), **ends, **{MARK: str(change.pk)})
    return True


@transaction.atomic
@in_clinic_language
def take_up_work(*, patient: Patient, by: Actor, now: datetime) -> None:
    """The patient is active again: open what their leaving closed, as it was. What somebody touched since stays."""
    keys = leavings(patient)
    tasks = sum(_open_again(pk, keys, by, now) for pk in closed_by(patient, keys))
    plans = sum(_take_up_plan(pk, keys, by, now) for pk in ended_by(patient, keys))
    said = [
        ngettext("%(n)d task opened again.", "%(n)d tasks opened again.", tasks) % {"n": tasks}
        if tasks
        else "",
        ngettext("%(n)d care plan taken up again.", "%(n)d care plans taken up again.", plans) % {"n": plans}
        if plans
        else "",
    ]
    keep_trail(patient, "take_up", said, by=by, now=now, tasks=tasks, plans=plans)


def closed_by(patient: Patient, keys: list[str]) -> list[UUID]:
    """Tasks that these changes of standing closed and that are still closed."""
    marked = {f"changes__facts__{MARK}__in": keys, "changes__step": "cancel"}
    ended = Task.objects.filter(patient=patient, status=TaskStatus.CANCELLED, **marked)
    return list(ended.order_by("pk").distinct().values_list("pk", flat=True))


def ended_by(patient: Patient, keys: list[str]) -> list[UUID]:
    marked = {f"changes__facts__{MARK}__in": keys}
    plans = CarePlan.objects.filter(
        patient=patient, status__in=(PlanStatus.REVOKED, PlanStatus.ON_HOLD), **marked
    )
    return list(plans.order_by("pk").distinct().values_list("pk", flat=True))


def _last_if_ours(record: Any, keys: list[str]) -> Any:
    """The change by which the leaving ended this record, when nothing came after it; else None."""
    last = record.changes.order_by("-at", "-id").first()
    return last if last is not None and last.facts.get(MARK) in keys else None


def _open_again(task_id: UUID, keys: list[str], by: Actor, now: datetime) -> bool:
    task = lock_task(task_id)
    last = _last_if_ours(task, keys)
    if task.status != TaskStatus.CANCELLED or last is None:
        return False
    if task.clock is not None and task.clock.state == State.VOID:
        task.clock = None  # the date stays, as one that people set
    try:
        resume_interval(task, by=by, now=now, reason=as_kept(BACK))
    except Conflict:  # its cause opened another one meanwhile
        return False
    wakes = parse_datetime(last.facts.get("woke_at") or "")
    if wakes is not None and wakes > now:
        move(task, "snooze", by=by, now=now, reason=as_kept(BACK), wake_at=wakes, held_since=now)
    return True


def _take_up_plan(plan_id: UUID, keys: list[str], by: Actor, now: datetime) -> bool:
    plan = lock(CarePlan.objects.select_related("patient__site"), plan_id)
    last = _last_if_ours(plan, keys)
    if last is None:
        return False
    why = as_kept(BACK)
    try:
        with transaction.atomic(), refusals():
            if plan.status == PlanStatus.ON_HOLD:
                move(plan, "resume", by=by, now=now, reason=why)
            else:
                move(plan, "reinstate", by=by, now=now, reason=why, ends_on=None)
                if last.from_status == PlanStatus.ON_HOLD:
                    move(plan, "hold", by=by, now=now, reason=why)
    except Conflict:
        _ask_about_plan(plan, by, now)
        return False
    return True


def _ask_about_plan(plan: CarePlan, by: Actor, now: datetime) -> None:
    """Another plan of the same program is active by now: only a person can say which one goes on."""
    open_task(
        patient=plan.patient,
        site=plan.patient.site,
        kind=TaskKind.PLAN_REVIEW,
        title=_("Decide which care plan goes on"),
        reason=_("The patient is in our care again; another plan of the same program is active."),
        next_step=_("Compare both plans and end one."),
        due_at=now + timedelta(days=1),
        dedupe_key=f"plan_again:{plan.pk}",
        cause=plan,
        by=by,
        now=now,
    )


@transaction.atomic
@in_clinic_language
def close_automatic(*, dedupe_keys: list[str], outcome: Any, by: Actor, now: datetime) -> int:
    """The cause of these automatic tasks went away: those still open close by themselves. Returns how many.

    A consequence; nobody is asked, and open checklist items are left as they are.
    """
    open_ones = Task.objects.open().filter(dedupe_key__in=dedupe_keys).order_by("pk")
    return sum(close_one(pk, outcome, by, now) for pk in list(open_ones.values_list("pk", flat=True)))


def close_one(task_id: UUID, outcome: Any, by: Actor, now: datetime) -> bool:
    task = lock_task(task_id)
    if task.status not in OPEN:
        return False
    cancel_locked(task, close_reason="no_longer_needed", note=str(outcome), by=by, now=now)
    return True
