"""What somebody says before a patient's record leaves as a file."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from coordinator.record.models import RecordExport


class RecordExportForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("File"), choices=RecordExport.Kind.choices, widget=forms.RadioSelect, initial="pdf"
    )
    purpose = forms.ChoiceField(
        label=_("What for"), choices=RecordExport.Purpose.choices, widget=forms.RadioSelect
    )
    purpose_text = forms.CharField(
        label=_("In a few words"),
        max_length=300,
        required=False,
        help_text=_("For whom, or for what. Needed for something else."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
