"""Labels of entries: setting one, taking it off, and asking for what is labelled."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from patients.labels import proposed
from patients.models import AccessGrant, Label

UNDECIDED, OPEN = "", "none"


def label_field() -> forms.ChoiceField:
    """The label of a new entry. Nothing chosen means none, unless the code or name suggests one."""
    return forms.ChoiceField(
        label=lazy("Protected entry"),
        required=False,
        choices=[(UNDECIDED, lazy("Not said")), (OPEN, lazy("No: open as the record is")), *Label.choices],
        help_text=lazy(
            "A protected entry is shown only to who wrote it, and for an hour to who gives a reason."
        ),
    )


class Proposing(forms.Form):
    """A form of an entry that can be labelled: what a code or a name suggests has to be decided by a person.

    `suggesting`: the fields that hold code and name, where they are called otherwise.
    """

    suggesting: ClassVar[dict[str, str]] = {}

    def clean_label(self) -> str:
        chosen: str = self.cleaned_data["label"]
        if chosen == OPEN:
            return ""
        fields = {"code": "code", "name": "name", **self.suggesting}
        typed = {what: str(self.data.get(self.add_prefix(name)) or "") for what, name in fields.items()}
        suggested = "" if chosen else proposed(**typed)
        if suggested:
            sentence = _("This suggests a label: %(label)s. Choose it, or say that the entry is open.")
            raise ValidationError(sentence % {"label": Label(suggested).label})
        return chosen


class LabelForm(forms.Form):
    label = forms.ChoiceField(
        label=lazy("Protected entry"),
        required=False,
        choices=[("", lazy("No: open as the record is")), *Label.choices],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=lazy("Reason"),
        max_length=500,
        required=False,
        help_text=lazy("Needed when a label is changed or taken off."),
    )


class OpenLabelForm(forms.Form):
    """Which entries, what for, and why. `withheld` says how many there are of each label."""

    label = forms.ChoiceField(label=lazy("Which entries?"), widget=forms.RadioSelect)
    purpose = forms.ChoiceField(
        label=lazy("What for?"), choices=AccessGrant.Purpose.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=lazy("Why do you need them now?"),
        min_length=AccessGrant.LEAST_REASON,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Your manager reads it."),
    )

    def __init__(self, *args: Any, withheld: dict[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["label"]
        field.choices = [(label, f"{Label(label).label} ({n})") for label, n in sorted(withheld.items())]
