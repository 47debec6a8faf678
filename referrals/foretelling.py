"""What a change of standing will do to referrals and authorizations, for the page that asks before it is done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from patients.leaving import Effect
from patients.models import Patient
from patients.workflow import LEAVING
from referrals.rules.money import ENDINGS
from referrals.selectors.money import money_to_end
from referrals.selectors.referrals import authorizations_to_end, referrals_to_end


def foretell(patient: Patient, step: str, user: Any, now: datetime) -> Iterable[Effect]:
    """Six queries. What somebody may not see is said without its name."""
    if step not in LEAVING:
        return
    heading = _("Tasks opened to end what others act on")
    elsewhere = _("A referral or authorization at another place")
    for referral in referrals_to_end(patient):
        here = referral.site_id in user.site_ids
        yield Effect(
            heading,
            f"{referral.specialty} · {referral}" if here else elsewhere,
            _("The recipient has to be told."),
        )
    for authorization in authorizations_to_end(patient):
        here = authorization.site_id in user.site_ids
        yield Effect(heading, authorization.service if here else elsewhere, _("The payer has to be told."))
    for record in money_to_end(patient):
        here = record.site_id in user.site_ids
        what = str(record) if here else _("A bill or application at another place")
        yield Effect(heading, what, ENDINGS[record.kind, record.status][1])
