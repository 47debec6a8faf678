"""A patient's standing with the clinic: each step through the one door, each with its trail."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.workflow import Actor, move
from patients.models import Patient
from patients.services.entries import local_day, patient_for_entry, require_reason


@transaction.atomic
def inactivate_patient(*, patient_id: UUID, reason: str, by: Actor, now: datetime) -> Patient:
    """No longer in our care. Apps above hear `moved` and stop messages and reroute open work."""
    patient = patient_for_entry(patient_id, by)
    move(patient, "inactivate", by=by, now=now, reason=require_reason(reason))
    return patient


@transaction.atomic
def transfer_patient(*, patient_id: UUID, reason: str, by: Actor, now: datetime) -> Patient:
    """Cared for elsewhere now; `reason` says where and why. A referral alone never does this."""
    patient = patient_for_entry(patient_id, by)
    move(patient, "transfer", by=by, now=now, reason=require_reason(reason))
    return patient


@transaction.atomic
def record_death(*, patient_id: UUID, died_on: date, by: Actor, now: datetime, reason: str = "") -> Patient:
    """Record a death on its calendar day. Raises ValidationError for a day before birth or still to come."""
    patient = patient_for_entry(patient_id, by)
    if died_on > local_day(patient, now):
        raise ValidationError({"died_on": _("The day of death cannot be in the future.")})
    if patient.birth_date and died_on < patient.birth_date:
        raise ValidationError({"died_on": _("The day of death cannot be before the birth date.")})
    move(patient, "record_death", by=by, now=now, reason=reason, deceased_on=died_on)
    return patient


@transaction.atomic
def reactivate_patient(*, patient_id: UUID, reason: str, by: Actor, now: datetime) -> Patient:
    """In our care again; a death recorded by mistake is taken back with its date."""
    patient = patient_for_entry(patient_id, by)
    move(patient, "reactivate", by=by, now=now, reason=require_reason(reason), deceased_on=None)
    return patient


@transaction.atomic
def enter_patient_in_error(*, patient_id: UUID, reason: str, by: Actor, now: datetime) -> Patient:
    """This record should never have been made. It leaves every list; the trail keeps it."""
    patient = patient_for_entry(patient_id, by)
    move(patient, "enter_in_error", by=by, now=now, reason=require_reason(reason))
    return patient
