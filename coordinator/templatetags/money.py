"""Amounts of dollars, and how a bill or an application stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.safestring import SafeString

from coordinator.templatetags.ui import badge

register = template.Library()

TONES = {
    **dict.fromkeys(("awarded", "approved", "settled", "given", "spent"), "ok"),
    **dict.fromkeys(("refused", "denied", "expired"), "danger"),
    **dict.fromkeys(("submitted", "filed", "questioned", "disputed"), "wait"),
    **dict.fromkeys(("draft", "gathering", "logged", "due"), "info"),
}


@register.filter
def dollars(amount: Decimal | int | None) -> str:
    """ "$1,200.50"; empty for None. The grouping follows the language."""
    if amount is None:
        return ""
    written = number_format(abs(Decimal(amount)), decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"−${written}" if amount < 0 else f"${written}"


@register.filter
def dollars_change(amount: Decimal) -> str:
    """ "+$500.00" or "−$150.00": what a movement did; "$0.00" for none."""
    return f"+{dollars(amount)}" if amount > 0 else dollars(amount)


@register.simple_tag
def money_badge(record: Any) -> SafeString:
    return badge(record.get_status_display(), TONES.get(record.status, ""))


@register.simple_tag
def explained_in(line: Any, patient: Any) -> str:
    """The language in which a line of a bill is explained, for `lang`."""
    spanish = line.phrase is not None and line.explanation == line.phrase.words_es != ""
    return "es" if spanish else "en"
