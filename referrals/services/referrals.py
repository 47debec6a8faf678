"""Referrals from draft to closed loop."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Outcome
from coordinator.audit import services as audit
from coordinator.db import Conflict, lock
from coordinator.workflow import (
    Actor,
    NotAllowed,
    add_history,
    begin,
    move,
    person,
    record_edit,
)
from patients.models import Patient, Topic
from referrals.models import Referral
from referrals.permissions import check_can_manage_referral, check_can_review
from referrals.rules import referrals as rules
from referrals.selectors.referrals import similar_referrals
from referrals.services.guard import check_guard, keep_answer
from referrals.services.next_steps import set_next
from referrals.services.recipients import settle_recipient
from referrals.services.step_facts import check_reason, complete_facts, facts_of
from referrals.workflow import (
    BEFORE_SENDING,
    ENDED_WITHOUT_REPORT,
    WITH_RECIPIENT,
    OutcomeReason,
    ReferralStatus,
)


@transaction.atomic
def create_referral(
    *,
    patient: Patient,
    specialty: str,
    reason: str,
    by: Actor,
    now: datetime,
    owner: Any = None,
    team: Any = None,
    duplicate_reason: str = "",
    replaces: Referral | None = None,
    **fields: Any,
) -> Referral:
    """A draft with an owner, a next step and a date.

    Refuses (Conflict, with `similar`) when the patient has one for the same specialty or service that is open or was
    completed in the last 90 days, unless `duplicate_reason` says why to go on, or it `replaces` that one: the old one
    is withdrawn, or its recipient asked to cancel. Either answer is counted. `refers_elsewhere` is the one that ended
    and that this one goes on from.
    """
    fields = settle_recipient(fields, by)
    referral = Referral(
        patient=patient,
        site=patient.site,
        specialty=specialty.strip(),
        reason=reason.strip(),
        stage_since=now,
        created_by=person(by),
        replaces=replaces,
        **fields,
    )
    check_can_manage_referral(by, referral)
    if not referral.specialty or not referral.reason:
        raise ValidationError(_("A referral needs a specialty and a reason."))
    _check_linked(referral)
    similar = similar_referrals(
        patient=patient, specialty=referral.specialty, service=referral.service, by=by, now=now
    )
    words = _("This patient already has a referral to %(specialty)s.") % {"specialty": referral.specialty}
    shown = check_guard(similar, words, reason=duplicate_reason, replaces=replaces)
    _give_owner(referral, owner=owner, team=team, by=by)
    referral.reference = _next_reference()
    referral.save()
    facts = {"duplicate_reason": duplicate_reason} if duplicate_reason else {}
    begin(referral, by=by, now=now, **facts)
    set_next(referral, by=by, now=now, step="create")
    keep_answer("referral", referral, shown, reason=duplicate_reason, replaces=replaces, by=by, now=now)
    if replaces is not None:
        _end_replaced(referral, replaces, by=by, now=now)
    from referrals.services.requirements import ask_list_for_referral

    return ask_list_for_referral(referral=referral, by=by, now=now)


def _check_linked(referral: Referral) -> None:
    """What it goes on from has ended, what it replaces has not, and both are of the same patient."""
    for old in (referral.refers_elsewhere, referral.replaces):
        if old is not None and old.patient_id != referral.patient_id:
            raise ValidationError(_("That referral belongs to another patient."))
    old = referral.refers_elsewhere
    if old is not None and old.status not in ENDED_WITHOUT_REPORT:
        raise NotAllowed(_("Refer elsewhere once this one was declined, cancelled or withdrawn."))


def _end_replaced(referral: Referral, old: Referral, *, by: Actor, now: datetime) -> None:
    why = _("Replaced by %(reference)s") % {"reference": referral.reference}
    if old.status == ReferralStatus.CANCEL_REQUESTED:
        return
    if old.status not in (*BEFORE_SENDING, *WITH_RECIPIENT):
        raise NotAllowed(_("A referral that has ended is not replaced. Say why another one is needed."))
    step = "withdraw" if old.status in BEFORE_SENDING else "request_cancel"
    ending = {"reason": why, "outcome_reason": OutcomeReason.DUPLICATE}
    advance_referral(referral_id=old.pk, step=step, by=by, now=now, **ending)


def _give_owner(referral: Referral, *, owner: Any, team: Any, by: Actor) -> None:
    """Somebody always has it: who was named, the patient's coordinator, the writer, or the site's first team."""
    candidate = owner or referral.patient.coordinator or (person(by) if getattr(by, "can", None) else None)
    if candidate is not None and candidate.can("referrals.edit"):
        referral.owner = candidate
    else:
        referral.team = team or referral.site.teams.first()
    if team is not None:
        referral.team = team
    if referral.owner is None and referral.team is None:
        raise NotAllowed(_("Choose who owns this referral: this site has no team yet."))


def _next_reference() -> str:
    """Our number for a referral, printed on the packet, such as R-000123."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval('referral_reference')")
        return f"R-{cursor.fetchone()[0]:06d}"


