"""What follows a payer's decision, read by the part of the request's page that shows it."""

from __future__ import annotations

from typing import Any

from django import template

from referrals.denial_selectors import denials_of, may_record_denial

register = template.Library()


@register.simple_tag(takes_context=True)
def after_decision(context: template.Context, authorization: Any) -> dict[str, Any]:
    """Its denials, and what the reader may do (at most four queries)."""
    user = context["request"].user
    return {
        "denials": denials_of(authorization),
        "may_record": may_record_denial(user, authorization),
    }
