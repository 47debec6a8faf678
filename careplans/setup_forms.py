"""What managers type about tasks: reasons for closing without doing, and bundles."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from careplans.models import CloseReason, TaskKind


class CloseReasonForm(forms.Form):
    label = forms.CharField(label=_("Name"), max_length=80)
    label_es = forms.CharField(
        label=_("Name in Spanish"),
        max_length=80,
        required=False,
        help_text=_("Without one, English is shown."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Types of task"),
        choices=TaskKind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none for all types."),
    )
    needs_note = forms.BooleanField(label=_("Ask for a note"), required=False)

    def __init__(self, *args: Any, reason: CloseReason | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if reason is not None and reason.is_fixed:
            del self.fields["kinds"]  # rules use it with every type
