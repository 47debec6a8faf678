"""What an administrator gives to start an import."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Site, User


class ImportForm(forms.Form):
    upload = forms.FileField(
        label=_("File"),
        help_text=_("FHIR R4: .json, .ndjson, .gz or .zip, at most 100 MB. A file is all or nothing."),
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.ndjson,.gz,.zip"}),
    )
    site = forms.ModelChoiceField(label=_("Patients belong to"), queryset=Site.objects.none())
    source = forms.CharField(
        label=_("Sending system"),
        max_length=60,
        required=False,
        help_text=_("A short name. Numbers that are unique only there are kept apart by it."),
    )

    one_patient = forms.BooleanField(
        label=_("Each file is about one patient"),
        required=False,
        help_text=_(
            "For test decks of quality measures: a reference to a patient who is not in the file means the one who is."
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["site"]
        field.queryset = Site.objects.visible_to(user).active()
        if field.queryset.count() == 1:
            field.initial = field.queryset.first()
