"""What the tags for due dates share, and the way from a date to "Why this date?"."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

ICON = mark_safe('<svg class="i" aria-hidden="true"><use href="#i-help"/></svg>')
# What explains its date on a page of its own; everything else by its clock.
WHY_PAGES = {"careplans.task": "careplans:task_why", "careplans.careplan": "careplans:plan_why"}


def why_date(subject: Any) -> SafeString:
    """`{% why_date task %}` beside a due date: opens "Why this date?", as a dialog or a page of its own.

    Nothing for what has no date that somebody can explain. Screen readers hear whose date it is.
    """
    own = WHY_PAGES.get(subject._meta.label_lower)
    key = subject.pk if own else getattr(subject, "clock_id", None)
    if key is None:
        return mark_safe("")
    words = _("Why this date?")
    named = (getattr(subject, name, "") for name in ("title", "reference", "service"))
    return format_html(
        ' <a class="why-link no-print" href="{}" data-modal title="{}">{}<span class="vh">{} {}</span></a>',
        reverse(own or "clocks:clock_why", args=[key]),
        words,
        ICON,
        words,
        next((name for name in named if name), ""),
    )


def deadline(value: Any, has_time: bool | None) -> tuple[date | datetime | None, bool]:
    """The moment and whether its hour counts, from a date, a datetime, or an object with due_at / due_on."""
    if isinstance(value, (date, datetime)) or value is None:
        return value, isinstance(value, datetime) if has_time is None else has_time
    at, on = getattr(value, "due_at", None), getattr(value, "due_on", None)
    if has_time is None:
        has_time = bool(getattr(value, "due_has_time", getattr(value, "has_time", not on and at is not None)))
    return (at if has_time or not on else on), has_time
