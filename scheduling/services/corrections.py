"""A way back out of every status: undo, correct, entered in error."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.db import lock
from coordinator.workflow import Actor, NotAllowed, move
from scheduling.models import Appointment
from scheduling.permissions import check_can_correct, check_can_manage
from scheduling.rules.local_time import local_day
from scheduling.rules.timing import UNDO_CANCEL
from scheduling.services import consequences
from scheduling.services.appointments import claim_time
from scheduling.services.attendance import check_same_day
from scheduling.workflow import CancelledBy, Status


@transaction.atomic
def undo_arrive(*, appointment_id: UUID, by: Actor, now: datetime) -> Appointment:
    appointment = lock(Appointment.objects, appointment_id)
    check_can_manage(by, appointment)
    check_same_day(appointment, now)
    move(appointment, "undo_arrive", by=by, now=now)
    return appointment


@transaction.atomic
def undo_check_in(*, appointment_id: UUID, by: Actor, now: datetime) -> Appointment:
    appointment = lock(Appointment.objects, appointment_id)
    check_can_manage(by, appointment)
    move(appointment, "undo_check_in", by=by, now=now)
    return appointment


@transaction.atomic
def take_back_check_in(*, appointment_id: UUID, by: Actor, now: datetime) -> Appointment:
    """As it was before "in room": booked, when the arrival was not recorded apart."""
    appointment = undo_check_in(appointment_id=appointment_id, by=by, now=now)
    before = appointment.changes.filter(step="check_in").latest("at").from_status
    if before == Status.BOOKED:
        appointment = undo_arrive(appointment_id=appointment_id, by=by, now=now)
    return appointment


def undo_cancel(*, appointment_id: UUID, by: Actor, now: datetime) -> Appointment:
    """Booked again, within 24 hours and while the time is still free. Reminders are planned anew.

    Raises NotAllowed when it is too late, Conflict with the next free times when the time is taken.
    """

    def check(appointment: Appointment) -> None:
        check_can_manage(by, appointment)
        if appointment.status != Status.CANCELLED:
            return
        cancelled = appointment.changes.filter(to_status=Status.CANCELLED).latest("at")
        if now - cancelled.at > UNDO_CANCEL:
            raise NotAllowed(_("It was cancelled more than 24 hours ago. Book a new visit."))

    return claim_time(
        appointment_id=appointment_id, step="undo_cancel", check=check, by=by, now=now, cancelled_by=""
    )


@transaction.atomic
def correct_fulfilled(*, appointment_id: UUID, reason: str, by: Actor, now: datetime) -> Appointment:
    """Not seen yet after all: back in the room."""
    appointment = lock(Appointment.objects, appointment_id)
    check_can_correct(by, appointment)
    move(appointment, "correct_fulfilled", by=by, now=now, reason=reason.strip())
    return appointment


def correct_no_show(
    *, appointment_id: UUID, to: str, reason: str, by: Actor, now: datetime, cancelled_by: str = ""
) -> Appointment:
    """The visit was not missed. `to` is what it was: "booked" (on the day of the visit or of the mark), "fulfilled" or "cancelled".

    The follow-up task made by the no-show is closed. The fourth way, moving it, is `reschedule_appointment`.
    """
    if to == Status.BOOKED:
        return _back_to_booked(appointment_id, reason, by, now)
    if to not in (Status.FULFILLED, Status.CANCELLED):
        raise ValidationError({"to": _("Say what the visit really was.")})
    return _correct_to(appointment_id, to, reason, by, now, cancelled_by)


def _back_to_booked(appointment_id: UUID, reason: str, by: Actor, now: datetime) -> Appointment:
    def check(appointment: Appointment) -> None:
        check_can_correct(by, appointment)
        if appointment.status == Status.NO_SHOW and not _was_marked_today(appointment, now):
            check_same_day(appointment, now)

    return claim_time(
        appointment_id=appointment_id,
        step="correct_no_show",
        check=check,
        by=by,
        now=now,
        reason=reason.strip(),
    )


def _was_marked_today(appointment: Appointment, now: datetime) -> bool:
    """Yesterday's visit that was marked by mistake this morning is put back as it was."""
    marked = appointment.changes.filter(step="mark_no_show").order_by("-at", "-id").first()
    return marked is not None and local_day(marked.at, appointment.zone) == local_day(now, appointment.zone)


@transaction.atomic
def _correct_to(
    appointment_id: UUID, to: str, reason: str, by: Actor, now: datetime, cancelled_by: str
) -> Appointment:
    appointment = lock(Appointment.objects, appointment_id)
    check_can_correct(by, appointment)
    if to == Status.FULFILLED:
        move(appointment, "correct_to_fulfilled", by=by, now=now, reason=reason.strip())
    else:
        if cancelled_by not in CancelledBy.values:
            raise ValidationError({"cancelled_by": _("Say who asked for it.")})
        move(
            appointment,
            "correct_to_cancelled",
            by=by,
            now=now,
            reason=reason.strip(),
            cancelled_by=cancelled_by,
        )
    consequences.after_correcting_no_show(appointment, by=by, now=now)
    return appointment


@transaction.atomic
def enter_in_error(*, appointment_id: UUID, reason: str, by: Actor, now: datetime) -> Appointment:
    """It should never have been recorded. It leaves every list and count; its history stays."""
    appointment = lock(Appointment.objects, appointment_id)
    check_can_correct(by, appointment)
    move(appointment, "enter_in_error", by=by, now=now, reason=reason.strip())
    consequences.after_error(appointment, by=by, now=now)
    return appointment
