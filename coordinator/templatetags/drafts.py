"""Marks of forms whose typing is kept on the server (static/js/drafts.js, coordinator.dashboard.drafts)."""

from __future__ import annotations

from typing import Any

from django import template
from django.forms.forms import BaseForm
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def draft(form: BaseForm | None = None, patient: Any = None) -> SafeString:
    """`<form … {% draft form patient %}>`: what is typed is kept as a draft (static/js/drafts.js). A form that comes
    back with what was typed does not offer the draft again."""
    key = patient.pk if patient else ""
    bound = mark_safe(" data-draft-typed") if form is not None and form.is_bound else ""
    return format_html('data-draft="{}"{}', key, bound)


@register.simple_tag(takes_context=True)
def draft_sent(context: template.Context, patient: Any = None) -> SafeString:
    """In a form that finishes what another began (two people saved at once): accepting it ends the draft, too."""
    return format_html(
        '<input type="hidden" name="draft" value="{}#{}">',
        context["request"].path,
        patient.pk if patient else "",
    )
