"""The form of how long before a visit reminders go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduling.models import Service
from scheduling.services.reminder_settings import LONGEST, MOST_WINDOWS


class ReminderDaysForm(forms.Form):
    """Days as people write them: "3, 1". Empty means no reminders."""

    service = forms.ChoiceField(
        label=gettext_lazy("Visit type"), required=False, help_text=gettext_lazy("One, or all others.")
    )
    days = forms.CharField(
        label=gettext_lazy("Days before the visit"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("Such as 3, 1. Leave empty to send none."),
    )

    def __init__(self, *args: Any, services: Sequence[Service], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("All others"))] + [(str(s.pk), s.name) for s in services]
        self.fields["service"].choices = choices  # type: ignore[attr-defined]

    def clean_days(self) -> list[int]:
        parts = self.cleaned_data["days"].replace(";", ",").replace(" ", ",").split(",")
        parts = [part for part in parts if part]
        if not all(part.isascii() and part.isdecimal() and 1 <= int(part) <= LONGEST for part in parts):
            raise forms.ValidationError(_("Write days between 1 and %(n)d, such as 3, 1.") % {"n": LONGEST})
        if len(set(parts)) > MOST_WINDOWS:
            raise forms.ValidationError(_("At most %(n)d reminders for one visit.") % {"n": MOST_WINDOWS})
        return sorted({int(part) for part in parts}, reverse=True)
