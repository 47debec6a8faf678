"""What a prior authorization waits for and which rule sets the date. Pure: no ORM, no wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from referrals.rules.referrals import OURS, PAYER, NextStep
from referrals.workflow import IN_FORCE, OVER, WITH_PAYER
from referrals.workflow import AuthorizationStatus as S

PAYER_DECISION = "prior_auth.decision"
FOLLOW_UP = "authorization.follow_up"

NEXT_STEPS: dict[str, NextStep] = {
    S.REQUIREMENT_UNKNOWN: NextStep(_("Find out whether it is needed"), OURS, "authorization.prepare"),
    S.REQUIRED: NextStep(_("Gather the papers"), OURS, "authorization.prepare"),
    S.GATHERING: NextStep(_("Gather the papers"), OURS, "authorization.prepare"),
    S.READY: NextStep(_("Submit to the payer"), OURS, "authorization.prepare"),
    S.SUBMITTED: NextStep(_("Payer decides"), PAYER, PAYER_DECISION),
    S.RETURNED: NextStep(_("Mend it and submit again"), OURS, "authorization.prepare"),
    S.PENDED: NextStep(_("Answer the payer's question"), OURS, PAYER_DECISION),
    S.CONTACT_PAYER: NextStep(_("Call the payer"), OURS, PAYER_DECISION),
    S.DENIED: NextStep(_("Decide: peer-to-peer, appeal or close"), OURS, FOLLOW_UP),
    S.PEER_TO_PEER: NextStep(_("Hold the peer-to-peer talk"), OURS, FOLLOW_UP),
    S.APPEAL: NextStep(_("Payer decides the appeal"), PAYER, FOLLOW_UP),
    S.UPHELD: NextStep(_("Decide: next appeal or close"), OURS, FOLLOW_UP),
    S.EXPIRED: NextStep(_("Renew, or let it end"), OURS, FOLLOW_UP),
    S.EXHAUSTED: NextStep(_("Ask for more units, or let it end"), OURS, FOLLOW_UP),
}
NOTHING = NextStep("", "")
# Answered: the payer moves again, on the clock that never stopped.
ANSWERED = NextStep(_("Payer decides; our answer is there"), PAYER, PAYER_DECISION)
# In force: the end of the approval is its date, so no rule of the register is asked.
USE = NextStep(_("Use it before it ends"), OURS)
WITHOUT_END = NextStep(_("Use it; the payer set no end"), OURS)
GET_THE_END = NextStep(_("Get the end date from the payer"), OURS, FOLLOW_UP)

DECIDED = frozenset(
    {S.APPROVED, S.PARTIALLY_APPROVED, S.MODIFIED, S.DENIED, S.PEER_TO_PEER, S.APPEAL, S.UPHELD, S.EXPIRED}
    | {S.EXHAUSTED, S.WITHDRAWN, S.CANCELLED, S.CANCELLED_BY_PAYER, S.CLOSED_DENIED, S.ENTERED_IN_ERROR}
)
ENDED = frozenset({S.WITHDRAWN, S.CANCELLED, S.CANCELLED_BY_PAYER, S.CLOSED_DENIED, S.ENTERED_IN_ERROR})
MEETING_STEPS = frozenset(
    {
        "submit",
        "approve",
        "approve_in_part",
        "modify",
        "deny",
        "uphold",
        "find_required",
        "find_not_required",
        "gather",
    }
    | {"make_ready", "close_denied", "appeal", "start_peer_to_peer"}
)
DECIDING = frozenset({"approve", "approve_in_part", "modify", "deny"})
AT_PAYER = frozenset(WITH_PAYER)
# A payer's question does not by itself stop the payer's clock (docs/clocks.md).
KEEPS_CLOCK = frozenset({"pend", "ask_to_contact"})


def next_step(record: Any) -> NextStep:
    """What must happen now. Looks at the status, the answer to a payer's question, the end of an approval, and whether
    somebody lets it end."""
    if record.status == S.PENDED and record.answered_at is not None:
        return ANSWERED
    if record.status in OVER and record.may_end_at is not None:
        return NOTHING
    if record.status in IN_FORCE:
        if record.ends_on is not None:
            return USE
        return WITHOUT_END if record.has_no_end else GET_THE_END
    return NEXT_STEPS.get(record.status, NOTHING)


def decision_rule(payer_type: str, urgency: str, kind: str = "service") -> str:
    """The register's key for a payer's decision, by type of payer and urgency. Medicines have clocks of their own."""
    return f"prior_auth.{'drug' if kind == 'medicine' else payer_type}.{urgency}"


# One click, but every row between is written.
PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    (S.REQUIRED, "make_ready"): ("gather", "make_ready"),
    (S.REQUIRED, "submit"): ("gather", "make_ready", "submit"),
    (S.GATHERING, "submit"): ("make_ready", "submit"),
}


def path(status: str, step: str) -> tuple[str, ...]:
    """The steps to take for one click, in order."""
    return PATHS.get((status, step), (step,))


# The steps that the pages of the request offer as buttons, the usual one first. What comes after a decision
# (peer-to-peer, appeal, closing a denial, expiry) has pages of its own; "decide" covers every answer of the payer.
OFFERED: dict[str, tuple[str, ...]] = {
    S.REQUIRED: ("gather", "submit", "withdraw"),
    S.GATHERING: ("submit", "make_ready", "withdraw"),
    S.READY: ("submit", "gather", "withdraw"),
    S.SUBMITTED: ("pend", "ask_to_contact", "return", "withdraw"),
    S.PENDED: ("pend", "ask_to_contact", "return", "withdraw"),
    S.CONTACT_PAYER: ("pend", "ask_to_contact", "return", "withdraw"),
    S.RETURNED: ("submit", "gather", "withdraw"),
    **dict.fromkeys(IN_FORCE, ("cancel", "record_payer_cancel")),
}


def offered_steps(status: str) -> tuple[str, ...]:
    last = () if status == S.ENTERED_IN_ERROR else ("enter_in_error",)
    return (*OFFERED.get(status, ()), *last)


def step_for(decisions: Sequence[str]) -> str | None:
    """The header's step from its lines' decisions; None while no line has an answer. First match wins.

    >>> step_for(["approved", "denied"])
    'approve_in_part'
    """
    live = [d for d in decisions if d != "cancelled"]
    if not any(live):
        return None
    if any(d in ("", "pended") for d in live):
        return "pend"
    if all(d == "denied" for d in live):
        return "deny"
    if any(d == "denied" for d in live):
        return "approve_in_part"
    return "modify" if any(d == "modified" for d in live) else "approve"
