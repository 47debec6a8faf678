"""Notes: written once, never rewritten; taken back as entered in error with the reason."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Practitioner
from coordinator.db import Conflict, lock
from coordinator.workflow import Actor, person
from patients.models import Note, ProviderUpdate, UpdateStatus
from patients.permissions import check_can_acknowledge
from patients.services.entries import (
    add_entry,
    change_entry,
    entry_for_change,
    log,
    patient_for_entry,
    require_reason,
)
from patients.services.updates import acknowledge_update, begin_update, enter_update_in_error


@transaction.atomic
def add_note(
    *,
    patient_id: UUID,
    body: str,
    by: Actor,
    now: datetime,
    kind: str = Note.Kind.PROGRESS,
    report_to: Practitioner | None = None,
    answer_due_at: datetime | None = None,
    label: str = "",
) -> Note:
    """Write a note. With `report_to` that provider gets an update and is chased until they answer or have read it:
    by `answer_due_at` (UTC), else by the usual time (services.updates.usual_reply_time)."""
    patient = patient_for_entry(patient_id, by)
    if not body.strip():
        raise ValidationError({"body": _("Write something first.")})
    if answer_due_at and not report_to:
        raise ValidationError({"report_to": _("Choose who should answer by then.")})
    if answer_due_at and answer_due_at <= now:
        raise ValidationError({"answer_due_at": _("Choose a time that is still to come.")})
    note = add_entry(
        Note,
        patient,
        by=by,
        kind=kind,
        body=body,
        report_to=report_to,
        answer_due_at=answer_due_at,
        label=label,
    )
    if report_to:
        begin_update(patient, note=note, report_to=report_to, reply_due_at=answer_due_at, by=by, now=now)
    return note


@transaction.atomic
def enter_note_in_error(*, note_id: UUID, reason: str, by: Actor, now: datetime) -> Note:
    """Take a note back. It stays readable with its reason; nothing is deleted."""
    note = entry_for_change(Note, note_id, by)
    update = ProviderUpdate.objects.filter(note=note).exclude(status=UpdateStatus.ENTERED_IN_ERROR).first()
    if update is not None:
        enter_update_in_error(update_id=update.pk, reason=reason, by=by, now=now)
    return change_entry(
        note,
        by=by,
        action="enter_in_error",
        reason=require_reason(reason),
        status="entered_in_error",
        error_reason=reason,
    )


@transaction.atomic
def acknowledge_note(*, note_id: UUID, by: Actor, now: datetime) -> Note:
    """The provider has read what was reported to them. Raises Conflict when it was taken back."""
    note = lock(Note.objects.select_related("patient__site"), note_id)
    check_can_acknowledge(by, note)
    if note.status != "current":
        raise Conflict(_("This note was taken back."))
    update = ProviderUpdate.objects.filter(note=note, status=UpdateStatus.SENT).first()
    if update is not None:
        acknowledge_update(update_id=update.pk, by=by, now=now)
        note.refresh_from_db()
    if note.acknowledged_at is None:
        note.acknowledged_at, note.acknowledged_by = now, person(by)
        note.version += 1
        note.save()
        log(note, "acknowledge", by=by, fields=["acknowledged_at"])
    return note