@transaction.atomic
def update_referral(
    *, referral_id: UUID, version: int | None, by: Actor, now: datetime, **changes: Any
) -> Referral:
    """Correct what is asked, until it is sent; its age, owner and dates stay.

    `version` is the one the person had on screen (None: overwrite knowingly). Raises Conflict with `extra`: version
    (the present one) and fields {name: what somebody saved meanwhile}; NotAllowed once it was sent.
    """
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_manage_referral(by, referral)
    if referral.status not in BEFORE_SENDING:
        raise NotAllowed(_("This referral was sent. What the recipient has is not changed here."))
    if not changes["specialty"].strip() or not changes["reason"].strip():
        raise ValidationError(_("A referral needs a specialty and a reason."))
    changes = settle_recipient(changes, by, before=referral)
    differing = {name: value for name, value in changes.items() if getattr(referral, name) != value}
    if version is not None and version != referral.version:
        raise Conflict(
            _("Somebody saved this referral since you opened it. Saving again replaces what is named below."),
            version=referral.version,
            fields={name: getattr(referral, name) for name in differing},
        )
    if not differing:
        return referral
    for name, value in differing.items():
        setattr(referral, name, value)
    referral.version += 1
    referral.save()
    record_edit(referral, "update", by=by, now=now, fields=sorted(differing), version=referral.version)
    return referral


@transaction.atomic
def advance_referral(
    *, referral_id: UUID, step: str, by: Actor, now: datetime, reason: str = "", **facts: Any
) -> Referral:
    """Take one step (see referrals.workflow), writing every row between when the recipient skipped some.

    What the step needs beside the table is checked in services.step_facts; its refusals have sentences.
    """
    referral = lock(Referral.objects.select_related("site", "recipient_organization"), referral_id)
    check_can_manage_referral(by, referral)
    check_reason(referral, step, reason)
    facts = complete_facts(referral, step, facts, by=by, now=now)
    for name in rules.path(referral.status, step):
        own = facts_of(referral, name, step, facts, now=now)
        move(referral, name, by=by, now=now, reason=reason if name == step else "", **own)
    set_next(referral, by=by, now=now, step=step, reason=reason)
    return referral


@transaction.atomic
def record_review(*, referral_id: UUID, by: Actor, now: datetime) -> Referral:
    """The requesting provider has read the report."""
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_review(by, referral)
    if referral.status != ReferralStatus.COMPLETED:
        raise NotAllowed(_("There is no report to review yet."))
    return _record_fact(referral, "reviewed_at", "review", by=by, now=now)


@transaction.atomic
def record_patient_told(
    *, referral_id: UUID, by: Actor, now: datetime, channel: str = "", note: str = ""
) -> Referral:
    """The patient knows the outcome. Only after the requester's review.

    With a `channel` the contact is logged on the patient's record, about results, and stands as the evidence.
    """
    referral = lock(Referral.objects.select_related("site", "patient__site"), referral_id)
    check_can_manage_referral(by, referral)
    if referral.reviewed_at is None:
        raise NotAllowed(_("The requester reviews the report before the patient is told."))
    facts: dict[str, Any] = {}
    if channel and referral.patient_told_at is None:
        contact = careplans.log_contact(
            patient=referral.patient,
            channel=channel,
            outcome=Outcome.REACHED_DONE,
            note=note,
            topic=Topic.RESULTS,
            by=by,
            now=now,
        ).attempt
        facts = {"channel": channel, "contact": str(contact.pk)}
    return _record_fact(referral, "patient_told_at", "tell_patient", by=by, now=now, **facts)


@transaction.atomic
def record_requester_told(*, referral_id: UUID, by: Actor, now: datetime) -> Referral:
    """The requester knows that this ended without a report; that closes the loop."""
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_manage_referral(by, referral)
    if referral.status not in rules.ENDED_WITHOUT_REPORT:
        raise NotAllowed(_("This referral has not ended."))
    return _record_fact(referral, "requester_told_at", "tell_requester", by=by, now=now)


def _record_fact(
    referral: Referral, field: str, step: str, *, by: Actor, now: datetime, **facts: Any
) -> Referral:
    """One of the loop's facts: not a status step, so it writes its own history row and audit event."""
    if getattr(referral, field) is not None:
        return referral
    setattr(referral, field, now)
    referral.version += 1
    referral.save()
    begin(referral, by=by, now=now, step=step, **facts)
    set_next(referral, by=by, now=now, step=step)
    return referral


@transaction.atomic
def assign_referral(*, referral_id: UUID, owner: Any, by: Actor, now: datetime, reason: str = "") -> Referral:
    """Give a referral to somebody else; its age and dates do not change."""
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_manage_referral(by, referral)
    if not owner.can("referrals.edit") or referral.site_id not in owner.site_ids:
        raise NotAllowed(_("%(name)s does not work on referrals at this site.") % {"name": owner.name})
    before = referral.owner_id
    referral.owner = owner
    referral.version += 1
    referral.save()
    facts = {"from": before, "to": owner.pk}
    add_history(referral, "reassign", by=by, now=now, reason=reason, **facts)
    audit.record_change(referral, "assign", by=by, reason=reason, details=facts)
    return referral


@transaction.atomic
def import_referral(
    *, pk: UUID, patient: Patient, team: Any, status: str, by: Actor, now: datetime, **fields: Any
) -> Referral:
    """A referral that another system wrote, in the state it had there, with our number and next step."""
    referral = Referral(pk=pk, patient=patient, site=patient.site, stage_since=now, status=status, **fields)
    _give_owner(referral, owner=None, team=team, by=by)
    referral.reference = _next_reference()
    if status == ReferralStatus.COMPLETED:
        referral.report_received_at = now
    referral.save(force_insert=True)
    begin(referral, by=by, now=now, step="import")
    set_next(referral, by=by, now=now, step="import")
    return referral
