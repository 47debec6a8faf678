"""Template filters of the patient's page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template

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
