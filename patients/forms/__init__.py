"""What people type about a patient: parsing and field rules. Saving is the services' work."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _


class DayInput(forms.DateInput):
    """The browser's own date field; its value is ISO, so nobody can misread it."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def _not_to_come(value: date) -> None:
    if value > timezone.localdate():
        raise ValidationError(_("This day is still to come."))


def day(label: Any, *, help_text: Any = "", past: bool = False) -> forms.DateField:
    """`past`: something that has begun already."""
    validators = [_not_to_come] if past else []
    return forms.DateField(
        label=label, required=False, widget=DayInput(), help_text=help_text, validators=validators
    )
