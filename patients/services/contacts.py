"""Phones and e-mail addresses: whose they are, and what may be left there."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.db import refusals
from coordinator.workflow import Actor
from patients.models import ContactPoint, Patient
from patients.rules import telephones, text
from patients.services.entries import add_entry, change_entry, entry_for_change, patient_for_entry

ONCE = {"contact_point_once": _("This number or address is already recorded for the patient.")}


@transaction.atomic
def add_contact_point(
    *, patient_id: UUID, kind: str, value: str, by: Actor, now: datetime, **details: Any
) -> ContactPoint:
    """Add a phone ("phone") or e-mail ("email"). The first of its kind gets rank 1.

    `details`: use, owner_name, owner_relationship, rank, ok_to_message, ok_to_leave_voicemail,
    permission_source. Raises ValidationError at `value`, Conflict when it is there already.
    """
    return make_contact_point(patient_for_entry(patient_id, by), kind, value, by=by, now=now, **details)


def make_contact_point(
    patient: Patient, kind: str, value: str, *, by: Actor, now: datetime, **details: Any
) -> ContactPoint:
    """For services that hold the patient already."""
    written = written_forms(kind, value)
    details.setdefault("rank", patient.contact_points.filter(kind=kind, ended_at=None).count() + 1)
    if details.get("ok_to_message"):
        details["permission_at"] = now
    with refusals(contact_point_once=str(ONCE["contact_point_once"])):
        return add_entry(ContactPoint, patient, by=by, kind=kind, **written, **details)


def written_forms(kind: str, value: str) -> dict[str, str]:
    """value (as typed), normalized and last_four. Raises ValidationError at `value`."""
    if kind not in ContactPoint.Kind.values:
        raise ValidationError({"kind": _("Choose phone or e-mail.")})
    try:
        value = text.line(value, 254)
        if kind == ContactPoint.Kind.EMAIL:
            return {"value": value, "normalized": telephones.normal_email(value), "last_four": ""}
        e164 = telephones.normal_phone(value)
    except (text.Unfit, telephones.NotANumber) as error:
        raise ValidationError({"value": str(error)}) from None
    return {"value": value, "normalized": e164, "last_four": telephones.last_four(e164)}


@transaction.atomic
def update_contact_point(*, contact_point_id: UUID, by: Actor, now: datetime, **changes: Any) -> ContactPoint:
    """Change use, owner, rank or what may be left there. A new number is a new contact point.

    Allowing messages notes when; taking it back keeps no old permission.
    """
    point = entry_for_change(ContactPoint, contact_point_id, by)
    if "ok_to_message" in changes and changes["ok_to_message"] != point.ok_to_message:
        changes["permission_at"] = now if changes["ok_to_message"] else None
    return change_entry(point, by=by, **changes)


@transaction.atomic
def end_contact_point(*, contact_point_id: UUID, by: Actor, now: datetime, reason: str = "") -> ContactPoint:
    """No longer in use. The row stays: contacts made there point to it."""
    point = entry_for_change(ContactPoint, contact_point_id, by)
    return change_entry(point, by=by, action="end", reason=reason, ended_at=point.ended_at or now)


@transaction.atomic
def mark_contact_point_failing(
    *, contact_point_id: UUID, by: Actor, now: datetime, failing: bool = True
) -> ContactPoint:
    """Wrong number, disconnected, or deliveries that fail; `failing=False` when it works again."""
    point = entry_for_change(ContactPoint, contact_point_id, by)
    since = (point.failing_since or now) if failing else None
    return change_entry(point, by=by, action="mark_failing", failing_since=since)


@transaction.atomic
def record_opt_out(
    *, contact_point_id: UUID, by: Actor, now: datetime, opted_out: bool = True
) -> ContactPoint:
    """The person asked for no more messages there (or, `opted_out=False`, takes that back)."""
    point = entry_for_change(ContactPoint, contact_point_id, by)
    at = (point.opted_out_at or now) if opted_out else None
    return change_entry(point, by=by, action="opt_out", opted_out_at=at)
