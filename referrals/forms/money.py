"""What people type about money: funds, applications, bills, estimates. Parsing and field rules; services write."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from patients.forms import day
from patients.forms.entries import line, words
from patients.models import Document, RelatedPerson, Topic
from referrals.models import BenefitApplication, Bill, BillPhrase, Fund, HowGiven

AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")


class DollarField(forms.Field):
    """An amount of dollars as people write it: 412, 412.50, $1,200. Cleans to a Decimal with cents, or None."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": lazy("Enter an amount in dollars, like 412 or 412.50."),
        "negative": lazy("Enter 0 or more dollars."),
        "too_large": lazy("Enter less than 10 million dollars."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        typed = str(value if value is not None else "").strip().removeprefix("$").replace(",", "").strip()
        if not typed:
            return None
        if typed.startswith("-"):
            raise forms.ValidationError(self.error_messages["negative"], code="negative")
        if not AMOUNT.fullmatch(typed):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        amount = Decimal(typed)
        if amount >= 10_000_000:
            raise forms.ValidationError(self.error_messages["too_large"], code="too_large")
        return amount


def needed_day(label: Any, *, past: bool = False, today: bool = True) -> forms.DateField:
    """A day that has to be given; today unless somebody says otherwise."""
    field = day(label, past=past)
    field.required = True
    if today:
        field.initial = timezone.localdate
    return field


# --- funds and phrases, kept by managers ------------------------------------------------------------------


class FundForm(forms.ModelForm):
    limit_per_patient = DollarField(
        label=lazy("Most for one patient in a period"),
        required=False,
        help_text=lazy("In dollars. Empty: no limit."),
    )

    class Meta:
        model = Fund
        fields = (
            "name", "purpose", "criteria", "papers", "period", "limit_per_patient", "holds_days", "contact",
            "is_active",
        )  # fmt: skip
        labels: ClassVar[dict[str, Any]] = {
            "name": lazy("Name"),
            "purpose": lazy("What it is for"),
            "criteria": lazy("Who can get it"),
            "papers": lazy("Papers it asks for, one a line"),
            "period": lazy("A patient can ask"),
            "holds_days": lazy("An award is reserved for, in days"),
            "contact": lazy("Contact"),
            "is_active": lazy("Gives money at present"),
        }
        widgets: ClassVar[dict[str, Any]] = {
            "criteria": forms.Textarea(attrs={"rows": 3}),
            "papers": forms.Textarea(attrs={"rows": 3}),
        }


class DepositForm(forms.Form):
    amount = DollarField(label=lazy("Amount in dollars"))
    on = needed_day(lazy("Received on"), past=True)
    note = line(lazy("From whom"), 250, required=True)


class ReasonForm(forms.Form):
    reason = words(lazy("Reason"), required=True)


class PhraseForm(forms.ModelForm):
    class Meta:
        model = BillPhrase
        fields = ("label", "words", "label_es", "words_es", "is_active")
        labels: ClassVar[dict[str, Any]] = {
            "label": lazy("Kind of line"),
            "words": lazy("What it means, in plain words"),
            "label_es": lazy("Kind of line, in Spanish"),
            "words_es": lazy("What it means, in Spanish"),
            "is_active": lazy("Offered"),
        }
        widgets: ClassVar[dict[str, Any]] = {
            "words": forms.Textarea(attrs={"rows": 3}),
            "words_es": forms.Textarea(attrs={"rows": 3, "lang": "es"}),
            "label_es": forms.TextInput(attrs={"lang": "es"}),
        }


# --- new records: each form is told the person and the patient -------------------------------------------------


class AboutPatient(forms.Form):
    """A form about one patient: what it offers is theirs, and visible to the person."""

    def __init__(self, *args: Any, user: Any, patient: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.patient = user, patient
        offered: dict[str, Any] = {
            "document": lambda: Document.objects.visible_to(user).filter(patient=patient, status="current"),
            "bill": lambda: Bill.objects.visible_to(user).filter(patient=patient),
            "fund": lambda: Fund.objects.visible_to(user).offered(),
            "related_person": lambda: self._may_hear_about_money(),
        }
        for name, rows in offered.items():
            if name in self.fields:
                self.fields[name].queryset = rows()  # type: ignore[attr-defined]
        if "document" in self.fields:
            self.fields["document"].label_from_instance = lambda paper: paper.title  # type: ignore[attr-defined]

    def _may_hear_about_money(self) -> Any:
        family = RelatedPerson.objects.visible_to(self.user).filter(patient=self.patient)
        return family.to_contact(timezone.localdate()).filter(topics__contains=[Topic.MONEY]).order_by("name")


def document_field(label: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(label=label, queryset=Document.objects.none(), required=False)


class AidForm(AboutPatient):
    fund = forms.ModelChoiceField(label=lazy("Fund"), queryset=Fund.objects.none())
    asked_amount = DollarField(label=lazy("Amount asked, in dollars"))
    purpose = line(lazy("What it is for"), 250, required=True)
    bill = forms.ModelChoiceField(label=lazy("For this bill"), queryset=Bill.objects.none(), required=False)
    duplicate_reason = line(lazy("Why another one?"), 250)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bill"].label_from_instance = lambda bill: f"{bill.biller}, ${bill.amount}"  # type: ignore[attr-defined]


class BenefitForm(AboutPatient):
    program = forms.ChoiceField(label=lazy("Benefit"), choices=BenefitApplication.Program.choices)
    name = line(lazy("Its name"), 160, help_text=lazy("For example the drug, or the hospital’s own program."))
    agency = line(lazy("Who decides"), 160, required=True)
    papers = words(lazy("Papers it asks for, one a line"), 4)
    duplicate_reason = line(lazy("Why another one?"), 250)

    def clean_papers(self) -> list[str]:
        return [paper.strip() for paper in self.cleaned_data["papers"].splitlines() if paper.strip()][:30]


class BillForm(AboutPatient):
    biller = line(lazy("From whom"), 160, required=True)
    amount = DollarField(label=lazy("Amount in dollars"))
    statement_on = needed_day(lazy("Date of the statement"), past=True, today=False)
    service_on = day(lazy("Date of the service"), past=True)
    due_on = day(lazy("To be paid by"))
    account_number = line(lazy("Account number"), 60)
    document = document_field(lazy("The bill as a document"))
    is_nonprofit_hospital = forms.BooleanField(
        label=lazy("It comes from a nonprofit hospital"), required=False
    )


class EstimateForm(AboutPatient):
    service = line(lazy("For which service"), 160, required=True)
    visit_on = day(lazy("Date of the visit, if there is one"))


# --- what is done with them ---------------------------------------------------------------------------------


class NothingForm(AboutPatient):
    """A step that needs nothing but the button."""


class StepReasonForm(AboutPatient):
    reason = words(lazy("Reason"), required=True)


class WithoutPapersForm(AboutPatient):
    without_papers = line(
        lazy("Why it goes without the papers that are missing"),
        250,
        help_text=lazy("Only if papers are missing."),
    )


class AwardForm(AboutPatient):
    awarded_amount = DollarField(label=lazy("Amount awarded, in dollars"))
    decided_by = line(lazy("Who decided"), 120, required=True)
    decided_on = needed_day(lazy("Decided on"), past=True)
    expires_on = needed_day(lazy("The award expires on"), today=False)


class RefuseForm(AboutPatient):
    decided_by = line(lazy("Who decided"), 120, required=True)
    decided_on = needed_day(lazy("Decided on"), past=True)
    reason = words(lazy("Reason"), required=True)


class PayForm(AboutPatient):
    amount = DollarField(label=lazy("Amount in dollars"))
    paid_to = line(lazy("Paid to"), 160, required=True)
    paid_for = line(lazy("For what"), 250, required=True)
    paid_on = needed_day(lazy("Paid on"), past=True)


class FileForm(WithoutPapersForm):
    filed_on = needed_day(lazy("Filed on"), past=True)
    agency_reference = line(lazy("The agency’s reference"), 80)
    field_order = ("filed_on", "agency_reference", "without_papers")


class ApproveForm(AboutPatient):
    decided_on = needed_day(lazy("Decided on"), past=True)
    starts_on = needed_day(lazy("Starts on"), today=False)
    ends_on = day(lazy("Ends on"))
    renews_on = needed_day(lazy("To be renewed by"), today=False)


class DenyForm(AboutPatient):
    decided_on = needed_day(lazy("Decided on"), past=True)
    reason = words(lazy("Reason the agency gave"), required=True)


class RenewForm(AboutPatient):
    renews_on = needed_day(lazy("Next renewal by"), today=False)
    ends_on = day(lazy("Ends on"))


class LineForm(AboutPatient):
    text = line(lazy("What the line says"), 160, required=True)
    amount = DollarField(label=lazy("Amount in dollars"))
    phrase = forms.ModelChoiceField(
        label=lazy("Kind of line"), queryset=BillPhrase.objects.filter(is_active=True), required=False
    )
    explanation = words(
        lazy("In plain words"),
        help_text=lazy("Empty: the words that go with the kind, in the patient’s language."),
    )


class ExplainForm(AboutPatient):
    on = needed_day(lazy("Explained on"), past=True)
    related_person: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=lazy("Explained to"),
        queryset=RelatedPerson.objects.none(),
        required=False,
        empty_label=lazy("The patient"),
        help_text=lazy("Of the family, only those are offered who may hear about money."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shown: Any = self.fields["related_person"]
        shown.label_from_instance = lambda person: f"{person.name} ({person.relationship})"


class AskForm(AboutPatient):
    to_whom = line(lazy("Whom you ask"), 160, required=True)
    channel = forms.ChoiceField(label=lazy("How"), choices=HowGiven.choices, initial=HowGiven.PHONE)
    question = words(lazy("The question"), 3, required=True)
    asked_on = needed_day(lazy("Asked on"), past=True)


class AnswerForm(AboutPatient):
    answer = words(lazy("The answer"), 3, required=True)
    answered_on = needed_day(lazy("Answered on"), past=True)


class SettleForm(AboutPatient):
    outcome = forms.ChoiceField(label=lazy("What came of it"), choices=[("", "–"), *Bill.Outcome.choices])
    dollars_won = DollarField(
        label=lazy("Dollars the patient does not have to pay"),
        initial="0",
        help_text=lazy("Without what our own funds paid: that is counted in their ledger."),
    )
    settled_on = needed_day(lazy("Settled on"), past=True)


class GiveForm(AboutPatient):
    amount = DollarField(label=lazy("Estimated amount in dollars"))
    given_on = needed_day(lazy("Given on"), past=True)
    channel = forms.ChoiceField(label=lazy("How it was given"), choices=HowGiven.choices)


class PaperForm(AboutPatient):
    document = document_field(lazy("Document of the patient"))
    not_needed = line(lazy("Or: why it is not needed"), 250)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("document") and data.get("not_needed"):
            self.add_error("not_needed", _("Attach a document, or say why none is needed; not both."))
        return data


def expires_from(fund: Fund) -> Any:
    """The day that an award of this fund runs until, if nothing else is said."""
    return timezone.localdate() + timedelta(days=fund.holds_days)
