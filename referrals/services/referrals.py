"""Referrals from draft to closed loop."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.clocks.services import meet_clock, start_clock, void_clock
from coordinator.clocks.workflow import OPEN as RUNNING
from coordinator.db import Conflict, lock
from coordinator.wording import as_kept
from coordinator.workflow import (
    Actor,
    NotAllowed,
    add_history,
    begin,
    move,
    person,
    record_edit,
)
from patients.models import Patient
from referrals import rules
from referrals.models import Referral
from referrals.permissions import check_can_manage_referral, check_can_review
from referrals.selectors import similar_referrals
from referrals.workflow import BEFORE_SENDING, ReferralStatus

# Which field keeps the moment of a step.
STAMPS = {
    "send": "sent_at",
    "receive": "received_at",
    "accept": "accepted_at",
    "schedule": "scheduled_at",
    "complete": "report_received_at",
}


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
    **fields: Any,
) -> Referral:
    """A draft with an owner, a next step and a date.

    Refuses (Conflict, with `similar`) when the patient has one for the same specialty that is open or was completed
    in the last 90 days, unless `duplicate_reason` says why to go on.
    """
    referral = Referral(
        patient=patient,
        site=patient.site,
        specialty=specialty.strip(),
        reason=reason.strip(),
        stage_since=now,
        created_by=person(by),
        **fields,
    )
    check_can_manage_referral(by, referral)
    if not referral.specialty or not referral.reason:
        raise ValidationError(_("A referral needs a specialty and a reason."))
    similar = similar_referrals(patient=patient, specialty=referral.specialty, now=now)
    if similar and not duplicate_reason:
        raise Conflict(
            _("This patient already has a referral to %(specialty)s.") % {"specialty": referral.specialty},
            similar=[str(r.pk) for r in similar],
        )
    _give_owner(referral, owner=owner, team=team, by=by)
    referral.reference = _next_reference()
    referral.save()
    facts = {"duplicate_reason": duplicate_reason} if duplicate_reason else {}
    begin(referral, by=by, now=now, **facts)
    _set_next(referral, by=by, now=now, step="create")
    from referrals.services.requirements import ask_list_for_referral

    return ask_list_for_referral(referral=referral, by=by, now=now)


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
    """Take one step (see referrals.workflow), writing every row between when the recipient skipped some."""
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_manage_referral(by, referral)
    _check_facts(referral, step, facts, now)
    for name in rules.path(referral.status, step):
        # A recipient who answers with a date has evidently received it.
        own = (
            {"confirmed_by": facts.get("confirmed_by") or _("the answer itself")} if name == "receive" else {}
        )
        if name == step:
            own |= facts
        if name in STAMPS:
            own[STAMPS[name]] = now
        if name == "reopen":
            own |= {"reviewed_at": None, "patient_told_at": None, "loop_closed_at": None}
        move(referral, name, by=by, now=now, reason=reason if name == step else "", **own)
    _set_next(referral, by=by, now=now, step=step, reason=reason)
    return referral


def _check_facts(referral: Referral, step: str, facts: dict[str, Any], now: datetime) -> None:
    if step == "send" and not referral.has_recipient and not facts.get("recipient_organization"):
        raise NotAllowed(_("Choose a recipient before sending."))
    if (
        step == "see"
        and isinstance(facts.get("seen_on"), date)
        and facts["seen_on"] > timezone.localdate(now)
    ):
        raise ValidationError({"seen_on": _("A visit in the future cannot have happened.")})
    if step == "complete" and referral.status == ReferralStatus.ACCEPTED and not facts.get("seen_on"):
        facts.setdefault("seen_on", timezone.localdate(now))


@transaction.atomic
def record_review(*, referral_id: UUID, by: Actor, now: datetime) -> Referral:
    """The requesting provider has read the report."""
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_review(by, referral)
    if referral.status != ReferralStatus.COMPLETED:
        raise NotAllowed(_("There is no report to review yet."))
    return _record_fact(referral, "reviewed_at", "review", by=by, now=now)


@transaction.atomic
def record_patient_told(*, referral_id: UUID, by: Actor, now: datetime) -> Referral:
    """The patient knows the outcome. Only after the requester's review."""
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_manage_referral(by, referral)
    if referral.reviewed_at is None:
        raise NotAllowed(_("The requester reviews the report before the patient is told."))
    return _record_fact(referral, "patient_told_at", "tell_patient", by=by, now=now)


@transaction.atomic
def record_requester_told(*, referral_id: UUID, by: Actor, now: datetime) -> Referral:
    """The requester knows that this ended without a report; that closes the loop."""
    referral = lock(Referral.objects.select_related("site"), referral_id)
    check_can_manage_referral(by, referral)
    if referral.status not in rules.ENDED_WITHOUT_REPORT:
        raise NotAllowed(_("This referral has not ended."))
    return _record_fact(referral, "requester_told_at", "tell_requester", by=by, now=now)


def _record_fact(referral: Referral, field: str, step: str, *, by: Actor, now: datetime) -> Referral:
    """One of the loop's facts: not a status step, so it writes its own history row and audit event."""
    if getattr(referral, field) is not None:
        return referral
    setattr(referral, field, now)
    referral.version += 1
    referral.save()
    begin(referral, by=by, now=now, step=step)
    _set_next(referral, by=by, now=now, step=step)
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


def _set_next(referral: Referral, *, by: Actor, now: datetime, step: str, reason: str = "") -> None:
    """The next step, whose move it is, and the date with its rule: written with every change."""
    following = rules.next_step(referral)
    if referral.clock is not None and referral.clock.state in RUNNING:
        if step in rules.MEETING_STEPS:
            meet_clock(clock_id=referral.clock.pk, by=by, now=now)
        else:
            void_clock(clock_id=referral.clock.pk, reason=reason or step, by=by, now=now)
    clock = None
    if following.rule:
        on = getattr(referral, following.on) if following.on else referral.requested_by_on
        clock = start_clock(
            subject=referral,
            kind=following.rule.format(urgency=referral.urgency),
            anchor_at=now,
            zone=referral.site.zone,
            calendar=referral.site.calendar,
            by=by,
            now=now,
            site_id=referral.site_id,
            on=timezone.localtime(on, referral.site.tzinfo).date() if isinstance(on, datetime) else on,
            owner_id=referral.owner_id,
        )
    closed = following is rules.CLOSED
    referral.next_step = as_kept(following.text)
    referral.clock = clock
    referral.due_at = clock.due_at if clock else None
    referral.stage_since = now
    referral.loop_closed_at = now if closed and referral.status != ReferralStatus.ENTERED_IN_ERROR else None
    referral.save(
        update_fields=["next_step", "clock", "due_at", "stage_since", "loop_closed_at", "updated_at"]
    )


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
    _set_next(referral, by=by, now=now, step="import")
    return referral
