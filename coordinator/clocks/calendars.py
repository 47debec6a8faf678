"""Writes to business calendars. Every change raises the version; clocks that are running keep the one they used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.clocks.models import BusinessCalendar, Holiday
from coordinator.clocks.selectors import forget_calendars
from coordinator.db import lock, refusals
from coordinator.workflow import Actor, System


@transaction.atomic
def copy_calendar(*, source_id: UUID, name: str, zone: str, by: Actor, now: datetime) -> BusinessCalendar:
    """A calendar of its own for a site, starting with the closed weekdays and holidays of another (version 1)."""
    _check_may(by)
    source = BusinessCalendar.objects.get(pk=source_id)
    with refusals(), transaction.atomic():
        calendar = BusinessCalendar.objects.create(
            name=name, zone=zone, closed_weekdays=source.closed_weekdays
        )
    Holiday.objects.bulk_create(
        [
            Holiday(calendar=calendar, date=day, name=text)
            for day, text in source.holidays.values_list("date", "name")
        ]
    )
    _record(calendar, "copy_calendar", by, {"from": str(source.pk)})
    return calendar


@transaction.atomic
def change_holidays(
    *, calendar_id: UUID, add: Mapping[date, str], remove: Iterable[date], by: Actor, now: datetime
) -> BusinessCalendar:
    """Add closed days (date -> name; a known date is renamed) and open others. Raises the version."""
    _check_may(by)
    calendar = lock(BusinessCalendar.objects.all(), calendar_id)
    removed = sorted(remove)
    calendar.holidays.filter(date__in=removed).delete()
    Holiday.objects.bulk_create(
        [Holiday(calendar=calendar, date=day, name=name) for day, name in add.items()],
        update_conflicts=True,
        unique_fields=["calendar", "date"],
        update_fields=["name"],
    )
    calendar.version += 1
    calendar.save(update_fields=["version"])
    forget_calendars()
    _record(
        calendar,
        "change_holidays",
        by,
        {"added": sorted(add), "removed": removed, "version": calendar.version},
    )
    return calendar


def _check_may(by: Actor) -> None:
    if not isinstance(by, System) and not by.can("settings.manage"):
        raise PermissionDenied(_("Your role does not include changing calendars."))


def _record(calendar: BusinessCalendar, action: str, by: Actor, details: dict[str, object]) -> None:
    audit.record(
        by=by, action=action, entity="clocks.businesscalendar", entity_id=calendar.pk, details=details
    )
