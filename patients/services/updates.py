"""Updates to a provider: sent, answered or read, and chased until then (domain rule M13)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.accounts.models import Practitioner
from coordinator.clocks.rules import next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import lock
from coordinator.workflow import Actor, begin, move, person, record_edit
from patients.models import Note, Patient, ProviderUpdate, UpdateStatus
from patients.permissions import check_can_answer, check_can_edit
from patients.services.entries import clean, patient_for_entry, require_reason

# Product defaults, where nobody names a time: how long a provider has.
URGENT_HOURS = 4
ROUTINE_UNTIL = time(17)
REMIND_EVERY = timedelta(hours=24)


def usual_reply_time(patient: Patient, urgency: str, now: datetime) -> datetime:
    """When an answer is due if nobody says: urgent in 4 hours, routine at 5 PM (local) of the next business day."""
    if urgency == ProviderUpdate.Urgency.URGENT:
        return now + timedelta(hours=URGENT_HOURS)
    zone = patient.site.tzinfo
    day = next_open_day(timezone.localtime(now, zone).date(), as_calendar(calendar_for(patient.site)))
    return datetime.combine(day, ROUTINE_UNTIL, zone).astimezone(now.tzinfo)


@transaction.atomic
def send_update(
    *,
    patient_id: UUID,
    report_to: Practitioner,
    ask: str,
    by: Actor,
    now: datetime,
    situation: str = "",
    observation: str = "",
    urgency: str = ProviderUpdate.Urgency.ROUTINE,
    reply_due_at: datetime | None = None,
) -> ProviderUpdate:
    """Ask a provider something about a patient; the answer is due at `reply_due_at` (UTC), or by usual_reply_time.

    Raises ValidationError by field, PermissionDenied.
    """
    patient = patient_for_entry(patient_id, by)
    if not ask.strip():
        raise ValidationError({"ask": _("Say what the provider should do or answer.")})
    words = {"situation": situation, "observation": observation, "ask": ask}
    return begin_update(
        patient, report_to=report_to, urgency=urgency, reply_due_at=reply_due_at, by=by, now=now, **words
    )


def begin_update(
    patient: Patient, *, by: Actor, now: datetime, reply_due_at: datetime | None = None, **values: Any
) -> ProviderUpdate:
    """For services that hold the patient already."""
    if reply_due_at and reply_due_at <= now:
        raise ValidationError({"reply_due_at": _("Choose a time that is still to come.")})
    urgency = values.get("urgency") or ProviderUpdate.Urgency.ROUTINE
    values["reply_due_at"] = reply_due_at or usual_reply_time(patient, urgency, now)
    update = ProviderUpdate(patient=patient, created_by=person(by), **clean(ProviderUpdate, values))
    begin(update, by=by, now=now)
    return update


def lock_update(update_id: UUID) -> ProviderUpdate:
    """The update, locked, and before it its note: the order of whoever begins with the note."""
    of_it = ProviderUpdate.objects.filter(pk=update_id).values("note")
    list(Note.objects.select_for_update(of=("self",)).filter(pk__in=of_it).order_by())
    rows = ProviderUpdate.objects.select_related("patient__site", "report_to", "note", "created_by")
    return lock(rows, update_id)


@transaction.atomic
def acknowledge_update(*, update_id: UUID, by: Actor, now: datetime) -> ProviderUpdate:
    """The provider has read it and has nothing to add. Raises NotAllowed when it is past that."""
    update = lock_update(update_id)
    check_can_answer(by, update)
    move(update, "acknowledge", by=by, now=now, acknowledged_at=now)
    _note_was_read(update, by, now)
    return update


@transaction.atomic
def answer_update(
    *, update_id: UUID, answer: str, by: Actor, now: datetime, answer_route: str = ""
) -> ProviderUpdate:
    """What the provider answered: written by them, or by a coordinator whom they told (`answer_route`: how)."""
    update = lock_update(update_id)
    check_can_answer(by, update)
    if not answer.strip():
        raise ValidationError({"answer": _("Write the answer first.")})
    own = getattr(by, "practitioner_id", None) == update.report_to_id
    route = ProviderUpdate.Route.HERE if own else answer_route
    if not own and route in ("", ProviderUpdate.Route.HERE):
        raise ValidationError({"answer_route": _("Say how the provider told you.")})
    facts = clean(ProviderUpdate, {"answer": answer, "answer_route": route})
    move(update, "answer", by=by, now=now, answered_at=now, answered_by=person(by), **facts)
    _note_was_read(update, by, now)
    if person(by) is not None and person(by) == update.created_by:
        move(update, "read_answer", by=by, now=now)  # who wrote it down has read it
    return update


def _note_was_read(update: ProviderUpdate, by: Actor, now: datetime) -> None:
    note = update.note
    if note is None or note.acknowledged_at is not None:
        return
    Note.objects.filter(pk=note.pk).update(acknowledged_at=now, acknowledged_by=person(by))


@transaction.atomic
def read_answer(*, update_id: UUID, by: Actor, now: datetime) -> ProviderUpdate:
    """Whoever asked has read the answer: nothing is open any more."""
    update = lock_update(update_id)
    check_can_edit(by, update.patient)
    move(update, "read_answer", by=by, now=now)
    return update


@transaction.atomic
def withdraw_update(*, update_id: UUID, reason: str, by: Actor, now: datetime) -> ProviderUpdate:
    """No answer is needed any more; the provider's to-do closes."""
    update = lock_update(update_id)
    check_can_edit(by, update.patient)
    move(update, "withdraw", by=by, now=now, reason=require_reason(reason))
    return update


@transaction.atomic
def send_update_again(
    *, update_id: UUID, reason: str, by: Actor, now: datetime, reply_due_at: datetime | None = None
) -> ProviderUpdate:
    """A withdrawn update asks again; a time that has passed becomes the usual one from now."""
    update = lock_update(update_id)
    check_can_edit(by, update.patient)
    due = reply_due_at or update.reply_due_at
    if due <= now:
        due = usual_reply_time(update.patient, update.urgency, now)
    move(update, "send_again", by=by, now=now, reason=require_reason(reason), reply_due_at=due)
    return update


@transaction.atomic
def enter_update_in_error(*, update_id: UUID, reason: str, by: Actor, now: datetime) -> ProviderUpdate:
    """It should never have been sent. It stays readable with its reason; its tasks close."""
    update = lock_update(update_id)
    check_can_edit(by, update.patient)
    move(update, "enter_in_error", by=by, now=now, reason=require_reason(reason))
    return update


@transaction.atomic
def count_reminder(*, update_id: UUID, by: Actor, now: datetime) -> ProviderUpdate | None:
    """An overdue update is due for a reminder: counted once a day, whoever runs twice. None when it is not."""
    update = lock_update(update_id)
    waited = update.reminded_at is None or now - update.reminded_at >= REMIND_EVERY
    if update.status != UpdateStatus.SENT or update.reply_due_at > now or not waited:
        return None
    update.reminded_at, update.reminders = now, update.reminders + 1
    update.version += 1
    update.save()
    record_edit(update, "remind", by=by, now=now, reminders=update.reminders)
    return update
