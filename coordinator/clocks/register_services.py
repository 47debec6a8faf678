"""Changes of the register: proposed by one person, approved by another, and what then moves.

Old cases stay on their old version. Approving a version that begins in the past moves the open clocks whose event lies
on or after its first day, each by a step of its own with its audit event.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coordinator.audit import services as audit
from coordinator.clocks.impact import Impact, calendar_for_terms, impact_of, proposal_number, recounted
from coordinator.clocks.models import BusinessCalendar, Clock, Decision, Rule, RuleProposal, RuleVersion
from coordinator.clocks.selectors import as_calendar, federal_calendar
from coordinator.clocks.services import dates_of
from coordinator.clocks.values import COUNTING, FURTHEST, Terms
from coordinator.clocks.vectors import Vector, problems
from coordinator.db import Conflict, lock, refusals
from coordinator.wording import day
from coordinator.workflow import Actor, NotAllowed, move

MOST_MOVED = 2000  # of one approval; more than that is a change to be made for days to come


@transaction.atomic
def propose_rule_version(
    *,
    rule_id: UUID,
    effective_from: date,
    kind: str,
    params: dict[str, Any],
    source: str,
    why: str,
    vectors: list[Vector],
    by: Any,
    now: datetime,
    calendar: BusinessCalendar | None = None,
    citation: str = "",
    verified: bool = False,
) -> RuleProposal:
    """Write a proposal for somebody else to approve. Nothing changes yet.

    `params` is what `Terms.read` reads. Every test date is worked out; each that comes out otherwise is named at the
    field `vectors`. Raises PermissionDenied, ValidationError, and Conflict when one is waiting for this rule already.
    """
    _check_may(by, "rules.propose")
    rule = lock(Rule.objects, rule_id)
    proposal = RuleProposal(
        rule=rule,
        effective_from=effective_from,
        kind=kind,
        params=params,
        calendar=calendar,
        source=source.strip(),
        citation=citation.strip(),
        verified=verified,
        vectors=[vector.as_data() for vector in vectors],
        why=why.strip(),
        created_by=by,
    )
    if not proposal.source or not proposal.why:
        raise ValidationError(_("A change of a rule needs its source and the reason for it."))
    _check_day(rule, effective_from)
    _check_terms(proposal)
    with refusals(rule_proposal_one_waiting=_waiting()), transaction.atomic():
        proposal.save(force_insert=True)
    _record(proposal, "propose", by, reason=proposal.why)
    return proposal


@transaction.atomic
def approve_proposal(
    *, proposal_id: UUID, by: Any, now: datetime, expected: int | None = None, comment: str = ""
) -> RuleProposal:
    """Put the proposed version into the register and move what it moves. Only somebody else than who proposed it.

    `expected` is how many open items the screen said would move; Conflict when that is not so any more.
    """
    proposal = _waiting_one(proposal_id)
    _check_may(by, "rules.approve")
    if by.pk == proposal.created_by_id:
        raise NotAllowed(_("A second person approves: you proposed this change yourself."))
    rule = lock(Rule.objects, proposal.rule_id)
    _check_day(rule, proposal.effective_from)
    _check_terms(proposal)
    impact = impact_of(proposal)
    _check_impact(impact, expected)
    version = _enter(proposal, by=by, now=now)
    for one in impact.restarted:
        _restart(one.clock.pk, version, reason=proposal.why, by=by, now=now)
    facts = {"version": version.version, "moved": len(impact.moves), "kept_date": len(impact.same)}
    return _decide(proposal, Decision.APPROVED, comment, by, now, made=version, **facts)


@transaction.atomic
def refuse_proposal(*, proposal_id: UUID, reason: str, by: Any, now: datetime) -> RuleProposal:
    """Leave the register as it is, with the reason. Raises ValidationError without one."""
    proposal = _waiting_one(proposal_id)
    _check_may(by, "rules.approve")
    if by.pk == proposal.created_by_id:
        raise NotAllowed(_("You proposed this change yourself: withdraw it instead."))
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it is refused.")})
    return _decide(proposal, Decision.REFUSED, reason.strip(), by, now)


@transaction.atomic
def withdraw_proposal(*, proposal_id: UUID, by: Any, now: datetime, reason: str = "") -> RuleProposal:
    """Whoever proposed it takes it back."""
    proposal = _waiting_one(proposal_id)
    if by.pk != proposal.created_by_id:
        raise PermissionDenied(_("Only the person who proposed a change withdraws it."))
    return _decide(proposal, Decision.WITHDRAWN, reason.strip(), by, now)


def _check_may(by: Actor, permission: str) -> None:
    if not getattr(by, "can", None) or not by.can(permission):
        raise PermissionDenied(_("Your role does not include changing rules."))


def _waiting() -> str:
    return _("A change of this rule is waiting for approval already.")


def _waiting_one(proposal_id: UUID) -> RuleProposal:
    proposal = lock(RuleProposal.objects.select_related("rule", "calendar", "made"), proposal_id)
    if not proposal.is_waiting:
        raise NotAllowed(_("This change was decided already. Reload the page to see how."))
    return proposal


def _check_day(rule: Rule, effective_from: date) -> None:
    last = rule.versions.order_by("-effective_from").first()
    if last is not None and effective_from <= last.effective_from:
        text = _("The version before begins on %(day)s: choose a later day.")
        raise ValidationError({"effective_from": text % {"day": day(last.effective_from)}})


def _check_terms(proposal: RuleProposal) -> None:
    """The terms make sense and every test date comes out as it says."""
    if proposal.kind in COUNTING and not 0 < proposal.params.get("amount", 0) <= FURTHEST:
        text = _("Give a length between 1 and %(most)d.") % {"most": FURTHEST}
        raise ValidationError({"amount": text})
    try:
        terms: Terms = proposal.terms(proposal_number(proposal))
    except (ValueError, TypeError) as error:
        raise ValidationError(_("This cannot be counted: %(why)s") % {"why": error}) from error
    if not proposal.vectors:
        raise ValidationError({"vectors": _("Give at least one test date.")})
    chosen = proposal.calendar or federal_calendar()
    wrong = problems(proposal.test_dates, terms, as_calendar(chosen))
    if wrong:
        raise ValidationError({"vectors": wrong})


def _check_impact(impact: Impact, expected: int | None) -> None:
    moving = len(impact.moves)
    if expected is not None and moving != expected:
        text = ngettext(
            "Meanwhile %(n)d open item would move. Look at them and approve again.",
            "Meanwhile %(n)d open items would move. Look at them and approve again.",
            moving,
        )
        raise Conflict(text % {"n": moving})
    if len(impact.restarted) > MOST_MOVED:
        text = _("More than %(most)d open items would move at once. Choose a later first day.")
        raise NotAllowed(text % {"most": MOST_MOVED})


def _enter(proposal: RuleProposal, *, by: Any, now: datetime) -> RuleVersion:
    """The new version, the day after the last day of the one before."""
    day_before = proposal.effective_from - timedelta(days=1)
    earlier = proposal.rule.versions.order_by("-effective_from").first()
    if earlier is not None and (earlier.effective_to is None or earlier.effective_to > day_before):
        RuleVersion.objects.filter(pk=earlier.pk).update(effective_to=day_before)
    return RuleVersion.objects.create(
        rule=proposal.rule,
        version=proposal_number(proposal),
        effective_from=proposal.effective_from,
        kind=proposal.kind,
        params=proposal.params,
        calendar=proposal.calendar,
        source=proposal.source,
        citation=proposal.citation,
        verified=proposal.verified,
        vectors=proposal.vectors,
        approved_by=by.name,
        approved_at=now,
    )


def _restart(key: UUID, version: RuleVersion, *, reason: str, by: Any, now: datetime) -> None:
    """Count an open clock by the new version: one step, with what it was before. A clock that was met or extended
    past the new rule's limit since it was looked at stays as it is."""
    clock = lock(Clock.objects.select_related("rule_version__rule", "calendar"), key)
    terms = version.terms()
    after = recounted(clock, terms, version.calendar) if clock.is_open else None
    if after is None:
        return
    calendar = calendar_for_terms(clock, terms, version.calendar)
    facts = {"from_rule_version": clock.rule_version.version, "from_due_at": clock.due_at.isoformat()}
    clock.calendar = calendar
    clock.calendar_version = calendar.version if calendar else None
    clock.rule_version = version
    move(clock, "change_rule", by=by, now=now, reason=reason, **facts, **dates_of(after, now, clock))


def _decide(
    proposal: RuleProposal,
    decision: Decision,
    reason: str,
    by: Any,
    now: datetime,
    made: RuleVersion | None = None,
    **facts: Any,
) -> RuleProposal:
    proposal.decision = decision
    proposal.decided_by, proposal.decided_at, proposal.decision_reason = by, now, reason[:300]
    proposal.made = made
    proposal.version += 1
    proposal.save()
    _record(proposal, str(decision), by, reason=reason, **facts)
    return proposal


def _record(proposal: RuleProposal, action: str, by: Actor, reason: str = "", **facts: Any) -> None:
    details = {"rule": proposal.rule.key, "from": proposal.effective_from.isoformat(), **facts}
    names = {"propose": "propose_rule", "approved": "approve_rule", "refused": "refuse_rule"}
    audit.record_change(proposal, names.get(action, "withdraw_rule"), by=by, reason=reason, details=details)
