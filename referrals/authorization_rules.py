"""What a prior authorization waits for and which rule sets the date. Pure: no ORM, no wall clock."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from referrals.rules import OURS, PAYER, NextStep
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

DECIDED = frozenset(
    {S.APPROVED, S.PARTIALLY_APPROVED, S.MODIFIED, S.DENIED, S.PEER_TO_PEER, S.APPEAL, S.UPHELD, S.EXPIRED}
    | {S.EXHAUSTED, S.WITHDRAWN, S.CANCELLED, S.CANCELLED_BY_PAYER, S.CLOSED_DENIED, S.ENTERED_IN_ERROR}
)
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
# A payer's question does not by itself stop the payer's clock (docs/clocks.md).
KEEPS_CLOCK = frozenset({"pend", "ask_to_contact"})


def next_step(status: str) -> NextStep:
    return NEXT_STEPS.get(status, NOTHING)


def decision_rule(payer_type: str, urgency: str) -> str:
    """The register's key for a payer's decision, by type of payer and urgency."""
    return f"prior_auth.{payer_type}.{urgency}"


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
