"""Prior authorizations: the request, its lines, its steps, and what the payer says of each line."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.clocks.rules import end_of_day
from coordinator.clocks.services import NoRule, meet_clock, start_clock, void_clock
from coordinator.clocks.workflow import OPEN as RUNNING
from coordinator.clocks.workflow import State
from coordinator.db import Conflict, lock
from coordinator.wording import as_kept
from coordinator.workflow import Actor, NotAllowed, add_history, begin, move, person, record_edit
from patients.models import Patient
from patients.services.entries import clean
from referrals.models import AuthorizationLine, Payer, PriorAuthorization, Referral
from referrals.permissions import check_can_manage_referral
from referrals.rules import authorizations as rules
from referrals.services.papers import check_papers, list_papers
from referrals.workflow import IN_FORCE

HEADER = ("service", "kind", "urgency", "urgency_reason", "payer", "coverage", "referral", "reference_number")
LINE = ("service_code", "label", "units_requested", "unit_kind", "asked_from", "asked_until")


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
    """A request whose need is not known yet, with an owner, a next step and a date.

    Raises ValidationError for an expedited request without its reason, or rows of another patient.
    """
    record = PriorAuthorization(
        patient=patient,
        site=patient.site,
        payer=payer,
        referral=referral,
        team=team,
        stage_since=now,
        created_by=person(by),
        **clean(PriorAuthorization, {"service": service, **fields}),
    )
    check_can_manage_referral(by, record)
    check_header(record)
    candidate = owner or patient.coordinator or (person(by) if getattr(by, "can", None) else None)
    record.owner = candidate if candidate is not None and candidate.can("referrals.edit") else None
    if record.owner is None and record.team is None:
        record.team = patient.site.teams.first()
    if record.owner is None and record.team is None:
        raise NotAllowed(_("Choose who owns this request: this site has no team yet."))
    record.save()
    begin(record, by=by, now=now)
    set_next(record, by=by, now=now, step="create")
    list_papers(record, by=by)
    return record


def check_header(record: PriorAuthorization) -> None:
    """Raises ValidationError by field."""
    if not record.service:
        raise ValidationError({"service": _("Say what is asked for.")})
    if record.urgency == "expedited" and not record.urgency_reason:
        text = _("Say why it cannot wait: what would waiting do to the patient's life, health or function?")
        raise ValidationError({"urgency_reason": text})
    for name in ("coverage", "referral"):
        other = getattr(record, name)
        if other is not None and other.patient_id != record.patient_id:
            raise ValidationError({name: _("Choose something of the same patient.")})


@transaction.atomic
def update_authorization(
    *, authorization_id: UUID, version: int | None, by: Actor, now: datetime, **changes: Any
) -> PriorAuthorization:
    """Correct what is asked (HEADER), until the payer has decided. A request that is with the payer keeps its urgency
    and payer: those set its clock.

    Raises Conflict with `extra`: version and fields, as `update_referral` does.
    """
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if record.status in rules.DECIDED:
        raise NotAllowed(_("After a decision, make a new request or an appeal."))
    unknown = set(changes) - set(HEADER)
    if unknown:
        raise TypeError(f"Not facts of a request that can be changed here: {sorted(unknown)}")
    changes = clean(PriorAuthorization, changes)
    differing = {name: value for name, value in changes.items() if getattr(record, name) != value}
    if version is not None and version != record.version:
        raise Conflict(
            _("Somebody saved this request since you opened it. Saving again replaces what is named below."),
            version=record.version,
            fields={name: getattr(record, name) for name in differing},
        )
    if record.status in rules.AT_PAYER and {"urgency", "payer", "kind"} & set(differing):
        raise NotAllowed(
            _("The payer has this request: its payer, kind and urgency stay. Withdraw it to ask anew.")
        )
    if not differing:
        return record
    for name, value in differing.items():
        setattr(record, name, value)
    check_header(record)
    record.version += 1
    record.save()
    record_edit(record, "update", by=by, now=now, fields=sorted(differing), version=record.version)
    list_papers(record, by=by)
    return record


@transaction.atomic
def assign_authorization(
    *, authorization_id: UUID, owner: Any, by: Actor, now: datetime, reason: str = ""
) -> PriorAuthorization:
    """Give a request to somebody else; its age and dates do not change."""
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if not owner.can("referrals.edit") or record.site_id not in owner.site_ids:
        raise NotAllowed(
            _("%(name)s does not work on prior authorizations at this site.") % {"name": owner.name}
        )
    before = record.owner_id
    record.owner = owner
    record.version += 1
    record.save()
    facts = {"from": before, "to": owner.pk}
    add_history(record, "reassign", by=by, now=now, reason=reason, **facts)
    audit.record_change(record, "assign", by=by, reason=reason, details=facts)
    return record


@transaction.atomic
def add_line(
    *,
    authorization_id: UUID,
    service_code: str,
    by: Actor,
    now: datetime,
    units: int = 1,
    **fields: Any,
) -> AuthorizationLine:
    """One more service line, until the payer has decided. `label` is our own words for the code."""
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if record.status in rules.DECIDED:
        raise NotAllowed(_("After a decision, make a new request or an appeal."))
    line = AuthorizationLine(
        authorization=record,
        number=record.lines.count() + 1,
        created_by=person(by),
        **_line_values({"service_code": service_code, "units_requested": units, **fields}),
    )
    line.save()
    begin(record, by=by, now=now, step="add_line", line=line.number, service_code=service_code, units=units)
    list_papers(record, by=by)
    return line


@transaction.atomic
def update_line(
    *, line_id: UUID, by: Actor, now: datetime, cancelled: bool = False, **fields: Any
) -> AuthorizationLine:
    """Change or cancel a line, before a decision; it keeps its number."""
    line = AuthorizationLine.objects.select_related("authorization").get(pk=line_id)
    record = lock_authorization(line.authorization_id)
    check_can_manage_referral(by, record)
    if record.status in rules.DECIDED or line.decision not in ("", AuthorizationLine.Decision.CANCELLED):
        raise NotAllowed(_("The payer has answered this line. Make a new request or an appeal."))
    changes = _line_values(fields) | {"decision": AuthorizationLine.Decision.CANCELLED if cancelled else ""}
    differing = {name: value for name, value in changes.items() if getattr(line, name) != value}
    if not differing:
        return line
    for name, value in differing.items():
        setattr(line, name, value)
    line.version += 1
    line.save()
    record_edit(record, "update_line", by=by, now=now, line=line.number, fields=sorted(differing))
    list_papers(record, by=by)
    return line


def _line_values(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(LINE)
    if unknown:
        raise TypeError(f"Not facts of a line: {sorted(unknown)}")
    values = clean(AuthorizationLine, fields)
    values["service_code"] = values.get("service_code", "").upper()
    if not values["service_code"]:
        raise ValidationError({"service_code": _("Enter the service code.")})
    since, until = values.get("asked_from"), values.get("asked_until")
    if since and until and until < since:
        raise ValidationError({"asked_until": _("This day is before the first one.")})
    return values


def lock_authorization(authorization_id: UUID) -> PriorAuthorization:
    people = ("payer", "site__calendar", "owner", "team", "patient", "clock")
    return lock(PriorAuthorization.objects.select_related(*people), authorization_id)


@transaction.atomic
def advance_authorization(
    *, authorization_id: UUID, step: str, by: Actor, now: datetime, reason: str = "", **facts: Any
) -> PriorAuthorization:
    """Take one step of referrals.workflow, writing every row between (see rules.PATHS).

    Ready and submitted are refused while a required paper is missing, naming it. A payer's question does not stop
    its decision clock. Raises NotAllowed, ValidationError.
    """
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    for name in rules.path(record.status, step):
        if name in ("make_ready", "submit"):
            check_complete(record)
        own = facts if name == step else {}
        own = _stamps(record, name, own, now) | own
        move(record, name, by=by, now=now, reason=reason if name == step else "", **own)
        if name == "gather":
            list_papers(record, by=by)
    set_next(record, by=by, now=now, step=step, reason=reason)
    return record


def check_complete(record: PriorAuthorization) -> None:
    """Raises NotAllowed with what is missing, by name."""
    if not record.lines.exclude(decision=AuthorizationLine.Decision.CANCELLED).exists():
        raise NotAllowed(_("Add at least one service line first."))
    check_papers(record)


def _stamps(record: PriorAuthorization, step: str, facts: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Times that a step brings with it, and what of an earlier round is over."""
    if step == "submit":
        _check_times(facts, now)
        return {
            "sent_at": facts.get("sent_at") or now,
            "asked_for": "",
            "answer_due_at": None,
            "answered_at": None,
        }
    if step == "pend":
        return {"asked_at": now, "answered_at": None}
    if step in rules.DECIDING:
        return {"decided_at": now}
    return {}


