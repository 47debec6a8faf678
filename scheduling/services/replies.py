"""Answers to our texts: stop at once, start again, confirm, ask for another time; anything else goes to a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from careplans.models import TaskKind
from careplans.services import open_task
from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.messaging import inbound
from coordinator.messaging import services as messaging
from coordinator.messaging.models import REMINDER, GatewayEvent, Message, MessageStatus
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor
from patients.models import ContactPoint
from patients.rules.telephones import NotANumber, normal_phone
from referrals.services.fax_sending import take_receipt
from scheduling.models import Appointment, AppointmentChange
from scheduling.rules import reminder_texts
from scheduling.rules.local_time import local_day
from scheduling.rules.replies import Meaning, meaning_of
from scheduling.selectors.reminder_facts import sender
from scheduling.services.reminders import plan_patient
from scheduling.workflow import UPCOMING

CONFIRM_WITHIN = timedelta(minutes=5)  # the one confirmation that is allowed after STOP
ANSWERS_FOR = timedelta(days=8)  # how long an answer belongs to the last reminder
AT_LEAST = timedelta(hours=2)
SAME_DAY = timedelta(hours=4)


def handle_events(*, by: Actor, now: datetime) -> int:
    """Work on what the gateway told us; returns how many events were settled."""

    def reply(event: GatewayEvent) -> str:
        return record_reply(sender=event.sender, text=event.text, event_id=event.event_id, by=by, now=now)

    def receipt(event: GatewayEvent) -> str:
        changed = messaging.record_receipt(
            gateway_reference=event.reference, key=event.key, arrived=event.arrived, now=now
        )
        changed = changed or take_receipt(
            key=event.key, reference=event.reference, arrived=event.arrived, by=by, now=now
        )
        return "recorded" if changed else "no change"

    return inbound.work_off(handlers={"reply": reply, "receipt": receipt}, by=by, now=now)


@transaction.atomic
def record_reply(*, sender: str, text: str, event_id: str, by: Actor, now: datetime) -> str:
    """Do what a text from this number asks for; returns a word for what was done.

    A shared number speaks for everybody who gave it. A number nobody gave is left alone.
    """
    number = _as_kept(sender)
    points = list(
        ContactPoint.objects.select_for_update(of=("self",))
        .filter(kind=ContactPoint.Kind.PHONE, normalized=number, ended_at=None)
        .select_related("patient__site", "patient__coordinator")
        .order_by("created_at")
    )
    if not points:
        return "unknown number"
    meaning = meaning_of(text)
    if meaning in (Meaning.STOP, Meaning.ASKS_TO_STOP):
        _opt_out(points, confirm=meaning == Meaning.STOP, by=by, now=now)
    elif meaning == Meaning.START:
        _opt_in(points, by=by, now=now)
    elif not _about_a_visit(number, meaning, by, now):
        meaning = Meaning.OTHER
    if meaning in (Meaning.OTHER, Meaning.ASKS_TO_STOP):
        _for_a_person(points, number, text, event_id, by, now)
    return str(meaning)


def _as_kept(number: str) -> str:
    """E.164, as numbers are kept; gateways write them in their own ways."""
    try:
        return normal_phone(number)
    except NotANumber:
        return number


# --- stop and start -------------------------------------------------------------------------------------


def _opt_out(points: Sequence[ContactPoint], *, confirm: bool, by: Actor, now: datetime) -> None:
    """No more texts to this number, at once; what waits is taken back; one confirmation for the first STOP."""
    new = [point for point in points if point.opted_out_at is None]
    ContactPoint.objects.filter(pk__in=[p.pk for p in new]).update(opted_out_at=now, updated_at=now)
    messaging.withdraw(addresses=[points[0].normalized], reason=_("The patient wants no texts."), now=now)
    audit.record_many([_event(point, "opt_out", by) for point in new])
    if not new or not confirm:
        return
    point = new[0]
    site = point.patient.site
    if not sender(site).is_complete:
        return
    words = reminder_texts.notice(
        "opt_out_confirmation", language=point.patient.language, sender=sender(site)
    )
    messaging.schedule(
        key=f"opt_out:{point.pk}:{now.isoformat()}",
        purpose="opt_out_confirmation",
        about_type="patients.contactpoint",
        about_id=point.pk,
        patient_id=point.patient_id,
        site_id=site.pk,
        channel=Message.Channel.SMS,
        address=point.normalized,
        body=words.body,
        language=words.language,
        send_after=now,
        expires_at=now + CONFIRM_WITHIN,
        now=now,
    )


def _opt_in(points: Sequence[ContactPoint], *, by: Actor, now: datetime) -> None:
    """Texts may go again: the answer itself is the permission, and says so."""
    ContactPoint.objects.filter(pk__in=[p.pk for p in points]).update(
        opted_out_at=None,
        ok_to_message=True,
        permission_source=_("START by text message"),
        permission_at=now,
        updated_at=now,
    )
    audit.record_many([_event(point, "opt_in", by) for point in points])
    for patient_id in sorted({point.patient_id for point in points}):
        plan_patient(patient_id=patient_id, now=now, by=by)


def _event(point: ContactPoint, action: str, by: Actor) -> audit.AuditEvent:
    return audit.event(
        by=by,
        action=action,
        entity="patients.contactpoint",
        entity_id=point.pk,
        patient_id=point.patient_id,
        site_id=point.patient.site_id,
    )


# --- visits -----------------------------------------------------------------------------------------------


def _about_a_visit(number: str, meaning: Meaning, by: Actor, now: datetime) -> bool:
    """Confirm, or ask to rebook, the visits that the last reminder to this number told of. False when there are none."""
    if meaning not in (Meaning.CONFIRM, Meaning.REBOOK):
        return False
    visits = _visits_told_of(number, now)
    for visit in visits:
        if meaning == Meaning.CONFIRM:
            _confirm(visit, by, now)
        else:
            _ask_to_rebook(visit, by, now)
    return bool(visits)


def _visits_told_of(number: str, now: datetime) -> list[Appointment]:
    """Coming visits of the day that the last reminder to this number named.

    What was booked or moved after it left is not among them: the answer is to the time that was read.
    """
    gone = (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.UNKNOWN)
    last = (
        Message.objects.filter(
            address=number, purpose=REMINDER, status__in=gone, finished_at__gt=now - ANSWERS_FOR
        )
        .order_by("-finished_at")
        .first()
    )
    named = Appointment.objects.filter(pk=last.about_id).first() if last else None
    if last is None or named is None:
        return []
    coming = Q(start__gt=now) | Q(time_known=False, start__gt=now - timedelta(days=1))
    later = AppointmentChange.objects.filter(record=OuterRef("pk"), step="book", at__gt=last.finished_at)
    visits = Appointment.objects.filter(coming, ~Exists(later), patient=named.patient_id, status__in=UPCOMING)
    day = local_day(named.start, named.zone)
    return [
        v for v in visits.select_related("patient__coordinator", "site") if local_day(v.start, v.zone) == day
    ]


def _confirm(visit: Appointment, by: Actor, now: datetime) -> None:
    locked = lock(Appointment.objects, visit.pk)
    if locked.confirmed_at is None:
        Appointment.objects.filter(pk=locked.pk).update(confirmed_at=now, updated_at=now)
        audit.record_change(locked, "confirm_by_text", by=by)


@in_clinic_language
def _ask_to_rebook(visit: Appointment, by: Actor, now: datetime) -> None:
    open_task(
        patient=visit.patient,
        site=visit.site,
        kind=TaskKind.BOOK_VISIT,
        title=_("Asked by text for another time"),
        reason=_("Answered the reminder of this visit with R."),
        next_step=_("Call, move the visit or cancel it."),
        due_at=min(now + SAME_DAY, max(visit.start - AT_LEAST, now)),
        due_has_time=True,
        dedupe_key=f"reply_rebook:{visit.pk}",
        cause=visit,
        by=by,
        now=now,
    )


@in_clinic_language
def _for_a_person(
    points: Sequence[ContactPoint], number: str, text: str, event_id: str, by: Actor, now: datetime
) -> None:
    """Somebody reads it today: the patient whom the last reminder went to, else the first with this number."""
    told = {visit.patient_id for visit in _visits_told_of(number, now)}
    point = next((p for p in points if p.patient_id in told), points[0])
    open_task(
        patient=point.patient,
        site=point.patient.site,
        kind=TaskKind.OTHER,
        title=_("Read a text message"),
        reason=_("They wrote: %(text)s") % {"text": text[:400]},
        next_step=_("Answer by phone. If they want no texts, that is done already.")
        if meaning_of(text) == Meaning.ASKS_TO_STOP
        else _("Answer by phone."),
        due_at=now + SAME_DAY,
        due_has_time=True,
        dedupe_key=f"reply:{event_id}",
        cause=point,
        by=by,
        now=now,
    )
