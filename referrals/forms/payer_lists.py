"""What managers type into the clinic's lists about payers."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from patients.models import DocumentKind
from referrals.forms.authorizations import line, words
from referrals.forms.days import day
from referrals.models import Covered, DocNeeded, PaNeeded, Payer

# Answers that a list can hold; "could not say" is no line of a list.
LISTED = [c for c in PaNeeded.choices if c[0] in ("auth-needed", "no-auth", "performpa", "conditional")]


class PayerForm(forms.Form):
    name = line(
        lazy("Name"), 160, required=True, help_text=lazy("As it stands on coverages: they are found by it.")
    )
    payer_type = forms.ChoiceField(
        label=lazy("Kind"), choices=Payer.Type.choices, help_text=lazy("Chooses the decision clock.")
    )
    lines_of_business = forms.MultipleChoiceField(
        label=lazy("Also sells"),
        required=False,
        choices=Payer.Type.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=lazy("Lines of business beside its own kind"),
    )
    phone = line(lazy("Phone"), 40)
    fax = line(lazy("Fax"), 40)
    portal = forms.URLField(label=lazy("Portal"), required=False, assume_scheme="https")
    appeals_address = words(lazy("Address for appeals"), 500, rows=3)
    appeals_fax = line(lazy("Fax for appeals"), 40)
    zone = line(lazy("Time zone"), 64, required=True, initial="America/New_York")
    tips = words(lazy("Tips"), 2000, rows=4, help_text=lazy("What makes a request go through."))
    reviewed_on = day(lazy("Last checked with the payer"))

    def clean_zone(self) -> str:
        zone = self.cleaned_data["zone"]
        if zone not in available_timezones():
            raise forms.ValidationError(_("There is no such time zone. For example: America/Chicago"))
        return zone


class PayerChoice(forms.ModelChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Payer.objects.filter(is_active=True).order_by("name"), **kwargs)


class RequirementForm(forms.Form):
    payer = PayerChoice(label=lazy("Payer"))
    service_code = line(lazy("Service code"), 20, help_text=lazy("For requests"))
    specialty = line(lazy("Specialty"), 120, help_text=lazy("For referrals, as they name it"))
    pa_needed = forms.ChoiceField(
        label=lazy("Is an authorization needed?"),
        choices=LISTED,
        widget=forms.RadioSelect,
        initial="auth-needed",
    )
    covered = forms.ChoiceField(
        label=lazy("Is it covered?"), choices=[("", "–"), *Covered.choices], required=False
    )
    doc_needed = forms.MultipleChoiceField(
        label=lazy("Papers the payer wants"),
        choices=DocNeeded.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    source = line(
        lazy("Source"), 200, required=True, help_text=lazy("For example: the payer's list of October")
    )
    source_on = day(lazy("Date of the source"), required=True)
    expires_on = day(lazy("Holds until"), required=True)


class PaperForm(forms.Form):
    label = line(lazy("Paper"), 160, required=True)
    payer = PayerChoice(label=lazy("Payer"), required=False, empty_label=lazy("All payers"))
    service_code = line(lazy("Service code"), 20, help_text=lazy("Empty: every service"))
    document_kind = forms.ChoiceField(
        label=lazy("Kind of document"), choices=DocumentKind.choices, initial=DocumentKind.REPORT
    )
    is_required = forms.BooleanField(
        label=lazy("Required: a request cannot go out without it"), required=False, initial=True
    )
    hint = line(lazy("Hint"), 300, help_text=lazy("For example: not older than 6 months"))
