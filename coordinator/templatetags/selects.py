"""A select in Python instead of Django's templates: those take one for every choice."""

from __future__ import annotations

from typing import Any

from django.forms import BoundField
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

CHOICE, CHOSEN = '<option value="{}">{}</option>', '<option value="{}" selected>{}</option>'


def as_select(bound: BoundField, given: dict[str, Any]) -> SafeString:
    """A select without groups and with the attributes `given`, as Django's widget writes it."""
    widget: Any = bound.field.widget
    extra = bound.build_widget_attrs(given, widget)
    attrs = flatatt(widget.build_attrs(widget.attrs, extra | {"id": bound.auto_id}))
    groups = widget.optgroups(bound.html_name, widget.format_value(bound.value()))
    choices = [choice for _group, options, _index in groups for choice in options]
    written = (
        (format_html(CHOSEN if choice["selected"] else CHOICE, choice["value"], choice["label"]),)
        for choice in choices
    )
    return format_html(
        '<select name="{}"{}>\n{}\n</select>', bound.html_name, attrs, format_html_join("\n", "{}", written)
    )
