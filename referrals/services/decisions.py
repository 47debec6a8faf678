"""What the payer decided, line by line, and what it changes later under the same number."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.workflow import Actor, NotAllowed, move, person, record_edit
from referrals.models import AuthorizationLine, AuthorizationLineVersion, PriorAuthorization
from referrals.permissions import check_can_manage_referral
from referrals.rules import authorizations as rules
from referrals.services.authorization_tasks import follow_end
from referrals.services.authorizations import lock_authorization, set_next
from referrals.workflow import IN_FORCE, WITH_PAYER

ANSWER = ("decision", "units_approved", "starts_on", "ends_on", "reason")
D = AuthorizationLine.Decision
GRANTED = (D.APPROVED, D.MODIFIED)
Decisions = dict[int, dict[str, Any]]


@transaction.atomic
def decide_lines(
    *, authorization_id: UUID, decisions: Decisions, by: Actor, now: datetime, **facts: Any
) -> PriorAuthorization:
    """Record the payer's answer per line (`{1: {"decision": "approved", "units_approved": 3}}`).

    `facts`: authorization_number, starts_on, ends_on, has_no_end, reason. Days of the header stand for lines without
    their own. The header's status is derived from the lines and moved to by its step; lines left open after a first
    answer make it pended, with the payer to move.
    """
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if record.status not in WITH_PAYER:
        raise NotAllowed(_("Only a submitted request can be decided."))
    lines = _answered(record, decisions, facts)
    step = rules.step_for([line.decision for line in lines])
    if not step:
        return record
    facts = _header_facts(record, lines, step, facts, now)
    reason = facts.pop("reason", "") or facts.get("denial_reason", "")
    move(record, step, by=by, now=now, reason=reason, **facts)
    set_next(record, by=by, now=now, step=step, reason=reason)
    return record


def _answered(
    record: PriorAuthorization, decisions: Decisions, facts: dict[str, Any]
) -> list[AuthorizationLine]:
    lines = {line.number: line for line in record.lines.select_for_update()}
    for number, answer in decisions.items():
        if number not in lines:
            raise NotAllowed(_("There is no line %(number)d.") % {"number": number})
        _take_answer(lines[number], answer, facts)
        lines[number].version += 1
        lines[number].save()
    return list(lines.values())


def _take_answer(line: AuthorizationLine, answer: dict[str, Any], facts: dict[str, Any]) -> None:
    for name in ANSWER:
        if name in answer:
            setattr(line, name, answer[name])
    if line.decision in GRANTED:
        line.starts_on = line.starts_on or facts.get("starts_on")
        line.ends_on = line.ends_on or facts.get("ends_on")
        if line.units_approved is None:
            line.units_approved = line.units_requested
    elif line.decision == D.DENIED:
        line.units_approved = None
    if line.starts_on and line.ends_on and line.ends_on < line.starts_on:
        text = _("Line %(number)d ends before it begins.")
        raise ValidationError(text % {"number": line.number})


def _header_facts(
    record: PriorAuthorization,
    lines: list[AuthorizationLine],
    step: str,
    facts: dict[str, Any],
    now: datetime,
) -> dict[str, Any]:
    facts = dict(facts)
    if step == "pend":  # the payer has answered in part: nothing is asked of us
        facts.setdefault("asked_for", facts.get("reason") or _("An answer for the lines left open"))
        facts.setdefault("answer_due_at", record.due_at or now)
        return facts | {"asked_at": now, "answered_at": now}
    if step == "deny":
        said = [line.reason for line in lines if line.reason]
        facts.setdefault("denial_reason", facts.get("reason") or (said[0] if said else ""))
    else:
        _check_number(record, facts)
        facts["authorization_number"] = facts.get("authorization_number") or record.authorization_number
        facts |= _period(lines, facts)
    return facts | {"decided_at": now}


def _check_number(record: PriorAuthorization, facts: dict[str, Any]) -> None:
    if not (facts.get("authorization_number") or record.authorization_number):
        raise ValidationError({"authorization_number": _("Enter the payer's authorization number.")})


def _period(lines: list[AuthorizationLine], facts: dict[str, Any]) -> dict[str, Any]:
    """First and last day of what was granted; an end that is not known stays empty and is chased."""
    granted = [line for line in lines if line.decision in GRANTED]
    starts = [line.starts_on for line in granted if line.starts_on]
    ends = [line.ends_on for line in granted if line.ends_on]
    known = len(ends) == len(granted)
    end: date | None = facts.get("ends_on") or (max(ends) if ends and known else None)
    if end and facts.get("has_no_end"):
        raise ValidationError({"has_no_end": _("There is an end date: it is one or the other.")})
    return {
        "starts_on": facts.get("starts_on") or min(starts, default=None),
        "ends_on": end,
        "has_no_end": bool(facts.get("has_no_end")),
    }


@transaction.atomic
def revise_lines(
    *, authorization_id: UUID, decisions: Decisions, reason: str, by: Actor, now: datetime, **facts: Any
) -> PriorAuthorization:
    """The payer revised or extended an approval under the same number: each changed line keeps its earlier version.

    `reason` says what the payer changed. Moves to approved when no line is refused any more.
    """
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if record.status not in IN_FORCE:
        raise NotAllowed(_("Only an approval in force can be revised."))
    if not reason.strip():
        raise ValidationError({"reason": _("Say what the payer changed.")})
    lines = {line.number: line for line in record.lines.select_for_update()}
    for number, answer in decisions.items():
        if number not in lines:
            raise NotAllowed(_("There is no line %(number)d.") % {"number": number})
        _revise(lines[number], answer, reason, by, now)
    facts = {"authorization_number": record.authorization_number} | {k: v for k, v in facts.items() if v}
    facts |= _period(list(lines.values()), facts) | {"may_end_at": None}
    if any(line.decision == D.DENIED for line in lines.values()):
        for name, value in facts.items():
            setattr(record, name, value)
        record.version += 1
        record.save()
        record_edit(record, "revise", by=by, now=now, reason=reason)
        follow_end(record=record, by=by, now=now)
        set_next(record, by=by, now=now, step="approve")
        return record
    move(record, "approve", by=by, now=now, reason=reason, **facts)
    set_next(record, by=by, now=now, step="approve", reason=reason)
    return record


def _revise(line: AuthorizationLine, answer: dict[str, Any], reason: str, by: Actor, now: datetime) -> None:
    before = {name: getattr(line, name) for name in ANSWER}
    _take_answer(line, answer, {})
    if before == {name: getattr(line, name) for name in ANSWER}:
        return
    AuthorizationLineVersion.objects.create(
        line=line,
        number=line.earlier.count() + 1,
        service_code=line.service_code,
        replaced_at=now,
        replaced_because=reason[:300],
        created_by=person(by),
        **before,
    )
    line.version += 1
    line.save()


@transaction.atomic
def set_end(
    *, authorization_id: UUID, by: Actor, now: datetime, ends_on: date | None = None, has_no_end: bool = False
) -> PriorAuthorization:
    """The end of an approval that came without one: a day, or the payer's word that there is none."""
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if record.status not in IN_FORCE:
        raise NotAllowed(_("Only an approval in force has an end."))
    if (ends_on is None) == (not has_no_end):
        raise ValidationError({"ends_on": _("Give the end date, or say that the payer set none.")})
    if ends_on and record.starts_on and ends_on < record.starts_on:
        raise ValidationError({"ends_on": _("It cannot end before it begins.")})
    record.ends_on, record.has_no_end = ends_on, has_no_end
    record.version += 1
    record.save()
    for line in record.lines.filter(decision__in=GRANTED, ends_on=None) if ends_on else ():
        line.ends_on = ends_on
        line.save()
    record_edit(record, "set_end", by=by, now=now, ends_on=ends_on, has_no_end=has_no_end)
    follow_end(record=record, by=by, now=now)
    set_next(record, by=by, now=now, step="approve")
    return record
