"""Forms of the record's entries: phones, coverage, family, problems, allergies, medicines, notes, standing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.accounts.models import User
from coordinator.wording import hour_words, phone
from coordinator.workflow import Step
from patients.forms import day
from patients.forms.labels import Proposing, label_field
from patients.forms.registration import language_choices
from patients.models import (
    Allergy,
    Consent,
    ContactPoint,
    ContactWarning,
    EligibilityCheck,
    Medication,
    Note,
    Patient,
    Problem,
    ProviderUpdate,
    Topic,
)
from patients.selectors import possible_coordinators, providers


def line(label: Any, limit: int, *, required: bool = False, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, max_length=limit, required=required, widget=widget, **options)


def words(label: Any, rows: int = 2, **options: Any) -> forms.CharField:
    options.setdefault("required", False)
    return forms.CharField(
        label=label, widget=forms.Textarea(attrs={"rows": rows}), strip=True, max_length=10_000, **options
    )


def moment(label: Any, help_text: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=help_text,
    )


class ContactPointChangeForm(forms.Form):
    """What may change of a number that stays the same."""

    use = forms.ChoiceField(label=lazy("Kind"), choices=ContactPoint.Use.choices, initial="mobile")
    owner_name = line(
        lazy("Whose, if not the patient's own"),
        120,
        help_text=lazy(
            "As recorded under family: messages about visits go there only if they may hear of scheduling."
        ),
    )
    owner_relationship = line(lazy("Their relationship to the patient"), 60)
    ok_to_message = forms.BooleanField(label=lazy("Messages are OK"), required=False)
    ok_to_leave_voicemail = forms.BooleanField(label=lazy("Voicemail is OK"), required=False)
    permission_source = line(
        lazy("How was that permission given?"),
        120,
        help_text=lazy("For example: by the patient, on the phone"),
    )


class ContactPointForm(ContactPointChangeForm):
    kind = forms.ChoiceField(
        label=lazy("Phone or e-mail"),
        choices=ContactPoint.Kind.choices,
        initial="phone",
        widget=forms.RadioSelect,
    )
    value = line(lazy("Number or address"), 254, required=True)

    field_order = ("kind", "value")


def _hours() -> list[tuple[Any, Any]]:
    return [("", _("Choose")), *((hour, hour_words(hour)) for hour in range(7, 22))]


class ContactWarningForm(forms.Form):
    """How the patient may be reached without harm. What a kind does not need is left empty."""

    kind = forms.ChoiceField(
        label=lazy("What to mind"), choices=ContactWarning.Kind.choices, widget=forms.RadioSelect
    )
    contact_point: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=lazy("Number or address"),
        queryset=None,
        required=False,
        empty_label=lazy("None"),
        help_text=lazy("Which one to use only, or not to use."),
    )
    calls_from = forms.TypedChoiceField(
        label=lazy("Calls from"), choices=_hours, coerce=int, empty_value=None, required=False
    )
    calls_until = forms.TypedChoiceField(
        label=lazy("Calls until"), choices=_hours, coerce=int, empty_value=None, required=False
    )
    text = line(
        lazy("In a few words"),
        200,
        help_text=lazy(
            "Who must not know, the address for letters, or what else helps. Everybody who calls reads it."
        ),
    )
    is_sensitive = forms.BooleanField(
        label=lazy("Sensitive: on printed lists show only “see record”"), required=False
    )

    def __init__(self, *args: Any, user: User, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        points: Any = self.fields["contact_point"]
        points.queryset = ContactPoint.objects.visible_to(user).filter(patient=patient, ended_at=None)
        points.label_from_instance = lambda point: (
            phone(point.value) if point.kind == "phone" else point.value
        )


class KeepForm(forms.Form):
    """A form whose doubts (rules.doubts.Doubt) a tick takes away; it is shown once there is something to keep."""

    keep = forms.BooleanField(
        label=lazy("Keep it as typed"), required=False, widget=forms.HiddenInput(), initial=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["keep"] = self.fields.pop("keep")  # last

    def ask_to_keep(self) -> None:
        self.fields["keep"].widget = forms.CheckboxInput()


# FHIR's codes of the relationship to the subscriber.
SUBSCRIBER = [
    ("", lazy("Not recorded")),
    ("self", lazy("The patient is the subscriber")),
    ("spouse", lazy("Spouse")),
    ("child", lazy("Child")),
    ("parent", lazy("Parent")),
    ("common", lazy("Partner")),
    ("other", lazy("Other")),
]


class CoverageForm(KeepForm):
    payer_name = line(lazy("Payer"), 160, required=True)
    plan_name = line(lazy("Plan"), 160)
    line_of_business = line(
        lazy("Kind of plan"), 40, help_text=lazy("For example: Medicare Advantage, employer plan")
    )
    member_id = line(lazy("Member number"), 60)
    group_number = line(lazy("Group number"), 60)
    relationship_to_subscriber = forms.ChoiceField(
        label=lazy("Relationship to the subscriber"), choices=SUBSCRIBER, required=False
    )
    subscriber_name = line(lazy("Subscriber, if not the patient"), 160)
    subscriber_birth_date = day(lazy("Subscriber's date of birth"), past=True)
    rank = forms.IntegerField(
        label=lazy("Order"),
        min_value=1,
        max_value=9,
        required=False,
        help_text=lazy("1 pays first; the others make room"),
    )
    starts_on = day(lazy("From"))
    ends_on = day(lazy("To"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        present = (kwargs.get("initial") or {}).get("relationship_to_subscriber") or ""
        if present not in dict(SUBSCRIBER):  # a word that came with an import stays choosable
            choices = [*SUBSCRIBER, (present, present)]
            self.fields["relationship_to_subscriber"].choices = choices  # type: ignore[attr-defined]


class EligibilityCheckForm(forms.Form):
    """What the payer, or its portal, said about a policy."""

    method = forms.ChoiceField(
        label=lazy("How"),
        choices=EligibilityCheck.Method.choices,
        initial="portal",
        widget=forms.RadioSelect,
    )
    result = forms.ChoiceField(
        label=lazy("The coverage is"), choices=EligibilityCheck.Result.choices, widget=forms.RadioSelect
    )
    reference = line(lazy("Reference number"), 60)
    copay = line(lazy("Copay"), 80)
    note = words(lazy("Remarks"))


class FamilyForm(forms.Form):
    name = line(lazy("Name"), 160, required=True)
    relationship = line(lazy("Relationship"), 60, required=True)
    phone = line(lazy("Phone"), 40)
    email = forms.EmailField(label=lazy("E-mail"), required=False)
    language = forms.ChoiceField(label=lazy("Language"), required=False, choices=language_choices)
    topics = forms.MultipleChoiceField(
        label=lazy("May discuss"),
        choices=Topic.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=lazy("Only what the patient said this person may hear about."),
    )
    authority = line(
        lazy("Legal authority"), 120, help_text=lazy("For example: health-care proxy. Leave empty for none.")
    )
    is_emergency_contact = forms.BooleanField(label=lazy("Emergency contact"), required=False)
    do_not_contact = forms.BooleanField(label=lazy("Do not contact"), required=False)


class CareTeamForm(forms.Form):
    """Somebody outside the clinic; who works here is on the team through their work."""

    name = line(lazy("Name of the person or practice"), 160, required=True)
    role = line(lazy("Role"), 80, required=True, help_text=lazy("For example: cardiologist, home nurse"))
    contact = line(lazy("Phone, fax or e-mail"), 160)
    started_on = day(lazy("Since"), past=True)


class ConsentForm(forms.Form):
    kind = forms.ChoiceField(label=lazy("Consent to"), choices=Consent.Kind.choices)
    decision = forms.ChoiceField(
        label=lazy("Decision"), choices=Consent.Decision.choices, initial="permit", widget=forms.RadioSelect
    )
    scope = line(lazy("What, to whom and what for"), 500)
    method = forms.ChoiceField(label=lazy("How"), choices=Consent.Method.choices, widget=forms.RadioSelect)
    given_by = line(lazy("Who decided, if not the patient"), 160)
    given_as = line(
        lazy("By what right"), 120, help_text=lazy("For example: legal guardian, health-care proxy")
    )
    starts_on = day(lazy("From"), past=True)
    ends_on = day(lazy("To"))


class ConsentStandingForm(forms.Form):
    status = forms.ChoiceField(
        label=lazy("Standing"),
        widget=forms.RadioSelect,
        choices=Consent.Status.choices[1:],
        initial="revoked",
    )
    reason = line(lazy("Reason"), 500, required=True)


class ProblemForm(KeepForm, Proposing):
    name = line(lazy("Problem"), 250, required=True)
    code = line(lazy("ICD-10-CM code"), 40)
    onset_on = day(lazy("Since"), past=True)
    label = label_field()


class AllergyForm(KeepForm):
    substance = line(lazy("Allergic to"), 250, required=True)
    reaction = line(lazy("Reaction"), 250)
    severity = forms.ChoiceField(
        label=lazy("Severity"),
        choices=Allergy._meta.get_field("severity").choices,
        required=False,
        widget=forms.RadioSelect,
    )


class MedicationForm(KeepForm, Proposing):
    name = line(lazy("Medicine and strength"), 250, required=True)
    how_taken = line(lazy("How taken"), 250)
    started_on = day(lazy("Since"), past=True)
    prescriber_name = line(lazy("Prescribed by"), 160)
    label = label_field()


class _StatusForm(forms.Form):
    """Where an entry stands now; taking one back needs a reason."""

    status = forms.ChoiceField(label=lazy("Standing"), widget=forms.RadioSelect)
    reason = line(lazy("Reason"), 500, help_text=lazy("Needed when it was entered in error."))
    model: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["status"].choices = self.model._meta.get_field("status").choices  # type: ignore[attr-defined]


class ProblemStatusForm(_StatusForm):
    model = Problem


class AllergyStatusForm(_StatusForm):
    model = Allergy


class MedicationStatusForm(_StatusForm):
    model = Medication


class NoteForm(Proposing):
    """A note; with a provider it asks for an answer, by a time if one is given."""

    body = forms.CharField(
        label=lazy("Note"), widget=forms.Textarea(attrs={"rows": 5}), strip=True, max_length=100_000
    )
    kind = forms.ChoiceField(label=lazy("About"), choices=Note.Kind.choices, widget=forms.RadioSelect)
    report_to: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=lazy("Report to"),
        queryset=None,
        required=False,
        empty_label=lazy("Nobody, for the record"),
    )
    answer_due_at = moment(
        lazy("Answer needed by"),
        lazy("Date and time at the clinic. Left empty: 5 PM of the next business day."),
    )
    label = label_field()

    def __init__(self, *args: Any, user: User, patient: Patient, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"kind": Note.Kind.PROGRESS})
        super().__init__(*args, **kwargs)
        self.fields["report_to"].queryset = providers(user, patient)  # type: ignore[attr-defined]


class UpdateForm(forms.Form):
    """What a provider is told and asked, and by when they answer."""

    report_to: forms.ModelChoiceField[Any] = forms.ModelChoiceField(label=lazy("Provider"), queryset=None)
    situation = words(lazy("Situation"), help_text=lazy("What is going on, in a sentence."))
    observation = words(lazy("Observation"), help_text=lazy("What you saw, heard or measured."))
    ask = words(lazy("Ask"), required=True, help_text=lazy("What the provider should do or answer."))
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
        self.fields["report_to"].queryset = providers(user, patient)  # type: ignore[attr-defined]
        if patient.primary_care_id:
            self.fields["report_to"].initial = patient.primary_care_id


class AnswerForm(forms.Form):
    """The provider's answer; a colleague who writes it down says how they were told."""

    answer = words(lazy("Answer"), rows=4, required=True)
    answer_route = forms.ChoiceField(
        label=lazy("How did the provider tell you?"),
        choices=[choice for choice in ProviderUpdate.Route.choices if choice[0] != "here"],
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, own: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if own:
            del self.fields["answer_route"]


class ReasonForm(forms.Form):
    reason = line(lazy("Reason"), 500, required=True)


class CoordinatorForm(forms.Form):
    coordinator: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        label=lazy("Coordinator"), queryset=None, required=False, empty_label=lazy("Nobody")
    )
    reason = line(lazy("Reason"), 500)

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["coordinator"].queryset = possible_coordinators(patient)  # type: ignore[attr-defined]


class RestrictionForm(forms.Form):
    """Why a record is for its care team only."""

    reason = forms.CharField(
        label=lazy("Why is this record restricted?"),
        min_length=10,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy(
            "For example: works here; is being threatened. Only those who see the record read this."
        ),
    )


class StandingForm(forms.Form):
    """One of the steps the workflow allows from here."""

    step = forms.ChoiceField(label=lazy("What happened?"), widget=forms.RadioSelect)
    died_on = day(lazy("Day of death"), help_text=lazy("Only when the patient has died."))
    reason = line(lazy("Reason"), 500, help_text=lazy("For example where the patient went."))

    def __init__(self, *args: Any, steps: list[Step], now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        self.needs_reason = {step.name for step in steps if "reason" in step.needs}
        self.fields["step"].choices = [(step.name, step.label) for step in steps]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        step = data.get("step")
        if step == "record_death" and not data.get("died_on") and "died_on" not in self.errors:
            self.add_error("died_on", ValidationError(_("Enter the day of death.")))
        if step in self.needs_reason and not data.get("reason") and "reason" not in self.errors:
            self.add_error("reason", ValidationError(_("Please give a reason.")))
        return data
