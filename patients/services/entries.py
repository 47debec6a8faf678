"""What every entry of the record shares: text checked at the door, the row made, the event written."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.workflow import Actor, NotAllowed, person
from patients.models import Patient
from patients.permissions import check_can_edit
from patients.rules import text
from patients.workflow import PatientStatus

M = TypeVar("M", bound=models.Model)
NAMES = frozenset(
    {"family_name", "given_name", "middle_name", "preferred_name", "former_family_name", "name", "owner_name"}
)


def clean(model: type[models.Model], values: dict[str, Any]) -> dict[str, Any]:
    """The values as they will be stored. Raises ValidationError by field, with sentences.

    Text is kept exactly (names composed) or refused; lengths and choices are the model's own.
    """
    problems: dict[str, list[str]] = {}
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        field = model._meta.get_field(name)
        try:
            cleaned[name] = _clean_value(field, name, value)
        except text.Unfit as error:
            problems[name] = [str(error)]
        except ValidationError as error:
            problems[name] = error.messages
    if problems:
        raise ValidationError(problems)
    return cleaned


def _clean_value(field: Any, name: str, value: Any) -> Any:
    if isinstance(value, str):
        if isinstance(field, models.TextField):
            value = text.long_text(value)
        elif name in NAMES:
            value = text.name(value, field.max_length)
        else:
            value = text.line(value, field.max_length or 254)
    if field.is_relation or (value in (None, "") and (field.null or field.blank)):
        return value
    return field.clean(value, None)


def patient_for_entry(patient_id: UUID, by: Actor) -> Patient:
    """The patient, locked against a change of standing meanwhile, when `by` may write in their record.

    Raises NotAllowed for a record that was merged into another: there is nothing more to write in it.
    """
    patient = lock(Patient.objects.select_related("site"), patient_id)
    check_can_edit(by, patient)
    if patient.status == PatientStatus.MERGED:
        raise NotAllowed(_("This record was merged into another one. Open that one."))
    return patient


def entry_for_change(model: type[M], pk: UUID, by: Actor) -> M:
    """A row of a patient's record, locked, with its patient, when `by` may change it."""
    entry = lock(model._default_manager.select_related("patient__site"), pk)
    check_can_edit(by, entry.patient)  # type: ignore[attr-defined]
    return entry


def add_entry(model: type[M], patient: Patient, *, by: Actor, **values: Any) -> M:
    """Insert one row about the patient and write its event."""
    entry = model(patient=patient, created_by=person(by), **clean(model, values))
    entry.save(force_insert=True)
    log(entry, "add", by=by, fields=sorted(name for name, value in values.items() if value))
    return entry


def change_entry(entry: M, *, by: Actor, action: str = "change", reason: str = "", **values: Any) -> M:
    """Save new values of a row and write its event; without a difference nothing is written."""
    cleaned = clean(type(entry), values)
    changed = sorted(name for name, value in cleaned.items() if getattr(entry, name) != value)
    if not changed:
        return entry
    for name in changed:
        setattr(entry, name, cleaned[name])
    entry.version += 1  # type: ignore[attr-defined]
    entry.save()
    log(entry, action, by=by, fields=changed, reason=reason)
    return entry


def log(entry: Any, action: str, *, by: Actor, fields: list[str], reason: str = "") -> None:
    """One audit event: which fields, never what they hold."""
    audit.record(
        by=by,
        action=action,
        entity=entry._meta.label_lower,
        entity_id=entry.pk,
        patient_id=entry.patient_id,
        site_id=entry.patient.site_id,
        reason=reason,
        details={"fields": fields},
    )


def local_day(patient: Patient, now: datetime) -> date:
    """The calendar day at the patient's place."""
    return timezone.localtime(now, patient.site.tzinfo).date()


def require_reason(reason: str) -> str:
    """A reason that was really given. Raises ValidationError at `reason`."""
    try:
        reason = text.long_text(reason, 2000)
    except text.Unfit as error:
        raise ValidationError({"reason": str(error)}) from None
    if not reason:
        raise ValidationError({"reason": _("Please give a reason.")})
    return reason
