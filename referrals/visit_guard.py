"""A visit date of a referral against its authorizations: said before it is saved (domain 5.1, step 28)."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext as _

from coordinator.wording import day
from referrals.balances import balances_of
from referrals.models import PriorAuthorization, Referral
from referrals.workflow import IN_FORCE


def against_visit(referral: Referral, visit_at: datetime, now: datetime) -> str:
    """Why no authorization in force of this referral covers that day, with what can be done; "" when one does, or
    when the referral has none. Two queries."""
    held = list(
        PriorAuthorization.objects.filter(referral=referral, status__in=IN_FORCE).order_by("-ends_on", "pk")
    )
    if not held:
        return ""
    on = visit_at.astimezone(referral.site.tzinfo).date()
    balances = balances_of(held, now)
    said = [_against(record, on, balances.get(record.pk)) for record in held]
    return "" if not all(said) else said[0]


def _against(record: PriorAuthorization, on: date, left: object) -> str:
    if record.ends_on and on > record.ends_on:
        text = _(
            "The authorization ends on %(day)s, before this visit. Ask for an earlier date, or for an extension or "
            "renewal."
        )
        return text % {"day": day(record.ends_on)}
    if record.starts_on and on < record.starts_on:
        text = _(
            "The authorization starts on %(day)s, after this visit. Ask for a later date, or for a revision."
        )
        return text % {"day": day(record.starts_on)}
    if left is not None and getattr(left, "counts", False) and getattr(left, "projected", 1) <= 0:
        return _("The authorization has no unit left for this visit. Ask for more units, or for a renewal.")
    return ""