def _check_times(facts: dict[str, Any], now: datetime) -> None:
    received, sent = facts.get("received_by_payer_at"), facts.get("sent_at")
    if received and received > now:
        raise ValidationError({"received_by_payer_at": _("This moment is still to come.")})
    if sent and sent > now:
        raise ValidationError({"sent_at": _("This moment is still to come.")})
    if received and sent and received < sent:
        raise ValidationError({"received_by_payer_at": _("It cannot have arrived before it was sent.")})


def set_next(record: PriorAuthorization, *, by: Actor, now: datetime, step: str, reason: str = "") -> None:
    """The next step, whose move it is, and the date with its rule: written with every step."""
    following = rules.next_step(record)
    keep = step in rules.KEEPS_CLOCK and record.clock_id
    clock = record.clock
    if clock is not None and not keep and clock.state in (*RUNNING, State.MISSED):
        if step in rules.MEETING_STEPS:
            meet_clock(clock_id=clock.pk, by=by, now=now)
        elif clock.state in RUNNING:
            void_clock(clock_id=clock.pk, reason=reason or step, by=by, now=now)
    clock = clock if keep else _start(record, following, by=by, now=now)
    record.next_step = as_kept(following.text)
    record.clock = clock
    record.due_at = clock.due_at if clock else _own_end(record)
    record.stage_since = now
    record.save(update_fields=["next_step", "clock", "due_at", "stage_since", "updated_at"])


