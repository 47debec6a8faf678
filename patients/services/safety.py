"""Warnings about safe contact: added, corrected and ended, always with an audit event."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.workflow import Actor
from patients.models import ContactPoint, ContactWarning, Patient
from patients.services.entries import add_entry, change_entry, entry_for_change, patient_for_entry

Kind = ContactWarning.Kind
NAMES_A_NUMBER = (Kind.AVOID, Kind.USE_ONLY)
SAYS_IT = (Kind.MAIL_TO, Kind.KEEP_FROM, Kind.OTHER)


@transaction.atomic
def add_contact_warning(
    *, patient_id: UUID, kind: str, by: Actor, now: datetime, **details: Any
) -> ContactWarning:
    """A wish about being contacted; it counts at once, for what is scheduled already as well.

    `details`: contact_point (one of the patient's), calls_from and calls_until (full hours), text, is_sensitive.
    Raises ValidationError by field.
    """
    patient = patient_for_entry(patient_id, by)
    return add_entry(ContactWarning, patient, by=by, kind=kind, **_fitting(patient, kind, details))


@transaction.atomic
def update_contact_warning(*, warning_id: UUID, by: Actor, now: datetime, **changes: Any) -> ContactWarning:
    """Correct a warning. Raises ValidationError by field."""
    warning = entry_for_change(ContactWarning, warning_id, by)
    kind = changes.pop("kind", warning.kind)
    present = {
        name: getattr(warning, name) for name in ("contact_point", "calls_from", "calls_until", "text")
    }
    fitting = _fitting(warning.patient, kind, present | changes)
    return change_entry(warning, by=by, kind=kind, **fitting)


@transaction.atomic
def end_contact_warning(*, warning_id: UUID, by: Actor, now: datetime) -> ContactWarning:
    """The patient no longer wishes it. The row stays."""
    warning = entry_for_change(ContactWarning, warning_id, by)
    return change_entry(warning, by=by, action="end", ended_at=warning.ended_at or now)


def _fitting(patient: Patient, kind: str, details: dict[str, Any]) -> dict[str, Any]:
    """The details that this kind has; others are let go. Raises ValidationError for one that is missing."""
    values = dict(details)
    point: ContactPoint | None = values.get("contact_point")
    if point is not None and point.patient_id != patient.pk:
        raise ValidationError({"contact_point": _("That belongs to another patient.")})
    if kind not in NAMES_A_NUMBER:
        values["contact_point"] = None
    elif point is None:
        raise ValidationError({"contact_point": _("Choose the number or address.")})
    if kind != Kind.HOURS:
        values["calls_from"] = values["calls_until"] = None
    else:
        first, last = values.get("calls_from"), values.get("calls_until")
        if first is None or last is None:
            raise ValidationError({"calls_from": _("Give the first and the last hour.")})
        if not 0 <= first < last <= 24:
            raise ValidationError({"calls_until": _("The last hour has to come after the first.")})
    if kind in SAYS_IT and not (values.get("text") or "").strip():
        raise ValidationError({"text": _("Say it in a few words.")})
    return values
