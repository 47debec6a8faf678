"""Telling the managers of a place that somebody opened a restricted record, and closing that when it is reviewed."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Task, TaskKind
from coordinator.accounts.models import User
from coordinator.accounts.roles import Role
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.wording import in_clinic_language
from coordinator.workflow import System
from patients.models import AccessGrant
from scheduling.rules.local_time import local_day

BY = System("emergency access")
REVIEW_WITHIN = 2  # business days


@in_clinic_language
def tell_managers(grant: AccessGrant, *, now: datetime) -> list[Task]:
    """A task for each manager of the place but the one who opened it. It names nobody; the queue does.

    Opening the same access twice makes no second task. Without another manager only auditors are left to see it.
    """
    site = grant.patient.site
    managers = User.objects.filter(role=Role.MANAGER, sites=site, is_active=True).exclude(pk=grant.user_id)
    calendar, day = as_calendar(calendar_for(site)), local_day(now, site.zone)
    for _day in range(REVIEW_WITHIN):
        day = next_open_day(day, calendar)
    return [
        careplans.open_task(
            patient=None,
            site=site,
            kind=TaskKind.OTHER,
            title=_("Review an emergency access"),
            reason=_("Somebody opened a restricted record."),
            next_step=_("Open Access in the menu and say whether it was appropriate."),
            owner=manager,
            due_at=end_of_day(day, site.zone),
            dedupe_key=f"{_key(grant)}{manager.pk}",
            cause=grant,
            by=BY,
            now=now,
        )
        for manager in managers.order_by("pk")
    ]


def close_tasks(grant: AccessGrant, *, now: datetime) -> None:
    """The access was reviewed: nobody has to any more."""
    for key in Task.objects.open().filter(dedupe_key__startswith=_key(grant)).values_list("pk", flat=True):
        careplans.complete_task(task_id=key, by=BY, now=now, outcome=_("Reviewed"))


def _key(grant: AccessGrant) -> str:
    return f"access:{grant.pk}:"
