"""Talks between clinicians and appeals: asked for, filed with proof, decided. Statuses by the workflow's table only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Practitioner
from coordinator.audit import services as audit
from coordinator.clocks import rules
from coordinator.clocks.services import NoRule, start_clock, void_clock
from coordinator.clocks.workflow import OPEN as RUNNING
from coordinator.db import lock, refusals
from coordinator.workflow import Actor, NotAllowed, person, record_edit
from patients.models import Document
from referrals.models import (
    Appeal,
    AppealLetter,
    AuthorizationLine,
    Denial,
    PeerToPeer,
    PriorAuthorization,
)
from referrals.permissions import check_can_manage_referral
from referrals.rules import appeals as appeal_rules
from referrals.rules import authorizations as authorization_rules
from referrals.services.authorization_tasks import follow_end
from referrals.services.authorizations import advance_authorization, set_next
from referrals.services.denial_records import meet_peer_clock
from referrals.services.letters import check_fit
from referrals.workflow import AUTHORIZATION_WORKFLOW, IN_FORCE, AuthorizationStatus

S = AuthorizationStatus
IN_FORCE_FACTS = ("authorization_number", "starts_on", "ends_on")
NO, YES, PARTLY = Appeal.Outcome.UPHELD, Appeal.Outcome.OVERTURNED, Appeal.Outcome.PARTLY


# --- peer-to-peer --------------------------------------------------------------------------------------------------


@transaction.atomic
def plan_peer_to_peer(
    *,
    denial_id: UUID,
    at: datetime,
    our_clinician: Practitioner,
    by: Actor,
    now: datetime,
    payer_clinician: str = "",
    note: str = "",
) -> PeerToPeer:
    """A talk is agreed for `at`. It is no appeal: the appeal clock runs on.

    Raises NotAllowed when one is planned already, or nothing is left to talk about.
    """
    denial = _standing(denial_id)
    check_can_manage_referral(by, denial)
    record = denial.authorization
    if record.status not in (S.DENIED, S.PEER_TO_PEER, S.PARTIALLY_APPROVED, S.MODIFIED):
        raise NotAllowed(_("A peer-to-peer talk is for a request that was refused and not decided since."))
    talk = PeerToPeer(
        denial=denial,
        at=at,
        our_clinician=our_clinician,
        payer_clinician=payer_clinician.strip(),
        note=note.strip(),
        created_by=person(by),
    )
    with refusals(peer_to_peer_one_planned=_("A talk is planned already. Record how it went first.")):
        talk.save(force_insert=True)
    if AUTHORIZATION_WORKFLOW.find("start_peer_to_peer", record.status):
        advance_authorization(
            authorization_id=record.pk,
            step="start_peer_to_peer",
            by=by,
            now=now,
            at=at.isoformat(),
            our_clinician=str(our_clinician),
            payer_clinician=talk.payer_clinician,
        )
    meet_peer_clock(denial=denial, by=by, now=now)
    audit.record_change(talk, "plan", by=by, details={"denial": str(denial.pk)})
    return talk


@transaction.atomic
def record_peer_to_peer(
    *,
    talk_id: UUID,
    outcome: str,
    by: Actor,
    now: datetime,
    held_at: datetime | None = None,
    payer_clinician: str = "",
    note: str = "",
    units: Mapping[int, int | None] | None = None,
    **decision: Any,
) -> PeerToPeer:
    """How the talk went. `units` (line number -> units) and `decision` say what the payer approves, when it does.

    Raises ValidationError by field, NotAllowed when it was recorded already.
    """
    talk = lock(PeerToPeer.objects.select_related("denial__authorization"), talk_id)
    check_can_manage_referral(by, talk.authorization)
    if talk.outcome:
        raise NotAllowed(_("How this talk went is recorded already."))
    if talk.denial.error_reason:
        raise NotAllowed(_("The denial was entered in error, so no talk about it counts."))
    held = outcome != PeerToPeer.Outcome.NOT_HELD
    if held and held_at is None:
        raise ValidationError({"held_at": _("Enter when the talk took place.")})
    if held_at is not None and held_at > now:
        raise ValidationError({"held_at": _("The talk cannot have taken place in the future.")})
    talk.outcome, talk.held_at = outcome, held_at if held else None
    talk.payer_clinician = payer_clinician.strip() or talk.payer_clinician
    talk.note = note.strip() or talk.note
    talk.version += 1
    talk.save()
    audit.record_change(talk, "record_outcome", by=by, details={"outcome": outcome})
    if outcome in (YES, PARTLY):
        _approve(talk.denial, outcome == YES, units or {}, by=by, now=now, **decision)
    elif talk.authorization.status == S.PEER_TO_PEER:
        advance_authorization(
            authorization_id=talk.authorization.pk,
            step="deny",
            by=by,
            now=now,
            reason=talk.note or str(talk.get_outcome_display()),
        )
    return talk


# --- appeals -------------------------------------------------------------------------------------------------------


@transaction.atomic
def file_appeal(
    *,
    denial_id: UUID,
    filed_at: datetime,
    by: Actor,
    now: datetime,
    kind: str = Appeal.Kind.STANDARD,
    channel: str = "",
    proof: str = "",
    letter: AppealLetter | None = None,
    documents: Iterable[Document] = (),
    decision_due_on: date | None = None,
) -> Appeal:
    """The next level is filed, with the proof of sending; the payer's decision clock runs from `filed_at`.

    `decision_due_on` is the day the payer named, for levels whose length the register does not know. Raises
    ValidationError by field; NotAllowed from a status without that step, or when the known route is at its end.
    """
    denial = _standing(denial_id)
    check_can_manage_referral(by, denial)
    record = denial.authorization
    level = appeal_rules.next_level(record.payer.payer_type, denial.appeals.values_list("level", flat=True))
    if level is None:
        raise NotAllowed(_("All levels of appeal that we know of were used."))
    by_plan = appeal_rules.level_of(record.payer.payer_type, level).by_plan
    _check_filing(denial, filed_at, "" if by_plan else channel, proof, by_plan, now)
    if letter is not None:
        check_fit(letter=letter, by=by)
    appeal = Appeal(
        denial=denial,
        level=level,
        kind=kind,
        by_plan=by_plan,
        filed_at=filed_at,
        channel=channel,
        proof=proof.strip(),
        letter=letter,
        created_by=person(by),
    )
    with refusals(appeal_level_once=_("Somebody else has just filed this appeal.")):
        appeal.save(force_insert=True)
    appeal.documents.set(documents)
    advance_authorization(
        authorization_id=record.pk, step="appeal", by=by, now=now, level=level, filed_at=filed_at.isoformat()
    )
    _start_decision(appeal, decision_due_on, by, now)
    audit.record_change(appeal, "file", by=by, details={"denial": str(denial.pk), "level": level})
    return appeal


def _check_filing(
    denial: Denial, filed_at: datetime, channel: str, proof: str, by_plan: bool, now: datetime
) -> None:
    problems: dict[str, Any] = {}
    if filed_at > now:
        problems["filed_at"] = _("An appeal cannot have been filed in the future.")
    elif rules.local_date(filed_at, denial.authorization.payer.zone) < denial.notice_on:
        problems["filed_at"] = _("This is before the date of the denial notice.")
    if not by_plan and not channel:
        problems["channel"] = _("Say how it was sent.")
    if not by_plan and not proof.strip():
        problems["proof"] = _(
            "Enter the proof of sending: a confirmation or tracking number, or who took it in."
        )
    if problems:
        raise ValidationError(problems)


def _start_decision(appeal: Appeal, due_on: date | None, by: Actor, now: datetime) -> None:
    """The payer's clock for this level, which is also the date of the request; without one our own follow-up stays."""
    record = PriorAuthorization.objects.select_related("payer", "site__calendar", "clock").get(
        pk=appeal.authorization.pk
    )
    key = appeal_rules.decision_rule(record.payer.payer_type, appeal.level, appeal.kind)
    if not key:
        key = "appeal.other.standard"
    try:
        clock = start_clock(
            subject=record,
            kind=f"{appeal_rules.DECISION}:{appeal.pk}",
            rule=key,
            on=due_on,
            anchor_at=appeal.filed_at,
            anchor_label=_("appeal filed"),
            zone=record.payer.zone,
            calendar=record.site.calendar,
            site_id=record.site_id,
            owner_id=record.owner_id,
            by=by,
            now=now,
        )
    except NoRule:
        clock = None
    if clock is None:
        return
    if record.clock is not None and record.clock.state in RUNNING:
        void_clock(clock_id=record.clock.pk, reason=_("The payer’s own date counts."), by=by, now=now)
    appeal.clock = clock
    appeal.save(update_fields=["clock", "updated_at"])
    record.clock, record.due_at = clock, clock.due_at
    record.save(update_fields=["clock", "due_at", "updated_at"])


