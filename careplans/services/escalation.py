"""Tasks that stay overdue: managers keep the set points, the night acts on them, once for each open interval."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from careplans.escalation_rules import overdue_days, passed, raised
from careplans.models import Effect, Escalation, EscalationPoint, Task, TaskChange, TaskInterval, TaskKind
from careplans.permissions import check_can_set_up
from careplans.rules import end_of_day
from careplans.services.handing import hand
from careplans.services.locking import lock_task
from careplans.services.opening import default_owner, open_task
from careplans.services.standing import close_one
from careplans.workflow import OPEN, WORKABLE
from coordinator.accounts.models import Site, User
from coordinator.accounts.roles import Role
from coordinator.audit import services as audit
from coordinator.clocks.rules import Calendar, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import lock, refusals
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor, person, record_edit

KEY = "escalation:"
# No point is later than 20 business days. What was overdue long before a point existed is for the team board.
LOOK_BACK = timedelta(days=45)
FIELDS = ("kind", "applies_to", "days", "effect")


# --- the set points -----------------------------------------------------------------------------------


@transaction.atomic
def save_escalation_point(
    *,
    days: int,
    effect: str,
    by: Actor,
    now: datetime,
    point_id: UUID | None = None,
    kind: str = "",
    applies_to: str = "any",
) -> EscalationPoint:
    """A new set point, or another setting of one. Tasks that passed it do not pass it again.

    Raises ValidationError for a point that is there already, PermissionDenied.
    """
    check_can_set_up(by)
    point = lock(EscalationPoint.objects, point_id) if point_id else EscalationPoint(created_by=person(by))
    given: dict[str, Any] = {"kind": kind, "applies_to": applies_to, "days": days, "effect": effect}
    changed = [name for name in FIELDS if given[name] != getattr(point, name)]
    for name in changed:
        setattr(point, name, given[name])
    if point_id:
        point.version += 1
    _refuse_twin(point)
    point.clean_fields()
    with refusals(escalation_point_once=_twin_sentence()), transaction.atomic():
        point.save()
    audit.record_change(point, "save", by=by, details={"fields": sorted(changed)})
    return point


def _twin_sentence() -> str:
    return _("There is a set point like this already.")


def _refuse_twin(point: EscalationPoint) -> None:
    same = EscalationPoint.objects.in_use().filter(**{name: getattr(point, name) for name in FIELDS})
    if point.retired_at is None and same.exclude(pk=point.pk).exists():
        raise ValidationError({"days": _twin_sentence()})


@transaction.atomic
def retire_escalation_point(*, point_id: UUID, by: Actor, now: datetime) -> EscalationPoint:
    """Nothing is escalated by it any more; what it did stays in the tasks' histories."""
    check_can_set_up(by)
    point = lock(EscalationPoint.objects, point_id)
    if point.retired_at is None:
        _set_retired(point, now, "retire", by)
    return point


@transaction.atomic
def restore_escalation_point(*, point_id: UUID, by: Actor, now: datetime) -> EscalationPoint:
    """In use again. Raises ValidationError when there is one like it meanwhile."""
    check_can_set_up(by)
    point = lock(EscalationPoint.objects, point_id)
    if point.retired_at is not None:
        point.retired_at = None
        _refuse_twin(point)
        _set_retired(point, None, "restore", by)
    return point


def _set_retired(point: EscalationPoint, at: datetime | None, step: str, by: Actor) -> None:
    point.retired_at = at
    point.version += 1
    with refusals(escalation_point_once=_twin_sentence()), transaction.atomic():
        point.save()
    audit.record_change(point, step, by=by, details={})


# --- the night ----------------------------------------------------------------------------------------


def escalate_overdue(*, site: Site, by: Actor, now: datetime) -> int:
    """Act on every set point that an overdue task of this place has passed; returns how many tasks were escalated.

    Each task in its own transaction; run twice or by two at once, each point acts once for each open interval.
    Snoozed tasks wait, and a task that woke today has its day first.
    """
    _close_calmed(site, by, now)
    points = list(EscalationPoint.objects.in_use())
    if not points:
        return 0
    calendar = as_calendar(calendar_for(site))
    had = _had(site)
    keys = [
        task.pk
        for task in overdue_tasks(site, now)
        for days in [overdue_days(task.due_at, now, site.zone, calendar)]
        if any((task.pk, point.pk) not in had for point in passed(points, task, days))
    ]
    return sum(_escalate(key, points, calendar, by, now) for key in keys)


def overdue_tasks(site: Site, now: datetime) -> QuerySet[Task]:
    """Tasks whose deadline is over and that somebody could have worked on, without the notices about others."""
    midnight = datetime.combine(now.astimezone(site.tzinfo).date(), time(0), site.tzinfo)
    woke = TaskChange.objects.filter(record=OuterRef("pk"), step__in=("wake", "resume"), at__gte=midnight)
    late = Task.objects.workable().filter(site=site, due_at__lt=midnight, due_at__gte=now - LOOK_BACK)
    return late.exclude(dedupe_key__startswith=KEY).filter(~Exists(woke)).order_by("due_at", "pk")


def _had(site: Site) -> set[tuple[UUID, UUID]]:
    """(task, point) of everything that was escalated in an interval that is still open."""
    found = Escalation.objects.filter(task__site=site, interval__closed_at=None)
    return set(found.values_list("task_id", "point_id"))


