"""What follows a payer's decision, read by the part of the request's page that shows it."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from referrals.balances import balances_of
from referrals.models import PriorAuthorization
from referrals.permissions import can_manage_referral
from referrals.selectors.denials import denials_of, may_record_denial
from referrals.services.renewals import FOLLOWS
from referrals.workflow import OVER

register = template.Library()


@register.simple_tag(takes_context=True)
def after_decision(context: template.Context, authorization: PriorAuthorization) -> dict[str, Any]:
    """Denials, units, the chain of requests, and what the reader may do (at most eight queries)."""
    user = context["request"].user
    now = context.get("now") or timezone.now()
    may = can_manage_referral(user, authorization)
    chain = PriorAuthorization.objects.visible_to(user)
    return {
        "denials": denials_of(authorization),
        "may_record": may_record_denial(user, authorization),
        "balance": balances_of([authorization], now).get(authorization.pk),
        "sees_visits": user.can("visits.view"),
        "sites": user.site_ids,
        "before": chain.filter(pk=authorization.supersedes_id).first()
        if authorization.supersedes_id
        else None,
        "after": list(chain.filter(supersedes=authorization).order_by("created_at", "pk")),
        "continuations": [
            (name, PriorAuthorization.Certification(name).label)
            for name, statuses in FOLLOWS.items()
            if may and authorization.status in statuses
        ],
        "may_back_date": may and authorization.status in OVER,
    }
