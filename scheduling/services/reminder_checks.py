"""The last look at a reminder before it leaves, whatever changed since it was planned and whoever forgot to say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from coordinator.db import db_now
from coordinator.messaging.claims import Claimed
from coordinator.messaging.models import Message, MessageStatus, SkipReason
from patients.models import ContactPoint, Topic, owner_hears
from patients.safe_contact import Safety, safety_of
from patients.workflow import PatientStatus
from scheduling.models import Appointment
from scheduling.rules.reminders import Address, choose_address, visit_key
from scheduling.rules.zones import recipient_zones
from scheduling.workflow import UPCOMING

SUPERSEDED = "superseded"


def still_wanted(claimed: Sequence[Claimed]) -> dict[UUID, str]:
    """Reasons, by message id, why a claimed reminder must not go (five small queries for the batch).

    A night that is made up for later was decided as of that night a moment ago, and is not asked again.
    """
    live = [message for message in claimed if not message.replay]
    if not live:
        return {}
    visits = Appointment.objects.filter(pk__in=[m.about_id for m in live]).select_related("patient", "site")
    by_id = {visit.pk: visit for visit in visits}
    now = db_now()
    points = _points(live, now)
    busy = _sent_today(live, now)
    wishes = safety_of([m.patient_id for m in live if m.patient_id])
    reasons = {}
    for message in live:
        visit = by_id.get(message.about_id)
        reason = (
            _visit_reason(message, visit)
            or _address_reason(points.get((message.patient_id, message.address)))
            or _wish_reason(visit, points[message.patient_id, message.address], wishes, now)
        )
        if not reason and visit is not None:
            reason = _limit_reason(message, visit, busy, now)
        if reason:
            reasons[message.id] = reason
    return reasons


def _visit_reason(message: Claimed, visit: Appointment | None) -> str:
    if visit is None or visit.status not in UPCOMING:
        return SkipReason.NOT_REMINDABLE_STATUS
    if not message.key.startswith(visit_key(visit.pk, visit.start_version, 0).removesuffix("0d")):
        return SUPERSEDED
    patient = visit.patient
    if patient.status != PatientStatus.ACTIVE or patient.deceased_on is not None:
        return SkipReason.PATIENT_DECEASED_OR_INACTIVE
    return ""


def _points(live: Sequence[Claimed], now: datetime) -> dict[tuple[UUID | None, str], ContactPoint]:
    found = ContactPoint.objects.filter(
        patient__in=[m.patient_id for m in live], normalized__in=[m.address for m in live], ended_at=None
    ).annotate(hears=owner_hears(Topic.SCHEDULING, now.date()))
    return {(point.patient_id, point.normalized): point for point in found}


def _address_reason(point: Any) -> str:
    if point is None:
        return SkipReason.NO_ADDRESS
    address = Address(
        channel="",
        value=point.normalized,
        permitted=point.ok_to_message,
        opted_out=point.opted_out_at is not None,
        failing=point.failing_since is not None,
        hears=point.hears,
    )
    return choose_address([address])[1]


def _wish_reason(
    visit: Appointment | None, point: ContactPoint, wishes: dict[UUID, Safety], now: datetime
) -> str:
    """A warning that was added after the reminder was planned counts as well, its hours too."""
    safety = wishes.get(point.patient_id)
    if safety is None or visit is None:
        return ""
    zone = ZoneInfo(visit.patient.time_zone or visit.site.zone)
    span = safety.hours()
    at_a_bad_hour = span is not None and now.astimezone(zone).hour not in range(*span)
    held = safety.no_messages or at_a_bad_hour or safety.is_unsafe(point)
    return SkipReason.SAFE_CONTACT_HOLD if held else ""


def _sent_today(live: Sequence[Claimed], now: datetime) -> list[Message]:
    """What went to these addresses in the last day and a half, or is going at this moment."""
    since = now - timedelta(hours=36)
    gone = Q(
        status__in=(MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.UNKNOWN), finished_at__gt=since
    )
    return list(
        Message.objects.filter(gone | Q(status=MessageStatus.SENDING), replay=False)
        .filter(address__in=[m.address for m in live], purpose=live[0].purpose)
        .only("id", "address", "status", "finished_at")
    )


def _limit_reason(message: Claimed, visit: Appointment, others: Sequence[Message], now: datetime) -> str:
    """One a day to one address, also when messages were held up and now go together: the first planned wins."""
    zones = recipient_zones(visit.patient.time_zone, visit.site.zone, visit.patient.state)
    zone = ZoneInfo(zones[0])
    today = now.astimezone(zone).date()
    for other in others:
        if other.address != message.address or other.pk == message.id:
            continue
        if other.finished_at is None:
            if other.pk < message.id:
                return SkipReason.DAILY_LIMIT
        elif other.finished_at.astimezone(zone).date() == today:
            return SkipReason.DAILY_LIMIT
    return ""