@transaction.atomic
def record_appeal_outcome(
    *,
    appeal_id: UUID,
    outcome: str,
    outcome_on: date,
    by: Actor,
    now: datetime,
    words: str = "",
    next_by: date | None = None,
    units: Mapping[int, int | None] | None = None,
    **decision: Any,
) -> Appeal:
    """What the payer (or the reviewer) decided. An upheld denial leaves the next level open, until `next_by` when its
    notice names a day; `units` and `decision` as with a peer-to-peer talk. Raises ValidationError by field, NotAllowed when it was recorded already.
    """
    found = Appeal.objects.select_related("denial__authorization__payer", "denial__authorization__site")
    appeal = lock(found, appeal_id)
    record = appeal.authorization
    check_can_manage_referral(by, record)
    if appeal.outcome:
        raise NotAllowed(_("The outcome of this appeal is recorded already."))
    if outcome_on > rules.local_date(now, record.payer.zone):
        raise ValidationError({"outcome_on": _("The date of the notice cannot be in the future.")})
    # Filed late in our evening it is the payer's next day already: a day is too early only on both clocks.
    filed = min(rules.local_date(appeal.filed_at, zone) for zone in (record.payer.zone, record.site.zone))
    if outcome_on < filed:
        raise ValidationError({"outcome_on": _("This is before the day the appeal was filed.")})
    if next_by is not None and next_by < outcome_on:
        raise ValidationError({"next_by": _("This day is before the date of the notice.")})
    appeal.outcome, appeal.outcome_on, appeal.outcome_words = outcome, outcome_on, words.strip()
    appeal.next_by = next_by
    appeal.version += 1
    appeal.save()
    audit.record_change(appeal, "record_outcome", by=by, details={"outcome": outcome})
    if outcome == NO:
        advance_authorization(
            authorization_id=record.pk,
            step="uphold",
            by=by,
            now=now,
            reason=words.strip(),
            level=appeal.level,
            outcome_on=outcome_on.isoformat(),
        )
        _start_next_window(appeal, by, now)
    else:
        _approve(appeal.denial, outcome == YES, units or {}, by=by, now=now, level=appeal.level, **decision)
    return appeal


