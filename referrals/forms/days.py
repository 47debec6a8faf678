"""Days and moments that people type about a request: a mistyped year is named at its field, before a clock runs from it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.forms import DayInput

BACK, AHEAD = 10, 5  # years around this one; our own bounds: no notice, visit or approval lies beyond them


def check_year(value: date) -> None:
    """Takes a day or a moment. Raises ValidationError when its year is no year of such a request."""
    year = timezone.localdate().year
    if not year - BACK <= value.year <= year + AHEAD:
        raise ValidationError(_("Check the year: %(year)s."), params={"year": f"{value.year:04}"})


def day(label: Any, *, required: bool = False, **options: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=required, widget=DayInput(), validators=[check_year], **options
    )


def moment(label: Any, *, required: bool = False, **options: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(
        label=label, required=required, widget=widget, validators=[check_year], **options
    )
