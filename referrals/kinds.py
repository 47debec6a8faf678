"""Kinds of referrals: the words of the request that fit each, and what it must say before it is sent. Data."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
LACKING = _("Write the clinical question first: the recipient has to know what is asked.")


@dataclass(frozen=True)
class Kind:
    """Labels of three fields. `asks` names the field that has to be filled in before the referral is ready."""

    specialty: Text
    service: Text
    question: Text
    asks: str = "clinical_question"
    lacking: Text = LACKING


MEDICAL = Kind(_("Specialty"), _("Service"), _("Clinical question"))
KINDS: dict[str, Kind] = {
    "medical": MEDICAL,
    "behavioral": MEDICAL,
    "dental": MEDICAL,
    "imaging": Kind(_("Imaging department"), _("Study, with body part"), _("Clinical question")),
    "therapy": Kind(_("Kind of therapy"), _("Service, with number of visits"), _("Goal of the therapy")),
    "equipment": Kind(
        _("Kind of supplier"), _("Equipment, with size and number"), _("Why this equipment"), "service",
        _("Say which equipment first, with size and number."),
    ),
    "social": Kind(
        _("Kind of need"), _("Help wanted"), _("What the recipient should know"), "service",
        _("Say first which help the patient wants."),
    ),
}  # fmt: skip


def kind_of(category: str) -> Kind:
    return KINDS.get(category, MEDICAL)
