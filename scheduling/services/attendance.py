"""The day of the visit: arrived, in room, seen, missed, left; and the same step for many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.db import Conflict, lock
from coordinator.workflow import Actor, NotAllowed, move
from scheduling.models import Appointment
from scheduling.permissions import check_can_manage
from scheduling.rules.local_time import local_day
from scheduling.rules.timing import no_show_from
from scheduling.services import consequences
from scheduling.workflow import CancelledBy


@transaction.atomic
def arrive(*, appointment_id: UUID, by: Actor, now: datetime) -> Appointment:
    """The patient is here. Possible from the day of the visit on: many come early."""
    appointment = _to_change(appointment_id, by)
    check_day_has_come(appointment, now)
    move(appointment, "arrive", by=by, now=now)
    consequences.after_coming(appointment, by=by, now=now)
    return appointment


@transaction.atomic
def check_in(*, appointment_id: UUID, by: Actor, now: datetime) -> Appointment:
    """The patient is in the room."""
    appointment = _to_change(appointment_id, by)
    check_day_has_come(appointment, now)
    move(appointment, "check_in", by=by, now=now)
    consequences.after_coming(appointment, by=by, now=now)
    return appointment


@transaction.atomic
def fulfill(*, appointment_id: UUID, by: Actor, now: datetime) -> Appointment:
    """The patient was seen. Never before the visit's time."""
    appointment = _to_change(appointment_id, by)
    check_has_begun(appointment, now)
    move(appointment, "fulfill", by=by, now=now)
    return appointment


@transaction.atomic
def fulfill_outside(*, appointment_id: UUID, by: Actor, now: datetime, reason: str = "") -> Appointment:
    """Seen at another clinic, where nobody of ours sees the arrival. `reason` says who told us."""
    appointment = _to_change(appointment_id, by)
    if not appointment.is_outside:
        raise NotAllowed(_("Record the arrival first. Only visits elsewhere are marked as seen directly."))
    check_has_begun(appointment, now)
    move(appointment, "fulfill_outside", by=by, now=now, reason=reason)
    consequences.after_coming(appointment, by=by, now=now)
    return appointment


@transaction.atomic
def mark_no_show(*, appointment_id: UUID, by: Actor, now: datetime, reason: str = "") -> Appointment:
    """The patient did not come: after the start and the service's grace minutes. Opens the follow-up task.

    A visit elsewhere is only a no-show on the word of that clinic or the patient: `reason` says whose.
    """
    appointment = _to_change(appointment_id, by, "service", "site__calendar", "patient")
    if appointment.is_outside and not reason.strip():
        raise NotAllowed(_("Say who told you that the patient did not come: that clinic or the patient."))
    if now < can_be_missed_from(appointment):
        raise NotAllowed(
            _("Too early. A visit counts as missed %(minutes)d minutes after it should have begun.")
            % {"minutes": appointment.service.no_show_grace_minutes}
        )
    move(appointment, "mark_no_show", by=by, now=now, reason=reason)
    consequences.after_no_show(appointment, by=by, now=now)
    return appointment


@transaction.atomic
def leave(*, appointment_id: UUID, reason: str, by: Actor, now: datetime) -> Appointment:
    """The patient came and left without being seen; that is a cancellation by the patient."""
    appointment = _to_change(appointment_id, by)
    move(appointment, "leave", by=by, now=now, reason=reason, cancelled_by=CancelledBy.PATIENT)
    consequences.after_cancelling(appointment, reason=reason, by=by, now=now)
    return appointment


@transaction.atomic
def confirm_appointment(*, appointment_id: UUID, by: Actor, now: datetime) -> Appointment:
    """The other side said yes to a time that was offered."""
    appointment = _to_change(appointment_id, by)
    move(appointment, "confirm", by=by, now=now, confirmed_at=now)
    consequences.after_claiming(appointment, by=by, now=now)
    return appointment


# --- when -------------------------------------------------------------------------------------------


def can_be_missed_from(appointment: Appointment) -> datetime:
    """The first instant at which the visit can be marked as missed."""
    return no_show_from(
        start=appointment.start,
        zone=appointment.zone,
        time_known=appointment.time_known,
        grace_minutes=appointment.service.no_show_grace_minutes,
    )


def check_day_has_come(appointment: Appointment, now: datetime) -> None:
    if local_day(now, appointment.zone) < local_day(appointment.start, appointment.zone):
        raise NotAllowed(_("This visit is on a later day."))


def check_has_begun(appointment: Appointment, now: datetime) -> None:
    if now < appointment.start:
        raise NotAllowed(_("This visit has not begun yet."))


def check_same_day(appointment: Appointment, now: datetime) -> None:
    if local_day(now, appointment.zone) != local_day(appointment.start, appointment.zone):
        raise NotAllowed(_("This can only be taken back on the day of the visit."))


def _to_change(appointment_id: UUID, by: Actor, *joined: str) -> Appointment:
    source = Appointment.objects.select_related(*joined) if joined else Appointment.objects
    appointment = lock(source, appointment_id)
    check_can_manage(by, appointment)
    return appointment


# --- many at once -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What became of one visit of a bulk change. `text` is the refusal's sentence."""

    appointment_id: UUID
    done: bool
    text: str = ""


def change_many(
    take: Callable[..., Appointment],
    *,
    appointment_ids: Sequence[UUID],
    by: Actor,
    now: datetime,
    **facts: Any,
) -> list[Result]:
    """One service for each visit, in its own transaction: what is not allowed is refused, the rest goes on.

    `take` is one of the services of this package that takes `appointment_id`.
    """
    return [_one(take, key, by, now, facts) for key in dict.fromkeys(appointment_ids)]


def _one(
    take: Callable[..., Appointment], key: UUID, by: Actor, now: datetime, facts: dict[str, Any]
) -> Result:
    try:
        with transaction.atomic():
            take(appointment_id=key, by=by, now=now, **facts)
    except (NotAllowed, Conflict, PermissionDenied) as refusal:
        return Result(key, False, str(refusal))
    except ValidationError as refusal:
        return Result(key, False, " ".join(refusal.messages))
    except Appointment.DoesNotExist:
        return Result(key, False, _("There is no such visit."))
    return Result(key, True)
