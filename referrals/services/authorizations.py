"""Prior authorizations: the request, its lines, and what the payer says of each."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.clocks.services import NoRule, meet_clock, start_clock, void_clock
from coordinator.clocks.workflow import OPEN as RUNNING
from coordinator.db import lock
from coordinator.wording import as_kept
from coordinator.workflow import Actor, NotAllowed, begin, move, person
from patients.models import Patient
from referrals import authorization_rules as rules
from referrals.models import AuthorizationLine, Payer, PriorAuthorization, Referral
from referrals.permissions import check_can_manage_referral
from referrals.workflow import WITH_PAYER


@transaction.atomic
def create_authorization(
    *,
    patient: Patient,
    payer: Payer,
    service: str,
    by: Actor,
    now: datetime,
    owner: Any = None,
    team: Any = None,
    referral: Referral | None = None,
    **fields: Any,
) -> PriorAuthorization:
    """A request whose need is not known yet, with an owner, a next step and a date."""
    record = PriorAuthorization(
        patient=patient,
        site=patient.site,
        payer=payer,
        service=service,
        referral=referral,
        owner=owner or patient.coordinator or (person(by) if getattr(by, "can", None) else None),
        team=team,
        stage_since=now,
        created_by=person(by),
        **fields,
    )
    check_can_manage_referral(by, record)
    if record.owner is None and record.team is None:
        record.team = patient.site.teams.first()
    if record.owner is None and record.team is None:
        raise NotAllowed(_("Choose who owns this request: this site has no team yet."))
    record.save()
    begin(record, by=by, now=now)
    _set_next(record, by=by, now=now, step="create")
    return record


@transaction.atomic
def add_line(
    *, authorization_id: UUID, service_code: str, units: int, by: Actor, now: datetime
) -> AuthorizationLine:
    """One more service line, until the payer has decided."""
    record = lock(PriorAuthorization.objects, authorization_id)
    check_can_manage_referral(by, record)
    if record.status in rules.DECIDED:
        raise NotAllowed(_("After a decision, make a new request or an appeal."))
    line = record.lines.create(
        number=record.lines.count() + 1,
        service_code=service_code,
        units_requested=units,
        created_by=person(by),
    )
    begin(record, by=by, now=now, step="add_line", line=line.number, service_code=service_code, units=units)
    return line


@transaction.atomic
def advance_authorization(
    *, authorization_id: UUID, step: str, by: Actor, now: datetime, reason: str = "", **facts: Any
) -> PriorAuthorization:
    """Take one step of referrals.workflow. A payer's question does not stop its decision clock."""
    record = lock(PriorAuthorization.objects.select_related("payer", "site"), authorization_id)
    check_can_manage_referral(by, record)
    if step == "make_ready" and not record.lines.exists():
        raise NotAllowed(_("Add at least one service line first."))
    move(record, step, by=by, now=now, reason=reason, **facts)
    _set_next(record, by=by, now=now, step=step, reason=reason)
    return record


@transaction.atomic
def decide_lines(
    *, authorization_id: UUID, decisions: dict[int, dict[str, Any]], by: Actor, now: datetime, **facts: Any
) -> PriorAuthorization:
    """Record the payer's answer per line (`{1: {"decision": "approved", "units_approved": 3}}`).

    The header's status is derived from the lines and moved to by its step.
    """
    record = lock(PriorAuthorization.objects.select_related("payer", "site"), authorization_id)
    check_can_manage_referral(by, record)
    if record.status not in WITH_PAYER:
        raise NotAllowed(_("Only a submitted request can be decided."))
    lines = {line.number: line for line in record.lines.select_for_update()}
    for number, answer in decisions.items():
        if number not in lines:
            raise NotAllowed(_("There is no line %(number)d.") % {"number": number})
        for name in ("decision", "units_approved", "starts_on", "ends_on", "reason"):
            if name in answer:
                setattr(lines[number], name, answer[name])
        lines[number].save()
    step = rules.step_for([line.decision for line in lines.values()])
    if step:
        if step == "deny":
            facts.setdefault(
                "denial_reason", facts.get("reason") or next(line.reason for line in lines.values())
            )
        reason = facts.pop("reason", "") or facts.get("denial_reason", "")
        if step == "pend":
            facts.setdefault("asked_for", reason or _("More information"))
            facts.setdefault("answer_due_at", now)
        move(record, step, by=by, now=now, reason=reason, **facts)
        _set_next(record, by=by, now=now, step=step, reason=reason)
    return record


def _set_next(record: PriorAuthorization, *, by: Actor, now: datetime, step: str, reason: str = "") -> None:
    following = rules.next_step(record.status)
    keep = step in rules.KEEPS_CLOCK and record.clock_id
    if record.clock is not None and not keep and record.clock.state in RUNNING:
        if step in rules.MEETING_STEPS:
            meet_clock(clock_id=record.clock.pk, by=by, now=now)
        else:
            void_clock(clock_id=record.clock.pk, reason=reason or step, by=by, now=now)
    clock = record.clock if keep else _start(record, following, by=by, now=now)
    record.next_step = as_kept(following.text)
    record.clock = clock
    record.due_at = clock.due_at if clock else None
    record.stage_since = now
    record.save(update_fields=["next_step", "clock", "due_at", "stage_since", "updated_at"])


def _start(record: PriorAuthorization, following: rules.NextStep, *, by: Actor, now: datetime) -> Any:
    """The payer's clock starts when the payer received the request; ours start now.

    Where no rule sets the payer's date we set our own follow-up: nothing open is without a date.
    """
    if not following.rule:
        return None
    clock = None
    if following.rule == rules.PAYER_DECISION:
        with contextlib.suppress(NoRule):
            clock = start_clock(
                subject=record,
                kind=following.rule,
                rule=rules.decision_rule(record.payer.payer_type, record.urgency),
                anchor_at=record.received_by_payer_at or now,
                zone=record.payer.zone,
                calendar=record.site.calendar,
                by=by,
                now=now,
                site_id=record.site_id,
                owner_id=record.owner_id,
            )
    own = rules.FOLLOW_UP if following.rule == rules.PAYER_DECISION else following.rule
    return clock or start_clock(
        subject=record,
        kind=own,
        anchor_at=now,
        zone=record.site.zone,
        calendar=record.site.calendar,
        by=by,
        now=now,
        site_id=record.site_id,
        owner_id=record.owner_id,
    )
