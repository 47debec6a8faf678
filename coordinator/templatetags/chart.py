"""Template filters of the patient's page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.urls import reverse

register = template.Library()


@register.filter
def plain_number(value: Any) -> str:
    """ "8.1" for 8.100000, "52" for 52.000000, "" for nothing."""
    if value is None:
        return ""
    return f"{Decimal(str(value)).normalize():f}"


@register.filter
def measured(value: Any, unit: str) -> str:
    """ "842 pg/mL", "8.1%", "7" without a unit."""
    return f"{plain_number(value)}{'' if unit == '%' or not unit else ' '}{unit or ''}"


# What a line of the timeline can be entered in error as; the others have their own page for it.
ERRORS = {"encounter": "encounter", "immunization": "immunization", "result": "result"}


@register.simple_tag
def timeline_error(event: Any) -> str:
    """Where a line of the timeline is entered in error; "" for what has its own page, and for several values at once."""
    row = event.row
    if row.kind == "contact":
        return reverse("careplans:contact_in_error", args=[row.id])
    if row.kind == "reconciliation":
        return reverse("patients:reconciliation_in_error", args=[row.id])
    if row.kind not in ERRORS or (row.kind == "result" and row.number != 1):
        return ""
    return reverse("patients:entry_in_error", args=[ERRORS[row.kind], row.id])
