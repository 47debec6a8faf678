"""Problems, allergies and medicines, each with its source and the day it was last checked."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.workflow import Actor, person
from patients.models import Allergy, AllergyStatus, Medication, Patient, Problem
from patients.models.visibility import opened_to
from patients.rules import doubts
from patients.services.entries import (
    add_entry,
    change_entry,
    entry_for_change,
    local_day,
    patient_for_entry,
)


@transaction.atomic
def add_problem(
    *, patient_id: UUID, name: str, by: Actor, now: datetime, keep: bool = True, **details: Any
) -> Problem:
    """`details`: code, code_system, onset_on, source, last_checked_on. Unless `keep`, what looks wrong is refused
    first (rules.doubts.Doubt): the same problem twice, a day outside the patient's life."""
    patient = patient_for_entry(patient_id, by)
    there = patient.problems.filter(status="active")
    _doubt(patient, "name", name, details, _shown(there, by), keep)
    details.setdefault("last_checked_on", local_day(patient, now))
    return add_entry(Problem, patient, by=by, name=name, **details)


@transaction.atomic
def add_medication(
    *, patient_id: UUID, name: str, by: Actor, now: datetime, keep: bool = True, **details: Any
) -> Medication:
    """`details`: how_taken, code, code_system, started_on, prescriber_name, source, last_checked_on. Doubts as in
    add_problem."""
    patient = patient_for_entry(patient_id, by)
    there = patient.medications.filter(status__in=["active", "on_hold"])
    _doubt(patient, "name", name, details, _shown(there, by), keep)
    details.setdefault("last_checked_on", local_day(patient, now))
    return add_entry(Medication, patient, by=by, name=name, **details)


@transaction.atomic
def add_allergy(
    *, patient_id: UUID, substance: str, by: Actor, now: datetime, keep: bool = True, **details: Any
) -> Allergy:
    """`details`: reaction, severity, code, code_system, source, last_checked_on. Doubts as in add_problem.

    The patient's allergies are then "recorded", whatever they were before.
    """
    patient = patient_for_entry(patient_id, by)
    there = patient.allergies.filter(status="active").values_list("substance", "code")
    _doubt(patient, "substance", substance, details, there, keep)
    details.setdefault("last_checked_on", local_day(patient, now))
    details.setdefault("recorded_on", local_day(patient, now))
    allergy = add_entry(Allergy, patient, by=by, substance=substance, **details)
    _say(patient, AllergyStatus.RECORDED, now)
    return allergy


def _shown(there: Any, by: Actor) -> Any:
    """(name, code) of the entries that `by` may see: a doubt must not tell that a protected one is there."""
    reader = person(by)
    return (there.filter(opened_to(reader)) if reader else there).values_list("name", "code")


def _doubt(patient: Patient, field: str, name: str, details: dict[str, Any], there: Any, keep: bool) -> None:
    """Raises Doubt for an entry that is there already, and for days before the birth or after the death."""
    given = {key: details.get(key) for key in ("onset_on", "started_on")}
    said = doubts.days(patient.birth_date, patient.deceased_on, given)
    if twin := doubts.same(name, details.get("code") or "", there):
        said[field] = [_("“%(name)s” is on the list already.") % {"name": twin}]
    doubts.refuse(said, keep)


@transaction.atomic
def record_no_known_allergies(*, patient_id: UUID, by: Actor, now: datetime) -> Patient:
    """Somebody asked, and there are none. Raises Conflict while an active allergy is recorded."""
    patient = patient_for_entry(patient_id, by)
    if patient.allergies.filter(status="active").exists():
        raise Conflict(_("An allergy is recorded. Mark it as inactive first."))
    _say(patient, AllergyStatus.NONE_KNOWN, now)
    audit.record_change(patient, "record_no_known_allergies", by=by)
    return patient


def _say(patient: Patient, known: str, now: datetime) -> None:
    patient.allergy_status, patient.allergies_checked_on = known, local_day(patient, now)
    patient.save(update_fields=["allergy_status", "allergies_checked_on", "search_name", "updated_at"])


def confirm_allergies(patient: Patient, now: datetime) -> None:
    """Somebody asked about the whole list: checked today. For services that hold the patient already."""
    known = AllergyStatus.RECORDED if patient.allergies.filter(status="active").exists() else None
    _say(patient, known or AllergyStatus.NOT_RECORDED, now)


@transaction.atomic
def change_allergy(
    *, allergy_id: UUID, by: Actor, now: datetime, reason: str = "", **changes: Any
) -> Allergy:
    """Correct an allergy or its standing. When no active one is left, allergies are "not recorded"
    until somebody asks again: nobody said that there are none."""
    allergy = entry_for_change(Allergy, allergy_id, by)
    changes.setdefault("last_checked_on", local_day(allergy.patient, now))
    change_entry(allergy, by=by, reason=_reason(changes, reason), **changes)
    if not allergy.patient.allergies.filter(status="active").exists():
        _say(allergy.patient, AllergyStatus.NOT_RECORDED, now)
    return allergy


@transaction.atomic
def change_problem(
    *, problem_id: UUID, by: Actor, now: datetime, reason: str = "", **changes: Any
) -> Problem:
    """Correct a problem or its standing (active, inactive, resolved, entered_in_error)."""
    problem = entry_for_change(Problem, problem_id, by)
    changes.setdefault("last_checked_on", local_day(problem.patient, now))
    if changes.get("status") == "resolved":
        changes.setdefault("ended_on", local_day(problem.patient, now))
    return change_entry(problem, by=by, reason=_reason(changes, reason), **changes)


@transaction.atomic
def change_medication(
    *, medication_id: UUID, by: Actor, now: datetime, reason: str = "", **changes: Any
) -> Medication:
    """Correct a medicine or its standing (active, on_hold, stopped, completed, entered_in_error)."""
    medication = entry_for_change(Medication, medication_id, by)
    changes.setdefault("last_checked_on", local_day(medication.patient, now))
    if changes.get("status") in ("stopped", "completed"):
        changes.setdefault("ended_on", local_day(medication.patient, now))
    return change_entry(medication, by=by, reason=_reason(changes, reason), **changes)


def _reason(changes: dict[str, Any], reason: str) -> str:
    if changes.get("status") == "entered_in_error" and not reason.strip():
        raise ValidationError({"reason": _("Please give a reason.")})
    return reason
