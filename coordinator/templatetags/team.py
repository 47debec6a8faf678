"""The cells of the team board. Python instead of a template: a page holds hundreds of them."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from coordinator.templatetags.ui import bar

register = template.Library()
FULL_BAR = 200  # the load at which the bar is full and red


@register.simple_tag
def caseload_cells(line: Any) -> SafeString:
    """The table cells of one line: each figure a link to its list, the load with its bar and words."""
    words = {"danger": _("too much"), "warn": _("heavy")}
    return mark_safe("".join(_cell(cell, line, words) for cell in line.cells))  # noqa: S308  (escaped where it could matter)


def _cell(cell: Any, line: Any, words: dict[str, str]) -> str:
    href = escape(cell.href)
    if cell.key == "load" and line.user is not None:
        tone = f" tone-{line.band}" if line.band else ""
        said = f" {escape(words[line.band])}" if line.band else ""
        return (
            f'<td class="capcell"><span class="row"><span class="grow">{bar(line.load, FULL_BAR, line.band)}</span>'
            f'<a class="nowrap{tone}" href="{href}">{cell.value}{said}</a></span></td>'
        )
    if cell.key == "load":
        return f'<td class="capcell"><a href="{href}">{cell.value}</a></td>'
    tone = f" tone-{cell.tone}" if cell.tone else ""
    value = f"<strong>{cell.value}</strong>" if cell.tone == "danger" else str(cell.value)
    return f'<td class="num{tone}"><a href="{href}">{value}</a></td>'
