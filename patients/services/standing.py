"""A patient's standing with the clinic: each step through the one door, each with its trail.

Apps above hear `moved`: messages stop, open work is closed or goes to whoever has to end it, and comes back when the
patient is active again (patients.leaving). `cancel_visits` are the keys of the visits to come that people agreed to
cancel; None when nobody was asked, and then a task asks.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.workflow import Actor, move
from patients.models import Patient
from patients.services.entries import local_day, patient_for_entry, require_reason


def _agreed(visits: Collection[str] | None) -> dict[str, Any]:
    return {} if visits is None else {"cancel_visits": sorted(map(str, visits))}


@transaction.atomic
def inactivate_patient(
    *, patient_id: UUID, reason: str, by: Actor, now: datetime, cancel_visits: Collection[str] | None = None
) -> Patient:
    """No longer in our care."""
    patient = patient_for_entry(patient_id, by)
    facts = _agreed(cancel_visits)
    move(patient, "inactivate", by=by, now=now, reason=require_reason(reason), **facts)
    return patient


@transaction.atomic
def transfer_patient(
    *, patient_id: UUID, reason: str, by: Actor, now: datetime, cancel_visits: Collection[str] | None = None
) -> Patient:
    """Cared for elsewhere now; `reason` says where and why. A referral alone never does this."""
    patient = patient_for_entry(patient_id, by)
    facts = _agreed(cancel_visits)
    move(patient, "transfer", by=by, now=now, reason=require_reason(reason), **facts)
    return patient


@transaction.atomic
def record_death(
    *,
    patient_id: UUID,
    died_on: date,
    by: Actor,
    now: datetime,
    reason: str = "",
    cancel_visits: Collection[str] | None = None,
) -> Patient:
    """Record a death on its calendar day. Raises ValidationError for a day before birth or still to come."""
    patient = patient_for_entry(patient_id, by)
    if died_on > local_day(patient, now):
        raise ValidationError({"died_on": _("The day of death cannot be in the future.")})
    if patient.birth_date and died_on < patient.birth_date:
        raise ValidationError({"died_on": _("The day of death cannot be before the birth date.")})
    facts = _agreed(cancel_visits)
    move(patient, "record_death", by=by, now=now, reason=reason, deceased_on=died_on, **facts)
    return patient


@transaction.atomic
def reactivate_patient(*, patient_id: UUID, reason: str, by: Actor, now: datetime) -> Patient:
    """In our care again; a death recorded by mistake is taken back with its date."""
    patient = patient_for_entry(patient_id, by)
    move(patient, "reactivate", by=by, now=now, reason=require_reason(reason), deceased_on=None)
    return patient


@transaction.atomic
def enter_patient_in_error(
    *, patient_id: UUID, reason: str, by: Actor, now: datetime, cancel_visits: Collection[str] | None = None
) -> Patient:
    """This record should never have been made. It leaves every list; the trail keeps it."""
    patient = patient_for_entry(patient_id, by)
    facts = _agreed(cancel_visits)
    move(patient, "enter_in_error", by=by, now=now, reason=require_reason(reason), **facts)
    return patient
