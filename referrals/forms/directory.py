"""What people type into the directory: practices, their networks and clinicians, and the list's filters."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.accounts.models import User
from coordinator.fields import PhoneField
from coordinator.wording import language_name, languages_by_name
from patients.forms import day as any_day
from referrals.forms.authorizations import line, words
from referrals.forms.days import day
from referrals.models import Payer, Practice
from referrals.selectors import directory

P = Practice


class LinesField(forms.CharField):
    """Several short texts, one a line. Cleans to a list without doubles."""

    widget = forms.Textarea

    def __init__(self, *, longest: int, most: int = 40, **kwargs: Any) -> None:
        self.longest, self.most = longest, most
        super().__init__(required=False, max_length=5000, **kwargs)
        self.widget.attrs["rows"] = 3

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        found = list(dict.fromkeys(part.strip() for part in text.splitlines() if part.strip()))
        if len(found) > self.most:
            raise forms.ValidationError(_("Enter at most %(most)s lines.") % {"most": self.most})
        if any(len(part) > self.longest for part in found):
            raise forms.ValidationError(
                _("Please use at most %(longest)s characters in a line.") % {"longest": self.longest}
            )
        return found


class PracticeForm(forms.Form):
    """An entry. `version` is the one on screen; empty for a new one."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = line(lazy("Name"), 200, required=True)
    kind = forms.ChoiceField(label=lazy("Kind"), choices=P.Kind.choices, initial=P.Kind.PRACTICE)
    specialties = LinesField(
        label=lazy("Specialties or needs it serves"),
        longest=120,
        help_text=lazy("One a line, as referrals name them."),
    )
    npi = line(lazy("NPI"), 10, help_text=lazy("10 digits"))
    address_line = line(lazy("Street"), 200)
    city = line(lazy("City"), 80)
    state = line(lazy("State"), 2, help_text=lazy("Two letters, like MN"))
    postal_code = forms.RegexField(
        r"\A[0-9]{5}(-[0-9]{4})?\Z",
        label=lazy("ZIP code"),
        max_length=10,
        required=False,
        error_messages={"invalid": lazy("Enter 5 digits, like 55401, or 9, like 55401-1234.")},
    )
    phone = PhoneField(label=lazy("Phone"), required=False)
    fax = PhoneField(label=lazy("Fax"), required=False)
    email = forms.EmailField(
        label=lazy("E-mail"),
        required=False,
        help_text=lazy("It gets a secure link, never the papers themselves."),
    )
    portal = forms.URLField(label=lazy("Portal"), required=False, assume_scheme="https")
    channel = forms.ChoiceField(
        label=lazy("How it takes referrals"),
        required=False,
        choices=[("", lazy("Not known")), *P.Channel.choices],
    )
    languages = forms.MultipleChoiceField(
        label=lazy("Languages"), required=False, widget=forms.CheckboxSelectMultiple
    )
    accepting = forms.ChoiceField(label=lazy("New patients"), choices=P.Accepting.choices)
    cost = forms.ChoiceField(label=lazy("Cost without insurance"), choices=P.Cost.choices)
    wait_days = forms.IntegerField(
        label=lazy("Typical wait, in days"), required=False, min_value=0, max_value=730
    )
    wait_told_on = day(lazy("Told on"))
    wait_told_by = line(lazy("Told by"), 120)
    intake_rules = words(lazy("Intake rules"), 5000, rows=3, help_text=lazy("What it wants before it books."))
    notes = words(lazy("Notes"), 5000, rows=2, help_text=lazy("About the practice; never about a patient."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages: Any = self.fields["languages"]
        known = languages_by_name()
        more = set((self.initial or {}).get("languages") or ()) - {code for code, _name in known}
        languages.choices = [*known, *((code, language_name(code)) for code in sorted(more))]

    def clean_state(self) -> str:
        return self.cleaned_data["state"].upper()


class NetworkForm(forms.Form):
    payer_name = forms.ChoiceField(label=lazy("Payer"))
    plan_name = line(lazy("Plan"), 160, help_text=lazy("Empty: every plan of this payer"))
    participates = forms.TypedChoiceField(
        label=lazy("Network"),
        coerce=lambda value: value == "in",
        choices=[("in", lazy("In network")), ("out", lazy("Not in network"))],
        widget=forms.RadioSelect,
        initial="in",
    )
    # Contracts are old, and "without an end" is written as 2099: any year.
    starts_on = any_day(lazy("From"))
    ends_on = any_day(lazy("Until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        payer: Any = self.fields["payer_name"]
        names = Payer.objects.filter(is_active=True).order_by("name").values_list("name", flat=True)
        payer.choices = [("", lazy("Choose")), *((name, name) for name in names)]


class ClinicianForm(forms.Form):
    name = line(lazy("Name"), 160, required=True)
    npi = line(lazy("NPI"), 10, help_text=lazy("10 digits"))
    specialty = line(lazy("Specialty"), 120)


class PracticeFilterForm(forms.Form):
    """The list's filters; every one has an address."""

    q = forms.CharField(required=False, max_length=100)
    kind = forms.ChoiceField(label=lazy("Kind"), required=False, choices=[("", lazy("Any")), *P.Kind.choices])
    specialty = forms.ChoiceField(label=lazy("Specialty"), required=False)
    network = forms.ChoiceField(label=lazy("Network"), required=False)
    language = forms.ChoiceField(label=lazy("Language"), required=False)
    accepting = forms.ChoiceField(
        label=lazy("New patients"), required=False, choices=[("", lazy("Any")), *P.Accepting.choices]
    )
    postal_code = forms.RegexField(r"\A[0-9]{1,5}\Z", label=lazy("ZIP begins with"), required=False)
    state = forms.ChoiceField(
        label=lazy("Shown"),
        required=False,
        choices=[("", lazy("In use")), ("due", lazy("Due for review")), ("retired", lazy("Retired"))],
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        anything = ("", lazy("Any"))
        fields["specialty"].choices = [anything, *((name, name) for name in directory.specialties(user))]
        fields["network"].choices = [anything, *((name, name) for name in directory.payer_names(user))]
        fields["language"].choices = [
            anything,
            *((code, language_name(code)) for code in directory.languages(user)),
        ]
