"""Who the patient is: the form of a new record and of a changed one."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.accounts.models import User
from coordinator.fields import PARTS, BirthDateField
from coordinator.wording import LANGUAGES, language_name, languages_by_name
from patients.models import ContactPoint, Patient, Tier
from patients.rules import member_numbers, telephones
from patients.selectors import places, providers


def _text(label: Any, name: str, **options: Any) -> forms.CharField:
    """A line as long as the model's field."""
    limit = Patient._meta.get_field(name).max_length
    options.setdefault("required", False)
    widget = forms.TextInput(attrs={"autocomplete": "off", **options.pop("attrs", {})})
    return forms.CharField(label=label, max_length=limit, widget=widget, **options)


class PatientForm(forms.Form):
    """The details that services.update_patient takes."""

    family_name = _text(lazy("Family name"), "family_name")
    given_name = _text(lazy("Given name"), "given_name")
    middle_name = _text(lazy("Middle name"), "middle_name")
    preferred_name = _text(lazy("Goes by"), "preferred_name")
    former_family_name = _text(lazy("Former family name"), "former_family_name")
    birth_date = BirthDateField(
        label=lazy("Date of birth"), required=False, help_text=lazy("For example, 3 14 1958")
    )
    sex = forms.ChoiceField(
        label=lazy("Sex"), choices=Patient._meta.get_field("sex").choices, widget=forms.RadioSelect
    )
    gender_identity = _text(lazy("Gender identity"), "gender_identity")
    pronouns = _text(lazy("Pronouns"), "pronouns")
    language = forms.ChoiceField(label=lazy("Language"), required=False)
    interpreter_needed = forms.BooleanField(label=lazy("Needs an interpreter"), required=False)
    best_time_to_call = _text(lazy("Best time to call"), "best_time_to_call")
    address_line = _text(lazy("Address"), "address_line")
    city = _text(lazy("City"), "city")
    state = _text(lazy("State"), "state")
    postal_code = _text(lazy("ZIP or postal code"), "postal_code")
    country = _text(lazy("Country"), "country")
    tier = forms.TypedChoiceField(label=lazy("Tier"), choices=Tier.choices, coerce=int, initial=Tier.LOW)
    primary_care: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=lazy("Primary care"),
        queryset=None,
        required=False,
        empty_label=lazy("Not recorded"),
    )

    def __init__(self, *args: Any, user: User, patient: Patient | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["primary_care"].queryset = providers(user, patient)  # type: ignore[attr-defined]
        self.fields["language"].choices = language_choices(patient.language if patient else "")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        names = ("family_name", "given_name")
        if not any(data.get(n) for n in names) and not any(n in self.errors for n in names):
            self.add_error("family_name", _("Enter a name."))
        return data

    @classmethod
    def initial_from(cls, patient: Patient) -> dict[str, Any]:
        return {name: getattr(patient, name) for name in cls.base_fields} | {
            "primary_care": patient.primary_care_id
        }


def language_choices(present: str = "") -> list[tuple[str, Any]]:
    """ "Not recorded" is a choice of its own; a code that came with an import stays choosable."""
    choices: list[tuple[str, Any]] = [("", _("Not recorded")), *languages_by_name()]
    if present and present not in LANGUAGES:
        choices.append((present, f"{language_name(present)} ({present})"))
    return choices


class NewPatientForm(PatientForm):
    """A registration: the details, where, and whose patient it is."""

    site: forms.ModelChoiceField[Any] = forms.ModelChoiceField(label=lazy("Place"), queryset=None)
    mrn = _text(lazy("MRN"), "mrn", help_text=lazy("Leave empty to get the clinic's next number."))
    mine = forms.BooleanField(label=lazy("I coordinate this patient's care"), required=False, initial=True)
    payer_name = forms.CharField(label=lazy("Payer"), max_length=160, required=False)
    plan_name = forms.CharField(label=lazy("Plan"), max_length=160, required=False)
    member_id = forms.CharField(label=lazy("Member number"), max_length=60, required=False)
    email = forms.CharField(
        label=lazy("E-mail"),
        max_length=254,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "email"}),
    )
    email_ok = forms.BooleanField(label=lazy("E-mail messages are OK"), required=False)

    keep_number = forms.BooleanField(
        label=lazy("Keep the member number as typed"),
        required=False,
        widget=forms.HiddenInput(),
        initial=False,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        self.fields["birth_date"].required = True
        sites = places(user)
        place = self.fields["site"]
        place.queryset = sites  # type: ignore[attr-defined]
        self.only_site = len(sites) == 1
        if self.only_site:
            place.widget, place.initial = forms.HiddenInput(), sites[0].pk

    def clean_email(self) -> str:
        typed = self.cleaned_data["email"]
        if typed:
            _normal(telephones.normal_email, typed)
        return typed

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if (data.get("plan_name") or data.get("member_id")) and not data.get("payer_name"):
            self.add_error("payer_name", _("Enter the payer that the plan or member number belongs to."))
        self._doubt_number(data)
        return data

    def _doubt_number(self, data: dict[str, Any]) -> None:
        """A member number that looks wrong is said once; a tick keeps it."""
        said = member_numbers.doubt(data.get("member_id") or "", data.get("payer_name") or "")
        if said and not data.get("keep_number"):
            self.add_error("member_id", said)
            self.fields["keep_number"].widget = forms.CheckboxInput()


class PhoneLine(forms.Form):
    """One phone of a registration; an empty line is no phone."""

    value = forms.CharField(
        label=lazy("Phone"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    use = forms.ChoiceField(label=lazy("Kind"), choices=ContactPoint.Use.choices, initial="mobile")
    owner_name = forms.CharField(
        label=lazy("Whose phone, if not the patient's own"), max_length=120, required=False
    )
    ok_to_message = forms.BooleanField(label=lazy("Text messages are OK"), required=False)
    ok_to_leave_voicemail = forms.BooleanField(label=lazy("Voicemail is OK"), required=False)

    def clean_value(self) -> str:
        typed = self.cleaned_data["value"]
        if typed:
            self.normalized = _normal(telephones.normal_phone, typed)
        return typed


def _normal(rule: Any, typed: str) -> str:
    try:
        return rule(typed)
    except telephones.NotANumber as error:
        raise ValidationError(str(error)) from None


def with_birth_date_boxes(data: Any) -> Any:
    """The answer of a conflict table sends birth_date as one ISO value; the form wants three boxes."""
    if "birth_date" not in data or "birth_date_year" in data:
        return data
    filled = data.copy()
    try:
        born = datetime.date.fromisoformat(data["birth_date"])
    except ValueError:
        return data
    for part in PARTS:
        filled[f"birth_date_{part}"] = str(getattr(born, part))
    return filled
