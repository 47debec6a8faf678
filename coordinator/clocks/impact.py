"""Which open clocks a new version of a rule would move, from which date to which.

The version in force on the event's local day counts, so a version that begins in the future moves nothing that is
open; one that begins in the past moves the clocks whose event lies on or after its first day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from coordinator.clocks import rules
from coordinator.clocks.models import BusinessCalendar, Clock, RuleProposal
from coordinator.clocks.selectors import as_calendar, explanation_of, federal_calendar
from coordinator.clocks.subjects import Subject, visible_subjects
from coordinator.clocks.values import Explanation, Kind, Refusal, Terms, Why

NAMED = 100


@dataclass
class Move:
    """One open clock that would get another date. `subject` is None for who may not see what it is about."""

    clock: Clock
    after: Explanation
    subject: Subject | None = None

    @property
    def is_sooner(self) -> bool:
        return self.after.due_at < self.clock.due_at


@dataclass(frozen=True)
class KindOfMove:
    """The moves of one kind of clock; `first` is the one that is due next."""

    kind: str
    number: int
    sooner: int
    later: int
    first: Move


@dataclass
class Impact:
    """What a proposal would do to what is open.

    `same` clocks change their rule and keep their date; `kept` ones cannot be counted by the new version (a recorded
    extension does not fit it, or it needs what is not known of them) and stay; `older` ones stay because their event
    was before the first day.
    """

    moves: list[Move] = field(default_factory=list)
    same: list[Move] = field(default_factory=list)
    kept: int = 0
    older: int = 0

    @property
    def restarted(self) -> list[Move]:
        """Everything that goes to the new version, in the order of its keys."""
        return sorted([*self.moves, *self.same], key=lambda move: move.clock.pk)

    @cached_property
    def by_kind(self) -> list[KindOfMove]:
        found: dict[str, list[Move]] = {}
        for move in self.moves:
            found.setdefault(move.clock.kind, []).append(move)
        return [
            KindOfMove(
                kind, len(them), sum(m.is_sooner for m in them), sum(not m.is_sooner for m in them), them[0]
            )
            for kind, them in sorted(found.items())
        ]

    @property
    def named(self) -> list[Move]:
        return [move for move in self.moves[:NAMED] if move.subject is not None]

    @property
    def unnamed(self) -> int:
        """How many more there are than those named."""
        return len(self.moves) - len(self.named)


def impact_of(proposal: RuleProposal, user: Any = None) -> Impact:
    """What would move if this proposal were approved, those due soonest first.

    A fixed number of queries whatever the number of clocks: the open clocks of the rule, how many stay, the calendars,
    and, for a `user`, one for each model among the first 100.
    """
    mine = Clock.objects.open().filter(rule_version__rule=proposal.rule_id)
    # A day of slack: the local day of an event depends on its zone.
    since = datetime.combine(proposal.effective_from, time(0), UTC) - timedelta(days=1)
    candidates = mine.filter(anchor_at__gte=since).select_related("rule_version__rule", "calendar")
    impact = Impact(older=mine.filter(anchor_at__lt=since).count())
    terms = proposal.terms(proposal_number(proposal))
    for clock in candidates.order_by("due_at", "pk"):
        if rules.local_date(clock.anchor_at, clock.zone) < proposal.effective_from:
            impact.older += 1
        elif (after := recounted(clock, terms, proposal.calendar)) is None:
            impact.kept += 1
        else:
            (impact.moves if after.due_at != clock.due_at else impact.same).append(Move(clock, after))
    if user is not None:
        _name(impact.moves[:NAMED], user)
    return impact


def proposal_number(proposal: RuleProposal) -> int:
    """The number its version has, or would have: one more than the rule's last."""
    if proposal.made is not None:
        return proposal.made.version
    last = proposal.rule.versions.order_by("-version").values_list("version", flat=True).first()
    return (last or 0) + 1


def calendar_for_terms(clock: Clock, terms: Terms, own: BusinessCalendar | None) -> BusinessCalendar | None:
    """The calendar that counts: the rule's own, else the clock's, else the federal one for business days."""
    chosen = own or clock.calendar
    return federal_calendar() if chosen is None and terms.kind is Kind.BUSINESS_DAYS else chosen


def recounted(clock: Clock, terms: Terms, own: BusinessCalendar | None) -> Explanation | None:
    """The clock's deadline as other terms count it, its extensions and holds carried over; None when they cannot."""
    before = explanation_of(clock)
    chosen = calendar_for_terms(clock, terms, own)
    calendar = as_calendar(chosen) if chosen else None
    try:
        after = rules.explain(
            terms, before.anchor, clock.zone, calendar, on=_given(before), anchor_label=clock.anchor_label
        )
        for adjustment in before.adjustments:
            if adjustment.kind == "extended":
                after = rules.extend(after, adjustment.days)
            elif adjustment.since and adjustment.until:
                after = rules.resume(after, adjustment.since, adjustment.until, calendar)
        if clock.held_since:
            rules.check_can_hold(terms)
    except (Refusal, ValueError):
        return None
    return after


def _given(explanation: Explanation) -> date | None:
    """The date somebody set, for a rule that goes by one."""
    last = explanation.steps[-1]
    return last.date if last.why is Why.GIVEN else None


def _name(moves: Iterable[Move], user: Any) -> None:
    moves = list(moves)
    seen = visible_subjects(user, [move.clock for move in moves])
    for move in moves:
        move.subject = seen.get(move.clock.pk)
