"""Booking, moving and cancelling visits.

Two people can want the same hour, so each of these first takes advisory locks on practitioner, room and patient, always
in that order; then looks; then writes. The exclusion constraints of the table stay the judge.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.db import Conflict, advisory_lock, lock, refusals, retry_deadlocks
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, begin, move, person
from referrals.services import answer_guard
from scheduling.models import Appointment
from scheduling.permissions import check_can_manage
from scheduling.rules.conflicts import Found
from scheduling.selectors.slots import next_free
from scheduling.services import consequences
from scheduling.services.deciding import Asked, check_free, check_still_free, look_up
from scheduling.workflow import CancelledBy, Status

KEEP: Any = object()  # "as it was", where None means "none"


@retry_deadlocks
def book_appointment(
    *,
    patient_id: UUID,
    service_id: UUID,
    site_id: UUID,
    start: datetime,
    by: Actor,
    now: datetime,
    practitioner_id: UUID | None = None,
    room_id: UUID | None = None,
    minutes: int | None = None,
    reason: str = "",
    override_reason: str = "",
    priority: str = "routine",
    must_be_by: date | None = None,
    place: str = "",
    referral_id: UUID | None = None,
    authorization_id: UUID | None = None,
) -> Appointment:
    """A new visit, booked. `start` is an instant; it lasts the service's minutes unless `minutes` says otherwise.

    Raises ValidationError (a past time, a name that is not there), PermissionDenied, NotAllowed (the patient has
    died), or Conflict with `extra`: kind, taken_at, conflicts (kind, level, text), needs_reason (True when the same call with
    `override_reason` would book it) and next_free (start, end, practitioner_id, practitioner), earliest first.
    """
    times = _offering_times(site_id, service_id, practitioner_id, start, now, minutes)
    with times as known, transaction.atomic():
        asked = look_up(
            patient_id=patient_id,
            service_id=service_id,
            site_id=site_id,
            practitioner_id=practitioner_id,
            room_id=room_id,
            start=start,
            by=by,
            now=now,
            minutes=minutes,
            place=place,
            must_be_by=must_be_by,
            referral_id=referral_id,
            authorization_id=authorization_id,
        )
        known |= {"site": asked.site, "service": asked.service}
        advisory_lock(*asked.resources())
        found = check_free(asked, by=by, override_reason=override_reason)
        appointment = _made(
            asked, found, by=by, now=now, reason=reason, priority=priority, override_reason=override_reason
        )
        with refusals(**_sentences()):
            begin(appointment, by=by, now=now, step="book", reason=override_reason, **_overrides(found))
        _keep_answer(appointment, found, override_reason, by=by, now=now)
        consequences.after_booking(appointment, by=by, now=now)
    return appointment


def _keep_answer(
    appointment: Appointment, found: Sequence[Found], reason: str, *, by: Actor, now: datetime
) -> None:
    """Somebody was shown the visit that may be the same, and booked another one all the same: that is counted."""
    existing = [one.about for one in found if one.kind == "same_service" and one.about is not None]
    if existing:
        answer_guard(
            patient=appointment.patient,
            kind="appointment",
            choice="go_on",
            existing=existing,
            made_id=appointment.pk,
            reason=reason.strip(),
            by=by,
            now=now,
        )


@retry_deadlocks
def reschedule_appointment(
    *,
    appointment_id: UUID,
    start: datetime,
    reason: str,
    by: Actor,
    now: datetime,
    practitioner_id: UUID | None = KEEP,
    room_id: UUID | None = KEEP,
    override_reason: str = "",
    ask_to_tell: bool = False,
) -> Appointment:
    """The new visit, which replaces the old one, in one transaction. What is not given stays as it was.

    `ask_to_tell`: the patient did not agree to the time, so a task asks to tell them.
    Raises like `book_appointment`; nothing changes then, the old time is kept.
    """
    old = Appointment.objects.select_related("service").get(pk=appointment_id)
    who = old.practitioner_id if practitioner_id is KEEP else practitioner_id
    minutes = round((old.end - old.start).total_seconds() / 60)
    with (
        _offering_times(old.site_id, old.service_id, who, start, now, minutes),
        transaction.atomic(),
    ):
        check_can_manage(by, old)
        if (start, who) == (old.start, old.practitioner_id) and old.status == Status.BOOKED:
            raise ValidationError({"start": _("The visit is at that time already.")})
        asked = look_up(
            patient_id=old.patient_id,
            service_id=old.service_id,
            site_id=old.site_id,
            practitioner_id=who,
            room_id=old.room_id if room_id is KEEP else room_id,
            start=start,
            by=by,
            now=now,
            minutes=minutes,
            place=old.place,
            must_be_by=old.must_be_by,
            referral_id=old.referral_id,
            authorization_id=old.authorization_id,
            practitioner_kept=who == old.practitioner_id,
        )
        advisory_lock(*asked.resources(), ("practitioner", old.practitioner_id), ("room", old.room_id))
        old = lock(Appointment.objects, appointment_id)
        was_no_show = old.status == Status.NO_SHOW
        move(old, "reschedule", by=by, now=now, reason=reason.strip(), to_start=start)
        found = check_free(
            asked,
            by=by,
            override_reason=override_reason,
            without=old,
            moved_from=None if was_no_show else old.start,
        )
        new = _made(
            asked,
            found,
            by=by,
            now=now,
            reason=old.reason,
            priority=old.priority,
            override_reason=override_reason,
            replaces=old,
        )
        with refusals(**_sentences()):
            begin(new, by=by, now=now, step="book", reason=reason, **_overrides(found), replaces=old.pk)
        consequences.after_moving(old, new, was_no_show=was_no_show, reason=reason, by=by, now=now)
        if ask_to_tell:
            _ask_to_tell(old, new, reason.strip(), by, now)
    return new


@in_clinic_language
def _ask_to_tell(old: Appointment, new: Appointment, why: str, by: Actor, now: datetime) -> None:
    sentence = (
        _("From %(old)s to %(new)s with %(who)s. Why: %(why)s")
        if new.practitioner_id
        else _("From %(old)s to %(new)s. Why: %(why)s")
    )
    consequences.ask_to_tell(old, new, sentence, by=by, now=now, why=why)


@retry_deadlocks
def book_waiting(
    *,
    appointment_id: UUID,
    start: datetime,
    by: Actor,
    now: datetime,
    practitioner_id: UUID | None = KEEP,
    override_reason: str = "",
) -> Appointment:
    """A visit that was needed (to be booked, or on the waitlist) gets its time. Raises like `book_appointment`."""
    seen = Appointment.objects.get(pk=appointment_id)
    who = seen.practitioner_id if practitioner_id is KEEP else practitioner_id
    minutes = round((seen.end - seen.start).total_seconds() / 60)
    times = _offering_times(seen.site_id, seen.service_id, who, start, now, minutes)
    with times, transaction.atomic():
        check_can_manage(by, seen)
        asked = look_up(
            patient_id=seen.patient_id,
            service_id=seen.service_id,
            site_id=seen.site_id,
            practitioner_id=who,
            room_id=seen.room_id,
            start=start,
            by=by,
            now=now,
            minutes=minutes,
            place=seen.place,
            must_be_by=seen.must_be_by,
            referral_id=seen.referral_id,
            authorization_id=seen.authorization_id,
            practitioner_kept=who == seen.practitioner_id,
        )
        advisory_lock(*asked.resources())
        appointment = lock(Appointment.objects, appointment_id)
        found = check_free(asked, by=by, override_reason=override_reason, without=appointment)
        with refusals(**_sentences()):
            move(
                appointment,
                "book",
                by=by,
                now=now,
                reason=override_reason,
                start=asked.start,
                end=asked.end,
                practitioner=asked.practitioner,
                zone=asked.site.zone,
                time_known=True,
                booked_at=now,
                patient_overlap_allowed=any(one.kind == "patient_overlap" for one in found),
                override_reason=override_reason.strip() if found else "",
                **_overrides(found),
            )
        consequences.after_booking(appointment, by=by, now=now)
    return appointment


@transaction.atomic
def cancel_appointment(
    *, appointment_id: UUID, cancelled_by: str, reason: str, by: Actor, now: datetime
) -> Appointment:
    """Cancelled, with who asked for it ("patient", "provider", "payer" or "system") and why.

    Reminders are withdrawn. When the patient or the provider asked and nothing else is booked for the same need, a
    task asks to rebook or close the need.
    """
    appointment = lock(Appointment.objects, appointment_id)
    check_can_manage(by, appointment)
    if cancelled_by not in CancelledBy.values:
        raise ValidationError({"cancelled_by": _("Say who asked for it.")})
    move(appointment, "cancel", by=by, now=now, reason=reason.strip(), cancelled_by=cancelled_by)
    consequences.after_cancelling(appointment, reason=reason, by=by, now=now)
    return appointment


@retry_deadlocks
def claim_time(
    *,
    appointment_id: UUID,
    step: str,
    check: Callable[[Appointment], None],
    by: Actor,
    now: datetime,
    reason: str = "",
    **facts: Any,
) -> Appointment:
    """Take a step after which the visit holds its time again. `check` refuses before anything is looked at.

    Raises Conflict like `book_appointment` when the time has been given to somebody else.
    """
    seen = Appointment.objects.get(pk=appointment_id)
    minutes = round((seen.end - seen.start).total_seconds() / 60)
    times = _offering_times(seen.site_id, seen.service_id, seen.practitioner_id, seen.start, now, minutes)
    with times, transaction.atomic():
        advisory_lock(
            ("practitioner", seen.practitioner_id), ("room", seen.room_id), ("patient", seen.patient_id)
        )
        appointment = lock(Appointment.objects, appointment_id)
        check(appointment)
        if appointment.workflow.find(step, appointment.status):
            check_still_free(appointment)
        if appointment.status == Status.CANCELLED:
            # Agreed anew: its reminders get new keys, for the old ones were withdrawn.
            facts["start_version"] = appointment.start_version + 1
        with refusals(**_sentences()):
            move(appointment, step, by=by, now=now, reason=reason, **facts)
        consequences.after_claiming(appointment, by=by, now=now)
    return appointment


def _made(
    asked: Asked, found: Sequence[Found], *, by: Actor, now: datetime, override_reason: str, **fields: Any
) -> Appointment:
    """The visit, not saved yet: `begin()` does that."""
    replaces: Appointment | None = fields.get("replaces")
    return Appointment(
        patient=asked.patient,
        site=asked.site,
        practitioner=asked.practitioner,
        room=asked.room,
        service=asked.service,
        referral=asked.referral,
        authorization=asked.authorization,
        start=asked.start,
        end=asked.end,
        zone=asked.site.zone,
        place=asked.place,
        is_outside=asked.is_outside,
        must_be_by=asked.must_be_by,
        units=replaces.units if replaces else asked.service.units,
        patient_overlap_allowed=any(one.kind == "patient_overlap" for one in found),
        override_reason=override_reason.strip() if found else "",
        start_version=replaces.start_version + 1 if replaces else 1,
        booked_at=now,
        created_by=person(by),
        **fields,
    )


def _overrides(found: Sequence[Found]) -> dict[str, Any]:
    return {"overrides": [one.kind for one in found]} if found else {}


def _sentences() -> dict[str, str]:
    """What the exclusion constraints say when two bookings arrive in the same instant."""
    return {
        "appointment_practitioner_busy": _("Somebody else has just booked this time."),
        "appointment_room_busy": _("Somebody else has just booked this room."),
        "appointment_patient_busy": _("The patient has just been booked for another visit at this time."),
        "appointment_replaces_id_key": _("This visit has just been moved by somebody else."),
    }


@contextlib.contextmanager
def _offering_times(
    site_id: UUID,
    service_id: UUID,
    practitioner_id: UUID | None,
    start: datetime,
    now: datetime,
    minutes: int | None,
) -> Iterator[dict[str, Any]]:
    """Add the next free times to a Conflict, after the transaction and its locks are gone; earlier ones for a visit
    after the end of its authorization, when that is still ahead.

    The site and the service put into what it yields need not be read again.
    """
    known: dict[str, Any] = {}
    try:
        yield known
    except Conflict as conflict:
        conflict.extra.setdefault("kind", "taken")
        until = conflict.extra.pop("until", None)
        conflict.extra["next_free"] = next_free(
            site_id=site_id,
            service_id=service_id,
            practitioner_id=practitioner_id,
            after=now if until and until > now.date() else start,
            now=now,
            minutes=minutes,
            **known,
        )
        raise
