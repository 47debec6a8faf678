"""What a person gives on the pages of payers' files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coordinator.accounts.models import Site, User
from coordinator.exchange.messages import Answer
from coordinator.exchange.rules import WHOLE, Line
from patients.selectors import places


class UploadForm(forms.Form):
    upload = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("An X12 278 answer or a FHIR (Da Vinci PAS) answer as JSON, at most 2 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.edi,.x12,.278,.txt"}),
    )
    site = forms.ModelChoiceField(label=gettext_lazy("It came to"), queryset=Site.objects.none())

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["site"]
        field.queryset = places(user)
        if field.queryset.count() == 1:
            field.initial = field.queryset.first()


class FindRequestForm(forms.Form):
    q = forms.CharField(
        label=gettext_lazy("Patient, service or number of the request"), max_length=100, required=True
    )


class SetAsideForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why nothing is to be done with it"), max_length=300)


class RecordForm(forms.Form):
    """For each decision that found no line: which line it is about."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, *args: Any, answer: Answer, lines: Sequence[Line], unplaced: Sequence[int], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            ("", _("Choose…")),
            *[
                (str(line.number), _("Line %(n)d: %(code)s") % {"n": line.number, "code": line.code})
                for line in lines
            ],
        ]
        decided = answer.decisions()
        self.unplaced = [index for index in unplaced if index < len(decided)]
        for index in self.unplaced:
            whole = [(str(WHOLE), _("The whole request"))] if decided[index].level == "event" else []
            self.fields[f"decision_{index}"] = forms.ChoiceField(
                label=_("Decision %(n)d is about") % {"n": index + 1},
                choices=[*choices, *whole],
                required=False,
            )

    @property
    def chosen(self) -> dict[int, int]:
        given = {i: self.cleaned_data.get(f"decision_{i}") for i in self.unplaced}
        return {index: int(value) for index, value in given.items() if value}