@transaction.atomic
@in_clinic_language
def _escalate(
    task_id: UUID, points: list[EscalationPoint], calendar: Calendar, by: Actor, now: datetime
) -> bool:
    task = lock_task(task_id)
    interval = task.intervals.filter(closed_at=None).first()
    if task.status not in WORKABLE or interval is None:
        return False
    days = overdue_days(task.due_at, now, task.site.zone, calendar)
    had = set(Escalation.objects.filter(interval=interval).values_list("point_id", flat=True))
    due = [point for point in passed(points, task, days) if point.pk not in had]
    told = _inform(task, interval, days, calendar, by, now) if _wants(due, Effect.INFORM) else None
    if told is None:
        # Nobody there to be told: the point waits until there is somebody.
        due = [point for point in due if point.effect != Effect.INFORM]
    if not due:
        return False
    said = [_overdue_words(days)]
    if told is not None:
        said.append(_("%(name)s was informed.") % {"name": told.name})
    team = None
    if _wants(due, Effect.TEAM_LIST):
        team = task.team or default_owner(None, task.site)[1]
        if task.owner_id is not None:
            hand(task, owner=None, team=team, by=by, now=now)
        said.append(_("It is on the team list: %(team)s.") % {"team": team})
    if _wants(due, Effect.RAISE_PRIORITY):
        task.priority = raised(task.priority)
        said.append(_("Its priority was raised."))
    Escalation.objects.bulk_create(
        Escalation(
            task=task,
            interval=interval,
            point=point,
            at=now,
            days=days,
            told=told if point.effect == Effect.INFORM else None,
            team=team if point.effect == Effect.TEAM_LIST else None,
        )
        for point in due
    )
    if told is not None or team is not None:
        task.escalated_at, task.escalated_to = now, str(told.name if told else team)[:120]
    task.version += 1
    task.save()
    record_edit(task, "escalate", by=by, now=now, reason=" ".join(said), points=[str(p.pk) for p in due])
    return True


def _wants(points: list[EscalationPoint], effect: Effect) -> bool:
    return any(point.effect == effect for point in points)


def _overdue_words(days: int) -> str:
    return ngettext("%(n)d business day overdue.", "%(n)d business days overdue.", days) % {"n": days}


def _inform(
    task: Task, interval: TaskInterval, days: int, calendar: Calendar, by: Actor, now: datetime
) -> User | None:
    """A notice on a manager's list, one at a time for each task; returns whose, None when nobody can be told."""
    there = Task.objects.open().filter(dedupe_key=_key(interval)).select_related("owner").first()
    if there is not None and there.owner is not None:
        return there.owner
    manager = manager_for(task)
    if manager is None or task.due_at is None:
        return None
    today = now.astimezone(task.site.tzinfo).date()
    whose = task.owner.name if task.owner else str(task.team)
    words = {"name": whose, "day": day(task.due_at.astimezone(task.site.tzinfo).date())}
    open_task(
        patient=task.patient,
        site=task.site,
        kind=TaskKind.OTHER,
        title=(_("Overdue: %(title)s") % {"title": task.title})[:200],
        reason=f"{_overdue_words(days)} {_('It was due %(day)s and is with %(name)s.') % words}"[:500],
        next_step=_("Talk with them: help, move its date, or give it to somebody else."),
        owner=manager,
        due_at=end_of_day(next_open_day(today, calendar), task.site.zone),
        priority=task.priority,
        dedupe_key=_key(interval),
        cause=task,
        program=task.program,
        by=by,
        now=now,
    )
    return manager


def _key(interval: TaskInterval) -> str:
    return f"{KEY}{interval.pk}"


def manager_for(task: Task) -> User | None:
    """Who is told about a task: a manager of its place who may see it, else a lead; never its owner.

    Of the owner's team first, then who has the least open, then by name.
    """
    open_tasks = Count("tasks", filter=Q(tasks__status__in=OPEN))
    people = User.objects.filter(is_active=True, role__in=(Role.MANAGER, Role.LEAD), sites=task.site_id)
    by_load = people.annotate(load=open_tasks).order_by("load", "name")
    found = [one for one in by_load if one.pk != task.owner_id]
    team = task.owner.team_id if task.owner else task.team_id
    found.sort(key=lambda one: (one.role != Role.MANAGER, team is None or one.team_id != team))
    same = Task.objects.filter(pk=task.pk)
    return next((one for one in found if same.visible_to(one).exists()), None)


# --- when it is settled -------------------------------------------------------------------------------


@transaction.atomic
def settle_escalation(*, task: Task, by: Actor, now: datetime) -> None:
    """The task has ended: nobody has to look after it any more."""
    about = Task.objects.open().filter(cause_id=task.pk, dedupe_key__startswith=KEY).order_by("pk")
    for key in list(about.values_list("pk", flat=True)):
        close_one(key, task.get_status_display(), by, now)


def _close_calmed(site: Site, by: Actor, now: datetime) -> None:
    """Notices about tasks that got another date meanwhile."""
    late = Task.objects.open().filter(pk=OuterRef("cause_id"), due_at__lt=now)
    calmed = Task.objects.open().filter(~Exists(late), site=site, dedupe_key__startswith=KEY).order_by("pk")
    for key in list(calmed.values_list("pk", flat=True)):
        _close_notice(key, by, now)


@transaction.atomic
@in_clinic_language
def _close_notice(task_id: UUID, by: Actor, now: datetime) -> None:
    close_one(task_id, _("It is not overdue any more."), by, now)
