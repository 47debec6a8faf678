"""Registering a patient, and changing who they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site, User
from coordinator.db import Conflict, refusals
from coordinator.workflow import Actor, begin, person, record_edit
from patients.models import Patient
from patients.permissions import can_lead, check_can_register
from patients.services.contacts import make_contact_point
from patients.services.coverage import make_coverage
from patients.services.entries import clean, local_day, patient_for_entry
from patients.services.people import lead_by

EDITABLE = (
    "family_name",
    "given_name",
    "middle_name",
    "prefix",
    "suffix",
    "preferred_name",
    "former_family_name",
    "birth_date",
    "sex",
    "gender_identity",
    "pronouns",
    "language",
    "interpreter_needed",
    "time_zone",
    "best_time_to_call",
    "address_line",
    "city",
    "state",
    "postal_code",
    "country",
    "tier",
    "primary_care",
)


@transaction.atomic
def register_patient(
    *,
    site: Site,
    by: Actor,
    now: datetime,
    mrn: str = "",
    contact_points: Iterable[Mapping[str, Any]] = (),
    coverages: Iterable[Mapping[str, Any]] = (),
    coordinator: User | None = None,
    **details: Any,
) -> Patient:
    """A new patient at `site`, with phones, e-mails and coverage if given.

    `details` are the fields of EDITABLE (family_name or given_name at least); each contact point is
    {kind, value, ...} as add_contact_point takes, each coverage {payer_name, ...}. Without `mrn` the
    clinic's own number is given. Raises ValidationError by field, Conflict when the MRN is taken.
    """
    check_can_register(by, site)
    cleaned = _clean(details)
    if not (cleaned.get("family_name") or cleaned.get("given_name")):
        raise ValidationError({"family_name": _("Enter a name.")})
    mrn = clean(Patient, {"mrn": mrn})["mrn"] if mrn else next_mrn()
    patient = Patient(site=site, mrn=mrn, created_by=person(by), **cleaned)
    _check_birth_date(patient.birth_date, local_day(patient, now))
    with refusals(patients_patient_mrn_key=_("This MRN belongs to another patient.")):
        patient.save(force_insert=True)
    begin(patient, by=by, now=now)
    for point in contact_points:
        make_contact_point(patient, by=by, now=now, **point)
    for coverage in coverages:
        make_coverage(patient, by=by, **coverage)
    if coordinator is not None:
        if not can_lead(coordinator, patient):
            raise ValidationError({"coordinator": _("Choose someone who works with patients at this place.")})
        lead_by(patient, coordinator, by=by, now=now)
    return patient


def next_mrn() -> str:
    """Our next record number, nine digits; numbers that an import brought are skipped."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute("select lpad(nextval('patients_mrn')::text, 9, '0')")
            mrn = cursor.fetchone()[0]
            if not Patient.objects.filter(mrn=mrn).exists():
                return mrn


def _clean(details: dict[str, Any]) -> dict[str, Any]:
    unknown = set(details) - set(EDITABLE)
    if unknown:
        raise TypeError(f"Not fields of a patient that can be set here: {sorted(unknown)}")
    return clean(Patient, details)


def _check_birth_date(born: date | None, today: date) -> None:
    if born and born > today:
        raise ValidationError({"birth_date": _("The date of birth cannot be in the future.")})
    if born and born.year < 1850:
        raise ValidationError({"birth_date": _("Check the year of birth.")})


@transaction.atomic
def update_patient(
    *, patient_id: UUID, version: int | None, by: Actor, now: datetime, **changes: Any
) -> Patient:
    """Change fields of EDITABLE. `version` is the one the person had on screen (None: overwrite knowingly).

    When somebody saved other words into the same fields since then, nothing is saved and Conflict has
    `extra`: version (the present one), fields {name: (theirs, yours)}, by (who saved last), at (UTC).
    Changes to other fields do not disturb each other.
    """
    patient = patient_for_entry(patient_id, by)
    cleaned = _clean(changes)
    differing = {
        name: (getattr(patient, name), value)
        for name, value in cleaned.items()
        if getattr(patient, name) != value
    }
    if not differing:
        return patient
    if version is not None and version != patient.version:
        _refuse_if_overtaken(patient, version, differing)
    if not (cleaned.get("family_name", patient.family_name) or cleaned.get("given_name", patient.given_name)):
        raise ValidationError({"family_name": _("Enter a name.")})
    for name, (_old, value) in differing.items():
        setattr(patient, name, value)
    _check_birth_date(patient.birth_date, local_day(patient, now))
    if patient.deceased_on and patient.birth_date and patient.birth_date > patient.deceased_on:
        raise ValidationError({"birth_date": _("The date of birth cannot be after the day of death.")})
    patient.version += 1
    patient.save()
    record_edit(patient, "update", by=by, now=now, fields=sorted(differing), version=patient.version)
    return patient


def _refuse_if_overtaken(patient: Patient, version: int, differing: dict[str, tuple[Any, Any]]) -> None:
    since = patient.changes.filter(facts__version__gt=version).select_related("by").order_by("-at", "-id")
    last, overtaken = None, set()
    for change in since:
        fields = set(change.facts["fields"]) & set(differing)
        last = last or (change if fields else None)
        overtaken |= fields
    if last is not None:
        raise Conflict(
            _("Someone else changed this record after you opened it. Nothing of yours was saved yet."),
            version=patient.version,
            fields={name: differing[name] for name in sorted(overtaken)},
            by=last.by,
            at=last.at,
        )
