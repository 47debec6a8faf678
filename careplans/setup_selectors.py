"""Reads about what managers set up for tasks: reasons for closing, and bundles with what they would make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from careplans.bundle_rules import PlannedDay, planned_day
from careplans.models import (
    Bundle,
    BundleItem,
    CloseReason,
    EscalationPoint,
    GoesTo,
    StartedBundle,
    Task,
    TaskKind,
)
from careplans.workflow import OPEN
from coordinator.accounts.models import Team, User
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.workflow import Actor
from patients.models import Patient


def close_reasons() -> dict[str, list[CloseReason]]:
    """The list that managers keep, offered and retired, each with `used` (tasks closed for it) and `kind_labels`."""
    used = dict(
        Task.objects.exclude(close_reason="")
        .order_by()
        .values("close_reason")
        .annotate(n=Count("pk"))
        .values_list("close_reason", "n")
    )
    every = list(CloseReason.objects.all())
    for reason in cast("list[Any]", every):
        reason.used = used.get(reason.code, 0)
        reason.kind_labels = [str(TaskKind(kind).label) for kind in reason.kinds]
    return {
        "offered": [reason for reason in every if reason.retired_at is None],
        "retired": [reason for reason in every if reason.retired_at is not None],
    }


def escalation_points() -> dict[str, list[EscalationPoint]]:
    """Set points in use and retired, the earliest first, each with `used` (tasks that passed it)."""
    every = list(EscalationPoint.objects.annotate(used=Count("escalations__task", distinct=True)))
    return {
        "in_use": [point for point in every if point.retired_at is None],
        "retired": [point for point in every if point.retired_at is not None],
    }


# --- bundles ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlannedTask:
    """One task of a bundle for a patient: its day with the reason for it, and who will have it."""

    item: BundleItem
    planned: PlannedDay
    owner: User | None
    team: Team | None
    is_past: bool


def plan_bundle(
    bundle: Bundle, patient: Patient, anchor_on: date, by: Actor, now: datetime
) -> list[PlannedTask]:
    """The tasks that a bundle would make, as dated (at most 4 queries). `patient` comes with site and coordinator."""
    calendar = as_calendar(calendar_for(patient.site))
    today = timezone.localdate(now, patient.site.tzinfo)
    items = list(bundle.items.all())
    give = _givers(items, patient, by)
    found = []
    for item in items:
        planned = planned_day(
            days=item.days,
            counts=item.counts,
            anchor_on=anchor_on,
            anchor=bundle.anchor,
            zone=patient.site.zone,
            calendar=calendar,
            rule=bundle.name,
            version=bundle.version,
        )
        found.append(PlannedTask(item, planned, *give(item), is_past=planned.day < today))
    return found


def _givers(
    items: list[BundleItem], patient: Patient, by: Actor
) -> Callable[[BundleItem], tuple[User | None, Team | None]]:
    """Who gets an item: whom it names when they work at the patient's place, else the patient's coordinator or a team.

    Of several people with the role, the one with the fewest open tasks, then by name.
    """
    site = patient.site
    teams = list(Team.objects.filter(site=site).order_by("name"))
    by_name = {team.name: team for team in teams}
    people = list(
        User.objects.assignable()
        .filter(sites=site)
        .annotate(load=Count("tasks", filter=Q(tasks__status__in=OPEN)))
        .order_by("load", "name")
    )
    coordinator = patient.coordinator if patient.coordinator and patient.coordinator.is_active else None

    def give(item: BundleItem) -> tuple[User | None, Team | None]:
        if item.goes_to == GoesTo.STARTER:
            starter = next((one for one in people if one.pk == getattr(by, "pk", None)), None)
            if starter:
                return starter, None
        if item.goes_to == GoesTo.ROLE:
            named = next((one for one in people if one.role == item.role), None)
            if named:
                return named, None
        if item.goes_to == GoesTo.TEAM and teams:
            return None, by_name.get(item.team_name, teams[0])
        if any(one.pk == getattr(coordinator, "pk", None) for one in people):
            return coordinator, None
        return None, teams[0] if teams else None

    return give


def bundles_of(user: Any, patient: Patient) -> list[StartedBundle]:
    """Bundles started for a patient, newest first, each with `made` and `left` (one query)."""
    tasks = Task.objects.filter(cause_type="careplans.startedbundle", cause_id=OuterRef("pk")).order_by()
    count = tasks.values("cause_id").annotate(n=Count("pk")).values("n")
    started = StartedBundle.objects.visible_to(user).filter(patient=patient).select_related("created_by")
    return list(
        started.annotate(
            made=Coalesce(Subquery(count), 0),
            left=Coalesce(Subquery(count.filter(status__in=OPEN)), 0),
        )[:20]
    )


def bundles_to_keep() -> dict[str, list[Bundle]]:
    """All bundles for those who keep them, with `size` (tasks) and `used` (times started)."""
    every = Bundle.objects.annotate(
        size=Count("items", distinct=True), used=Count("started", distinct=True)
    ).order_by("name")
    found = list(every)
    return {
        "offered": [bundle for bundle in found if bundle.retired_at is None],
        "retired": [bundle for bundle in found if bundle.retired_at is not None],
    }


def team_names(user: User) -> list[str]:
    """Names of the team lists at this person's places, for the items of a bundle."""
    teams = Team.objects.visible_to(user).order_by("name")
    return list(teams.values_list("name", flat=True).distinct())
