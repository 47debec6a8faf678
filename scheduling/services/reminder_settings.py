"""How long before a visit reminders go, and whether a site sends them at all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site
from coordinator.accounts.permissions import check_can_manage_site
from coordinator.audit import services as audit
from coordinator.db import advisory_lock, lock
from coordinator.workflow import Actor, System, person
from scheduling.models import ReminderWindow, Service

MOST_WINDOWS = 4
LONGEST = 60  # days


@transaction.atomic
def save_reminder_days(
    *, service_id: UUID | None, days: Iterable[int] | None, by: Actor, now: datetime
) -> None:
    """Reminders of this service (None: of all that have no days of their own) go so many days before a visit.

    An empty list means no reminders; None for a service means the days of all. Messages planned already stay.
    Raises ValidationError, PermissionDenied.
    """
    if not isinstance(by, System) and not by.can("settings.manage"):
        raise PermissionDenied(_("You may not change the reminders."))
    if service_id is not None and not Service.objects.filter(pk=service_id).exists():
        raise ValidationError(_("There is no such visit type."))
    wanted = _checked(days)
    advisory_lock(("site", f"reminder-windows:{service_id}"))
    rows = ReminderWindow.objects.filter(service=service_id)
    if wanted is None:
        if service_id is None:
            raise ValidationError(_("Give at least an empty list of days."))
        rows.delete()
    else:
        rows.exclude(days_before__in=wanted).update(is_active=False, updated_at=now)
        rows.filter(days_before__in=wanted).update(is_active=True, updated_at=now)
        there = set(rows.values_list("days_before", flat=True))
        ReminderWindow.objects.bulk_create(
            ReminderWindow(service_id=service_id, days_before=day, created_by=person(by))
            for day in wanted - there
        )
        if not wanted and not there:
            # A row that is switched off is what says "none".
            ReminderWindow.objects.create(service_id=service_id, days_before=1, is_active=False)
    audit.record(
        by=by,
        action="save_reminder_days",
        entity="scheduling.service",
        entity_id=service_id or "",
        details={"days": sorted(wanted, reverse=True) if wanted is not None else None},
    )


def _checked(days: Iterable[int] | None) -> set[int] | None:
    if days is None:
        return None
    wanted = set(days)
    if any(not 1 <= day <= LONGEST for day in wanted):
        raise ValidationError(_("Days are between 1 and %(n)d.") % {"n": LONGEST})
    if len(wanted) > MOST_WINDOWS:
        raise ValidationError(_("At most %(n)d reminders for one visit.") % {"n": MOST_WINDOWS})
    return wanted


@transaction.atomic
def switch_reminders(*, site_id: UUID, on: bool, by: Actor, now: datetime) -> Site:
    """Stop or start the reminders of a site. Stopped, planned ones wait; their window may pass meanwhile."""
    site = lock(Site.objects, site_id)
    check_can_manage_site(by, site)
    Site.objects.filter(pk=site.pk).update(reminders_on=on)
    audit.record(
        by=by,
        action="start_reminders" if on else "stop_reminders",
        entity="accounts.site",
        entity_id=site.pk,
        site_id=site.pk,
    )
    site.refresh_from_db()
    return site
