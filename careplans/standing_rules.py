"""What becomes of an open task when its patient dies or leaves: data, with the reason for each.

A task that needs the patient ends with them. A task about somebody else (a payer, a recipient, the family, a result
that a clinician must still read) stays with its owner. What is not named here stays, for a person to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

NEEDS_THE_PATIENT = frozenset(
    {
        "outreach_call",
        "book_visit",
        "no_show_follow_up",
        "plan_review",
        "transport",
        "data_quality",
        "message_failed",
    }
)
STAYS_BECAUSE: dict[str, Any] = {
    "discharge_call": _("The discharge still has to be handed over to whoever cares for the patient now."),
    "referral_follow_up": _("The recipient has to be told."),
    "authorization": _("The payer has to be told."),
    "paperwork": _("Papers and bills still have to be settled, with the family if need be."),
    "results": _("A result still has to be read."),
}
# What a record about money asked for: another task asks to end the record itself (referrals.services.standing).
FOLLOWED_CAUSES = frozenset(
    {"referrals.aidapplication", "referrals.benefitapplication", "referrals.bill", "referrals.estimate"}
)
VISIT_HAPPENED = _("What happened at the visit still has to be written down.")
A_PERSON_DECIDES = _("A person decides whether this is still needed.")


@dataclass(frozen=True)
class Closing:
    """`reason` is the code that closes; `kinds` are the kinds of tasks it closes."""

    reason: str
    kinds: frozenset[str]


CLOSES: dict[str, Closing] = {
    "record_death": Closing("deceased", NEEDS_THE_PATIENT | {"discharge_call"}),
    "transfer": Closing("left_the_clinic", NEEDS_THE_PATIENT),
    "inactivate": Closing("left_the_clinic", NEEDS_THE_PATIENT),
    "enter_in_error": Closing(
        "no_longer_needed", NEEDS_THE_PATIENT | {"discharge_call", "paperwork", "other"}
    ),
}
# A plan whose patient died, is cared for elsewhere or never was is over; of one who is inactive it waits.
PLAN_STEP: dict[str, str] = {
    "record_death": "revoke",
    "transfer": "revoke",
    "inactivate": "hold",
    "enter_in_error": "revoke",
}


def closes(step: str, kind: str, cause_type: str = "") -> bool:
    """Whether this change of standing closes a task of this kind."""
    if kind == "paperwork" and cause_type in FOLLOWED_CAUSES:
        return True
    return kind in CLOSES[step].kinds and not _is_about_a_past_visit(kind, cause_type)


def stays_because(kind: str, cause_type: str = "") -> Any:
    """Why a task stays open, in one sentence."""
    if _is_about_a_past_visit(kind, cause_type):
        return VISIT_HAPPENED
    return STAYS_BECAUSE.get(kind, A_PERSON_DECIDES)


def _is_about_a_past_visit(kind: str, cause_type: str) -> bool:
    """The question what happened at a visit, not a gap in the record."""
    return kind == "data_quality" and cause_type == "scheduling.appointment"