def _start_next_window(appeal: Appeal, by: Actor, now: datetime) -> None:
    """Our time to go to the next level: the day its notice gives; no rule of the register counts it."""
    record = appeal.authorization
    number = appeal_rules.next_level(record.payer.payer_type, [appeal.level])
    if appeal.next_by is None or number is None:
        return
    rule = appeal_rules.level_of(record.payer.payer_type, number).file or appeal_rules.PRINTED
    appeal.next_clock = start_clock(
        subject=record,
        kind=f"{appeal_rules.FILE}:{appeal.pk}",
        rule=rule,
        on=appeal.next_by,
        anchor_at=appeal.outcome_on or appeal.next_by,
        anchor_label=_("date of the notice"),
        zone=record.payer.zone,
        calendar=None,
        site_id=record.site_id,
        owner_id=record.owner_id,
        by=by,
        now=now,
    )
    appeal.save(update_fields=["next_clock", "updated_at"])


# --- what both share -----------------------------------------------------------------------------------------------


def _standing(denial_id: UUID) -> Denial:
    found = Denial.objects.select_related("authorization__payer", "authorization__site")
    denial = lock(found, denial_id)
    if denial.error_reason:
        raise NotAllowed(_("This denial was entered in error."))
    return denial


def _approve(
    denial: Denial, whole: bool, units: Mapping[int, int | None], *, by: Actor, now: datetime, **decision: Any
) -> None:
    """Write what the payer approves on the refused lines, then take the step that follows from all lines."""
    related = ("payer", "site__calendar", "owner", "team", "patient", "clock")
    record = lock(PriorAuthorization.objects.select_related(*related), denial.authorization_id)
    _check_decision(record, decision)
    lines = list(record.lines.select_for_update())
    for line in lines:
        if line.decision == "denied" and (whole or units.get(line.number)):
            line.units_approved = units.get(line.number) or line.units_requested
            changed = line.units_approved != line.units_requested
            line.decision = "modified" if changed else "approved"
            line.starts_on, line.ends_on = decision.get("starts_on"), decision.get("ends_on")
            line.save()
    step = authorization_rules.step_for([line.decision for line in lines])
    if not whole and step in (None, "deny", "approve") and lines:
        raise ValidationError(
            {"units": _("Enter the units that are approved, and leave out at least one line.")}
        )
    facts = {name: value for name, value in decision.items() if value not in (None, "")}
    facts |= period_of(lines, facts) | {"has_no_end": False, "may_end_at": None}
    step = step or ("approve" if whole else "approve_in_part")
    if AUTHORIZATION_WORKFLOW.find(step, record.status) is None and record.status in IN_FORCE:
        # A talk about the refused lines of what is in force: the table knows one step from there.
        if step == "approve_in_part":
            _keep_in_force(record, facts, by=by, now=now)
            return
        step = "approve"
    advance_authorization(authorization_id=record.pk, step=step, by=by, now=now, **facts)


