"""Setting up the schedule: visit types, weekly hours, blocks. Each write says who did it in the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Practitioner, Site
from coordinator.audit import services as audit
from coordinator.db import Conflict, advisory_lock, lock, refusals
from coordinator.workflow import Actor, person
from scheduling.models import Appointment, Availability, Block, Service
from scheduling.permissions import check_can_set_up
from scheduling.services.waitlist_ends import withdraw_offers_in
from scheduling.workflow import UPCOMING

SERVICE_FIELDS = (
    "name",
    "minutes",
    "is_outside",
    "preparation",
    "no_show_grace_minutes",
    "is_active",
    "codes",
    "units",
)


@transaction.atomic
def save_service(*, by: Actor, now: datetime, service_id: UUID | None = None, **fields: Any) -> Service:
    """A new visit type, or changes of one. Visits that are booked keep the minutes they were booked with.

    Raises Conflict when the name is taken.
    """
    check_can_set_up(by)
    service = lock(Service.objects, service_id) if service_id else Service(created_by=person(by))
    before = {name: getattr(service, name) for name in SERVICE_FIELDS}
    for name in SERVICE_FIELDS:
        if name in fields:
            setattr(service, name, fields[name])
    service.version += 1 if service_id else 0
    taken = _("There is a visit type with this name already.")
    with refusals(scheduling_service_name_key=taken), transaction.atomic():
        service.save()
    changed = {
        n: [before[n], getattr(service, n)] for n in SERVICE_FIELDS if before[n] != getattr(service, n)
    }
    _record(service, "save_service", by, None, changed if service_id else {"name": service.name})
    return service


@transaction.atomic
def save_hours(
    *,
    practitioner_id: UUID,
    site_id: UUID,
    weekdays: Iterable[int],
    starts: time,
    ends: time,
    by: Actor,
    now: datetime,
    valid_from: date | None = None,
    valid_to: date | None = None,
    service_ids: Iterable[UUID] = (),
) -> list[Availability]:
    """Weekly hours on these weekdays (Monday is 0), local time. What is booked already stays booked."""
    check_can_set_up(by, site_id)
    _check_period(starts, ends, _("The end must be later than the start."))
    if valid_from and valid_to:
        _check_period(valid_from, valid_to, _("The last day must not be before the first."), may_equal=True)
    advisory_lock(("site", site_id), ("practitioner", practitioner_id))
    made = []
    for weekday in sorted(set(weekdays)):
        same = Availability.objects.filter(
            practitioner=practitioner_id, site=site_id, weekday=weekday, starts__lt=ends, ends__gt=starts
        )
        if _clash(same, valid_from, valid_to):
            raise Conflict(_("These hours overlap hours that are there already."))
        hours = Availability.objects.create(
            practitioner_id=practitioner_id,
            site_id=site_id,
            weekday=weekday,
            starts=starts,
            ends=ends,
            valid_from=valid_from,
            valid_to=valid_to,
            created_by=person(by),
        )
        hours.services.set(Service.objects.filter(pk__in=list(service_ids)))
        made.append(hours)
        _record(hours, "save_hours", by, site_id, {"weekday": weekday, "starts": starts, "ends": ends})
    return made


def _clash(same: Any, valid_from: date | None, valid_to: date | None) -> bool:
    return any(
        (valid_to is None or hours.valid_from is None or hours.valid_from <= valid_to)
        and (valid_from is None or hours.valid_to is None or valid_from <= hours.valid_to)
        for hours in same
    )


@transaction.atomic
def end_hours(*, hours_id: UUID, last_day: date, by: Actor, now: datetime) -> Availability | None:
    """No more visits in these hours after `last_day`. Hours that never began by then are removed (None)."""
    hours = lock(Availability.objects, hours_id)
    check_can_set_up(by, hours.site_id)
    if hours.valid_from and hours.valid_from > last_day:
        _record(hours, "remove_hours", by, hours.site_id, {"last_day": last_day})
        hours.delete()
        return None
    hours.valid_to = last_day
    hours.version += 1
    hours.save()
    _record(hours, "end_hours", by, hours.site_id, {"last_day": last_day})
    return hours


@transaction.atomic
def add_block(
    *,
    site_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    by: Actor,
    now: datetime,
    practitioner_id: UUID | None = None,
) -> tuple[Block, int]:
    """A time without visits, of one practitioner or (None) of the whole site; and how many booked visits lie in it.

    Those visits are not touched: somebody moves them one by one. Offers of that time are taken back.
    """
    check_can_set_up(by, site_id)
    _check_period(starts_at, ends_at, _("The end must be later than the start."))
    if practitioner_id and not Practitioner.objects.filter(pk=practitioner_id).exists():
        raise ValidationError({"practitioner_id": _("Choose a provider from the list.")})
    advisory_lock(("practitioner", practitioner_id))
    block = Block.objects.create(
        site=Site.objects.get(pk=site_id),
        practitioner_id=practitioner_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip(),
        created_by=person(by),
    )
    _record(block, "add_block", by, site_id, {"starts_at": starts_at, "ends_at": ends_at})
    withdraw_offers_in(block, by=by, now=now)
    return block, visits_in(block).count()


@transaction.atomic
def remove_block(*, block_id: UUID, by: Actor, now: datetime) -> None:
    block = lock(Block.objects, block_id)
    check_can_set_up(by, block.site_id)
    _record(block, "remove_block", by, block.site_id, {"starts_at": block.starts_at, "reason": block.reason})
    block.delete()


def visits_in(block: Block) -> Any:
    """Visits that are booked inside a block and need another time."""
    found = Appointment.objects.filter(status__in=UPCOMING, start__lt=block.ends_at, end__gt=block.starts_at)
    if block.practitioner_id:
        return found.filter(practitioner=block.practitioner_id)
    return found.filter(site=block.site_id)


def _check_period(start: Any, end: Any, sentence: str, may_equal: bool = False) -> None:
    if end < start or (end == start and not may_equal):
        raise ValidationError({"ends": sentence})


def _record(row: Any, action: str, by: Actor, site_id: UUID | None, details: dict[str, Any]) -> None:
    audit.record(
        by=by,
        action=action,
        entity=row._meta.label_lower,
        entity_id=row.pk,
        site_id=site_id,
        details=details,
    )
