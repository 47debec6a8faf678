"""The forms of comparing a list: with whom, one line per entry, lines for what is new, and who is told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy

from coordinator.accounts.models import User
from patients.forms.entries import line, moment, words
from patients.forms.labels import Proposing, label_field
from patients.models import Patient, ProviderUpdate, Reconciliation, ReconciliationLine, RelatedPerson, Topic
from patients.selectors import providers

NOT_ASKED = ("", lazy("Not asked"))
FINDINGS: dict[str, list[tuple[str, Any]]] = {
    "medicines": [
        NOT_ASKED,
        ("as_listed", lazy("Taking as listed")),
        ("differently", lazy("Taking differently")),
        ("not_so", lazy("Not taking")),
    ],
    "allergies": [
        NOT_ASKED,
        ("as_listed", pgettext_lazy("allergy", "As listed")),
        ("differently", lazy("Other reaction")),
        ("not_so", lazy("Not allergic")),
    ],
    "problems": [
        NOT_ASKED,
        ("as_listed", pgettext_lazy("problem", "As listed")),
        ("differently", lazy("Something to say")),
        ("not_so", lazy("No longer a problem")),
    ],
}


class LineForm(forms.Form):
    """What was said about one entry of the list."""

    finding = forms.ChoiceField(label=lazy("What was said"), required=False, widget=forms.RadioSelect)
    said = line(lazy("How, or why not"), 250)
    obstacle = forms.ChoiceField(
        label=lazy("Obstacle"),
        required=False,
        choices=[("", lazy("None")), *ReconciliationLine.Obstacle.choices],
    )

    def __init__(self, *args: Any, kind: str = "medicines", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["finding"].choices = FINDINGS[kind]  # type: ignore[attr-defined]
        if kind != "medicines":
            del self.fields["obstacle"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        finding = data.get("finding")
        if finding in ("differently", "not_so") and not data.get("said") and "said" not in self.errors:
            self.add_error("said", _("Say how it is different, or why it is no longer so."))
        if (data.get("said") or data.get("obstacle")) and not finding and "finding" not in self.errors:
            self.add_error("finding", _("Choose what was said about it."))
        return data


class NewLineForm(Proposing):
    """Something the list did not have; an empty line is nothing. Allergies have no label."""

    name = line(lazy("Name"), 250)
    said = line(lazy("How"), 250)
    label = label_field()

    def __init__(self, *args: Any, kind: str = "medicines", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind == "allergies":
            del self.fields["label"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (data.get("said") or data.get("label")) and not data.get("name") and "name" not in self.errors:
            self.add_error("name", _("Enter what it is."))
        return data


class ReconcileForm(forms.Form):
    """With whom the list was compared, and which provider hears what differs."""

    with_whom = forms.ChoiceField(
        label=lazy("Compared with"),
        choices=Reconciliation.With.choices,
        initial="patient",
        widget=forms.RadioSelect,
    )
    related_person: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=lazy("Family or caregiver"),
        queryset=None,
        required=False,
        empty_label=lazy("Nobody"),
        help_text=lazy("Only those who may hear about medicines."),
    )
    source = line(lazy("Which pharmacy, or whose list"), 120)
    interpreter = line(lazy("Interpreter"), 80, help_text=lazy("Name or number of the interpreter"))
    rest_as_listed = forms.BooleanField(label=lazy("I asked: everything else is as listed"), required=False)
    note = words(lazy("Remarks"))
    tell = forms.BooleanField(label=lazy("Send what differs to a provider"), required=False, initial=True)
    report_to: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=lazy("Provider"), queryset=None, required=False, empty_label=lazy("Choose a provider")
    )
    ask = words(
        lazy("Ask"),
        help_text=lazy("Left empty: to review what differs and say what the patient should do."),
    )
    urgency = forms.ChoiceField(
        label=lazy("Urgency"),
        choices=ProviderUpdate.Urgency.choices,
        initial="routine",
        widget=forms.RadioSelect,
    )
    reply_due_at = moment(
        lazy("Answer needed by"),
        lazy("Left empty: urgent within 4 hours, routine by 5 PM of the next business day."),
    )

    def __init__(self, *args: Any, user: User, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        family = RelatedPerson.objects.visible_to(user).filter(patient=patient, ended_on=None)
        may_hear = family.filter(topics__contains=[Topic.MEDICINES], do_not_contact=False)
        self.fields["related_person"].queryset = may_hear.order_by("name")  # type: ignore[attr-defined]
        self.fields["report_to"].queryset = providers(user, patient)  # type: ignore[attr-defined]
        if patient.primary_care_id:
            self.fields["report_to"].initial = patient.primary_care_id

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        with_family = data.get("with_whom") == Reconciliation.With.RELATED_PERSON
        if with_family and not data.get("related_person") and "related_person" not in self.errors:
            self.add_error("related_person", ValidationError(_("Choose who you spoke with.")))
        if not with_family:
            data["related_person"] = None
        return data
