"""Logging contacts: what happened is kept, and its result sets what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans import rules
from careplans.models import NOTHING_TOLD, REACHED, ContactAttempt, Outcome, Task
from careplans.permissions import check_can_log_contact
from careplans.services.locking import CLOSED, ended_sentence, lock_task
from careplans.services.opening import open_task
from careplans.services.tasks import (
    cancel_locked,
    complete_locked,
    open_checklist,
    still_open_sentence,
    take,
)
from coordinator.audit import services as audit
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import refusals
from coordinator.workflow import Actor, person, record_edit
from patients.models import ContactPoint, Patient, RelatedPerson, Topic
from patients.safe_contact import safety
from patients.services import mark_contact_point_failing

FLAGGING = ("wrong_number", "disconnected")


@dataclass(frozen=True)
class LoggedContact:
    """A contact with what it led to. `explanation` can be shown; `offers` are rules.Offer."""

    attempt: ContactAttempt
    task: Task | None
    explanation: tuple[str, ...] = ()
    extra_tasks: tuple[Task, ...] = ()
    offers: tuple[rules.Offer, ...] = ()
    closed: bool = False


@transaction.atomic
def log_contact(
    *,
    patient: Patient,
    channel: str,
    outcome: str,
    by: Actor,
    now: datetime,
    task: Task | None = None,
    note: str = "",
    minutes: int | None = None,
    topic: str = "",
    related_person: RelatedPerson | None = None,
    contact_point: ContactPoint | None = None,
    interpreter: str = "",
    next_attempt_at: datetime | None = None,
    direction: str = "out",
    at: datetime | None = None,
    open_items: str = "",
    complete: bool = False,
    attempt_id: UUID | None = None,
) -> LoggedContact:
    """Keep one contact and do what its result says (careplans.rules.after_contact).

    `next_attempt_at` (UTC) is the time promised for "call back later", and otherwise the person's own choice instead
    of the rule's. `topic` is what a relative heard about, NOTHING_TOLD when that is nothing; one that they may not
    hear about is refused (45 CFR 164.510(b)). `complete` ends the task whatever the result. `attempt_id` makes a repeated post harmless. A
    contact about a task that somebody ended meanwhile is still kept: it happened.

    Raises ValidationError (form fields as keys), PermissionDenied.
    """
    check_can_log_contact(by, patient)
    _check_belongs(patient, task, related_person, contact_point)
    earlier = ContactAttempt.everything.filter(pk=attempt_id, patient=patient).first() if attempt_id else None
    if earlier is not None:
        return LoggedContact(earlier, task)
    locked = lock_task(task.pk) if task is not None else None
    open_one = locked if locked is not None and locked.status not in CLOSED else None
    contact_point = contact_point or _only_phone(patient, channel, outcome)
    if direction == "out":
        _check_safe(patient, channel, outcome, contact_point)
    may_hear = _may_hear(patient, outcome, related_person, topic, at or now)
    after = _work_out(outcome, patient, open_one, may_hear, next_attempt_at, now, note, open_items, complete)
    extra = {"pk": attempt_id} if attempt_id else {}
    with refusals():
        attempt = ContactAttempt.objects.create(
            **extra,
            created_by=person(by),
            patient=patient,
            task=task,
            direction=direction,
            channel=channel,
            outcome=outcome,
            reached=after.reached,
            related_person=related_person,
            contact_point=contact_point,
            topic="" if topic == NOTHING_TOLD else topic,
            note=note,
            minutes=minutes,
            interpreter=interpreter,
            at=at or now,
            next_attempt_at=None if after.closes or complete else after.next_at,
        )
    audit.record_change(attempt, "log_contact", by=by, details={"outcome": outcome, "channel": channel})
    if after.flags_number and contact_point is not None:
        mark_contact_point_failing(contact_point_id=contact_point.pk, by=by, now=now)
    made = _open_extra(after, patient, open_one, contact_point, attempt, by, now)
    Task.objects.open().filter(patient=patient).update(
        last_contact_at=attempt.at, last_contact_outcome=attempt.outcome
    )
    if locked is None:
        return LoggedContact(attempt, None, after.explanation, made)
    if open_one is None:
        words = (_("The contact is kept."), ended_sentence(locked))
        return LoggedContact(attempt, locked, words, made)
    _settle(open_one, attempt, after, by=by, now=now, open_items=open_items, complete=complete)
    found = rules.offers(open_one.attempts_made, open_one.attempts_planned, outcome)
    closed = after.closes or complete
    return LoggedContact(attempt, open_one, after.explanation, made, () if closed else found, closed)


def _check_belongs(
    patient: Patient,
    task: Task | None,
    related_person: RelatedPerson | None,
    contact_point: ContactPoint | None,
) -> None:
    named = (task, related_person, contact_point)
    if any(thing is not None and thing.patient_id != patient.pk for thing in named):
        raise ValidationError(_("That belongs to another patient."))


def _check_safe(patient: Patient, channel: str, outcome: str, point: ContactPoint | None) -> None:
    """Refuse what the patient asked not to be done to reach them."""
    why = safety(patient).why_not(channel, point, voicemail=outcome == "left_message")
    if not why:
        return
    field = (
        "channel"
        if channel == "letter" or (safety(patient).no_messages and channel != "phone")
        else "contact_point"
    )
    if outcome == "left_message" and not (point and safety(patient).is_unsafe(point)):
        field = "outcome" if channel == "phone" else field
    sentence = _("%(why)s If it happened all the same, write it as a note.")
    raise ValidationError({field: sentence % {"why": why}})


def _only_phone(patient: Patient, channel: str, outcome: str) -> ContactPoint | None:
    """The number a call must have gone to, when there is only one; a wrong number with several has to be named."""
    if channel != "phone":
        return None
    phones = list(
        ContactPoint.objects.filter(patient=patient, kind="phone", ended_at=None, failing_since=None)[:2]
    )
    if len(phones) == 1:
        return phones[0]
    if phones and outcome in FLAGGING:
        raise ValidationError({"contact_point": _("Choose which number it was.")})
    return None


def _work_out(
    outcome: str,
    patient: Patient,
    task: Task | None,
    may_hear: bool,
    next_attempt_at: datetime | None,
    now: datetime,
    note: str,
    open_items: str,
    complete: bool,
) -> rules.AfterContact:
    if outcome not in Outcome.values:
        raise ValidationError({"outcome": _("Choose what came of it.")})
    if outcome == "refused" and not note.strip():
        raise ValidationError({"note": _("Say in a few words what was refused and why.")})
    if next_attempt_at is not None and next_attempt_at <= now:
        raise ValidationError({"again_at": _("Choose a time that is still to come.")})
    site = task.site if task is not None else patient.site
    try:
        after = rules.after_contact(
            outcome,
            now,
            as_calendar(calendar_for(site)),
            patient.zone,
            promised_at=next_attempt_at,
            may_hear=may_hear,
            deadline=task.due_at if task is not None and task.clock_id else None,
            language=patient.language,
        )
    except ValueError as error:
        raise ValidationError({"again_at": str(error)}) from error
    left = open_checklist(task) if task is not None else []
    if left and (after.close_as == "complete" or complete) and not open_items.strip():
        raise ValidationError({"open_items": still_open_sentence(left)})
    return _with_choice(after, next_attempt_at, patient.zone)


def _may_hear(patient: Patient, outcome: str, person: RelatedPerson | None, topic: str, at: datetime) -> bool:
    """Whether the contact with somebody else counts: about a topic that the patient lets them hear.

    Raises ValidationError for a topic that they may not hear, for one who is not to be contacted, and for a result
    that only the patient can give.
    """
    if person is None:
        if outcome == "spoke_with_caregiver":
            raise ValidationError({"related_person": _("Choose who you spoke with.")})
        return False
    day = at.astimezone(patient.site.tzinfo).date()
    if not person.may_be_contacted(day):
        sentence = _("%(name)s is not to be contacted. Choose another person, or write it as a note.")
        raise ValidationError({"related_person": sentence % {"name": person.name}})
    if topic and topic != NOTHING_TOLD and not person.may_hear(topic, day):
        raise ValidationError({"topic": _not_for(person, topic)})
    if outcome != "spoke_with_caregiver":
        if outcome in REACHED:
            sentence = _("You spoke with %(name)s, not with the patient: choose “Spoke with caregiver”.")
            raise ValidationError({"outcome": sentence % {"name": person.name}})
        return False
    if topic not in (*Topic.values, NOTHING_TOLD):
        raise ValidationError({"topic": _("Choose what it was about.")})
    return topic != NOTHING_TOLD


def _not_for(person: RelatedPerson, topic: str) -> str:
    if topic not in Topic.values:
        return _("Choose what it was about.")
    words = {"name": person.name, "topic": Topic(topic).label, "topics": person.hears}
    if person.topics:
        return (
            _(
                "%(name)s may not hear about this: %(topic)s. The patient allowed: %(topics)s."
                " If nothing was told, choose “Nothing was told”."
            )
            % words
        )
    return (
        _(
            "%(name)s may not hear about this: %(topic)s. The patient has allowed no topic."
            " If nothing was told, choose “Nothing was told”."
        )
        % words
    )


def _with_choice(after: rules.AfterContact, chosen: datetime | None, zone: str) -> rules.AfterContact:
    if chosen is None or after.closes or chosen == after.next_at:
        return after
    when = rules.moment_words(chosen, zone)
    return rules.AfterContact(
        reached=after.reached,
        next_at=chosen,
        day_part=rules.day_part(chosen, zone),
        flags_number=after.flags_number,
        extra=after.extra,
        explanation=(_("Again at the time you chose: %(when)s.") % {"when": when},),
    )


def _open_extra(
    after: rules.AfterContact,
    patient: Patient,
    task: Task | None,
    contact_point: ContactPoint | None,
    attempt: ContactAttempt,
    by: Actor,
    now: datetime,
) -> tuple[Task, ...]:
    """The tasks a result makes; one wrong number makes one task, however often it is called."""
    made = []
    for wanted in after.extra:
        about = contact_point if after.flags_number and contact_point is not None else task or patient
        made.append(
            open_task(
                patient=patient,
                site=task.site if task is not None else patient.site,
                kind=wanted.kind,
                title=wanted.title,
                reason=wanted.reason,
                owner=task.owner if task is not None else None,
                team=task.team if task is not None and task.owner_id is None else None,
                due_at=wanted.due_at,
                due_has_time=wanted.due_has_time,
                dedupe_key=f"{about._meta.label_lower}:{about.pk}:{attempt.outcome}",
                cause=attempt,
                by=by,
                now=now,
            )
        )
    return tuple(made)


def _settle(
    task: Task,
    attempt: ContactAttempt,
    after: rules.AfterContact,
    *,
    by: Actor,
    now: datetime,
    open_items: str,
    complete: bool,
) -> None:
    """What the contact does to its task: one attempt more, then done, closed, or due at the next attempt."""
    task.last_contact_at, task.last_contact_outcome = attempt.at, attempt.outcome
    if attempt.direction == "out":
        task.attempts_made += 1
    if complete or after.close_as == "complete":
        words = str(Outcome(attempt.outcome).label)
        complete_locked(task, by=by, now=now, outcome=words, open_items=open_items)
    elif after.close_as == "cancel":
        cancel_locked(task, close_reason="refused", note=attempt.note[:200], by=by, now=now)
    else:
        take(task, by=by, now=now)
        # A rule's deadline is not ours to move; the next attempt stands on the contact.
        if after.next_at is not None and not task.clock_id:
            task.due_at, task.due_has_time = after.next_at, True
        task.version += 1
        task.save()
        record_edit(task, "log_contact", by=by, now=now, outcome=attempt.outcome, due_at=task.due_at)