def _own_end(record: PriorAuthorization) -> datetime | None:
    """An approval in force is due by its own last day, without a rule."""
    if record.status in IN_FORCE and record.ends_on is not None:
        return end_of_day(record.ends_on, record.site.zone)
    return None


def _start(record: PriorAuthorization, following: Any, *, by: Actor, now: datetime) -> Any:
    """The payer's clock starts when the payer received the request; ours start now.

    Where no rule sets the payer's date we set our own follow-up: nothing open is without a date.
    """
    if not following.rule:
        return None
    clock = start_payer_clock(record, by=by, now=now) if following.rule == rules.PAYER_DECISION else None
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


def start_payer_clock(record: PriorAuthorization, *, by: Actor, now: datetime) -> Any:
    """The payer's time to decide, from its receipt; None where neither a rule nor the payer sets a date."""
    with contextlib.suppress(NoRule):
        return start_clock(
            subject=record,
            kind=rules.PAYER_DECISION,
            rule=rules.decision_rule(record.payer.payer_type, record.urgency, record.kind),
            anchor_at=record.received_by_payer_at or now,
            anchor_label=_("received by the payer"),
            zone=record.payer.zone,
            calendar=record.site.calendar,
            on=record.decision_due_on,
            by=by,
            now=now,
            site_id=record.site_id,
            owner_id=record.owner_id,
        )
    return None