def period_of(lines: Iterable[AuthorizationLine], decision: Mapping[str, Any]) -> dict[str, Any]:
    """First and last day of the request: it stays in force while any of its lines does, also those granted before."""
    granted = [line for line in lines if line.decision in ("approved", "modified")]
    starts = [line.starts_on for line in granted if line.starts_on]
    ends = [line.ends_on for line in granted if line.ends_on]
    found = {"starts_on": min(starts, default=None), "ends_on": max(ends, default=None)}
    return {name: value or decision.get(name) for name, value in found.items() if value or decision.get(name)}


def _keep_in_force(record: PriorAuthorization, facts: Mapping[str, Any], *, by: Actor, now: datetime) -> None:
    """More of it is granted while the rest stays refused: number, days and what follows from them are written anew."""
    for name in IN_FORCE_FACTS:
        if facts.get(name):
            setattr(record, name, facts[name])
    record.has_no_end, record.may_end_at = False, None
    record.version += 1
    record.save()
    said = {name: str(facts[name]) for name in IN_FORCE_FACTS if facts.get(name)}
    record_edit(record, "decide_lines", by=by, now=now, **said)
    follow_end(record=record, by=by, now=now)
    set_next(record, by=by, now=now, step="approve")


def _check_decision(record: PriorAuthorization, decision: Mapping[str, Any]) -> None:
    problems: dict[str, Any] = {}
    if not decision.get("authorization_number"):
        problems["authorization_number"] = _("Enter the payer’s authorization number.")
    if not decision.get("ends_on"):
        problems["ends_on"] = _("Enter the last day. Ask the payer when its answer names none.")
    starts_on, ends_on = decision.get("starts_on"), decision.get("ends_on")
    if starts_on and ends_on and ends_on < starts_on:
        problems["ends_on"] = _("The last day must not be before the first.")
    if problems:
        raise ValidationError(problems)
