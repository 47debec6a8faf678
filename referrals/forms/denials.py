"""What people type about denials: the payer's words, talks, letters, appeals, and the managed list of reasons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Practitioner, User
from patients.models import Document, DocumentKind
from referrals.forms.days import day, moment
from referrals.forms.referrals import CHANNELS
from referrals.models import Appeal, Denial, DenialCategory, PeerToPeer, PriorAuthorization
from referrals.rules import appeals as appeal_rules
from referrals.selectors.letters import Material, entry_words, papers
from referrals.services.denial_categories import LETTER, MOST_ITEMS

MOST_LINES = 30
_day, _moment = partial(day, required=True), partial(moment, required=True)


class DenialForm(forms.Form):
    """The notice, as it stands."""

    category = forms.ModelChoiceField(label=_("Kind of denial"), queryset=DenialCategory.objects.none())
    words = forms.CharField(
        label=_("The payer’s reason, word for word"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    notice_on = _day(
        label=_("Date of the notice"), help_text=_("The days for an appeal count from this date.")
    )
    lines = forms.MultipleChoiceField(
        label=_("Refused lines"), required=False, widget=forms.CheckboxSelectMultiple
    )
    printed_appeal_on = _day(label=_("Appeal by, as the notice prints it"), required=False)
    printed_peer_on = _day(label=_("Peer-to-peer by, as the notice prints it"), required=False)
    told_by = forms.CharField(label=_("Who told us"), max_length=120, required=False)
    channel = forms.ChoiceField(label=_("How it came"), choices=Denial.Channel.choices)
    notice = forms.ModelChoiceField(
        label=_("The notice among the documents"), queryset=Document.objects.none(), required=False
    )

    def __init__(self, *args: Any, user: User, authorization: PriorAuthorization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["category"].queryset = DenialCategory.objects.offered()
        fields["notice"].queryset = (
            Document.objects.visible_to(user)
            .filter(patient=authorization.patient_id, status="current")
            .for_lists()
            .newest_first()
        )
        lines = [line for line in authorization.lines.all() if line.decision != "cancelled"]
        if len(lines) > 1:
            fields["lines"].choices = [(str(line.number), line_words(line)) for line in lines]
            self.initial.setdefault(
                "lines", [str(line.number) for line in lines if line.decision in ("", "denied")]
            )
        else:
            del fields["lines"]

    def clean_lines(self) -> list[int]:
        chosen = [int(number) for number in self.cleaned_data["lines"]]
        if not chosen:
            raise forms.ValidationError(_("Choose at least one line."))
        return chosen


def line_words(line: Any) -> str:
    """A line as a choice: number, code, what it is."""
    what = " ".join(part for part in (line.service_code, line.label) if part)
    return f"{line.number}. {what}"


class ErrorForm(forms.Form):
    reason = forms.CharField(label=_("What is wrong with it"), max_length=500)


class PeerToPeerForm(forms.Form):
    at = _moment(label=_("Date and time"), help_text=_("On the clock of the patient’s place."))
    our_clinician = forms.ModelChoiceField(label=_("Our clinician"), queryset=Practitioner.objects.none())
    payer_clinician = forms.CharField(label=_("The payer’s clinician"), max_length=120, required=False)
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["our_clinician"]
        field.queryset = Practitioner.objects.visible_to(user).filter(site__in=user.site_ids, is_active=True)


class DecisionForm(forms.Form):
    """What the payer approves after all: for every refused line its units, the number and the days."""

    authorization_number = forms.CharField(label=_("Authorization number"), max_length=60, required=False)
    starts_on = _day(label=_("First day"), required=False)
    ends_on = _day(label=_("Last day"), required=False)

    def __init__(self, *args: Any, denial: Denial, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = list(denial.lines.all()) or list(denial.authorization.lines.all())
        self.numbers = [line.number for line in lines if line.decision == "denied"][:MOST_LINES]
        for line in lines:
            if line.number in self.numbers:
                self.fields[f"units_{line.number}"] = forms.IntegerField(
                    label=_("Units approved: %(line)s") % {"line": line_words(line)},
                    min_value=0,
                    max_value=99_999,
                    required=False,
                    help_text=_("Asked for: %(n)s") % {"n": line.units_requested},
                )

    @property
    def units(self) -> dict[int, int | None]:
        """Line number -> units, once the form is valid."""
        return {number: self.cleaned_data.get(f"units_{number}") for number in self.numbers}

    @property
    def decision(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("authorization_number", "starts_on", "ends_on")}


class PeerToPeerOutcomeForm(DecisionForm):
    outcome = forms.ChoiceField(
        label=_("How it went"), choices=PeerToPeer.Outcome.choices, widget=forms.RadioSelect
    )
    held_at = _moment(label=_("When it took place"), required=False)
    payer_clinician = forms.CharField(label=_("The payer’s clinician"), max_length=120, required=False)
    note = forms.CharField(
        label=_("What was said"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    field_order = ("outcome", "held_at", "payer_clinician", "note")


class AppealOutcomeForm(DecisionForm):
    outcome = forms.ChoiceField(
        label=_("What was decided"), choices=Appeal.Outcome.choices, widget=forms.RadioSelect
    )
    outcome_on = _day(label=_("Date of the notice"))
    words = forms.CharField(
        label=_("The reason given, word for word"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    next_by = _day(
        label=_("Next level by, as the notice prints it"),
        required=False,
        help_text=_("Only when the denial was upheld."),
    )
    field_order = ("outcome", "outcome_on", "words", "next_by")


class AppealForm(forms.Form):
    """Filing the next level: when, how, the proof, and what went along."""

    LACKING: ClassVar[dict[str, Any]] = {
        "channel": _("Say how it was sent."),
        "proof": _("Enter the proof of sending: a confirmation or tracking number, or who took it in."),
    }
    kind = forms.ChoiceField(label=_("Kind of appeal"))
    filed_at = _moment(label=_("Sent on"))
    channel = forms.ChoiceField(label=_("How it was sent"), choices=[("", "—"), *CHANNELS], required=False)
    proof = forms.CharField(
        label=_("Proof of sending"),
        max_length=200,
        required=False,
        help_text=_("Confirmation or tracking number, or who took it in."),
    )
    decision_due_on = _day(
        label=_("The payer decides by"), required=False, help_text=_("Only when the payer names a day.")
    )
    documents = forms.ModelMultipleChoiceField(
        label=_("Papers sent along"),
        queryset=Document.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(
        self,
        *args: Any,
        user: User,
        authorization: PriorAuthorization,
        by_plan: bool = False,
        **kwargs: Any,
    ) -> None:
        """`by_plan`: the plan sends this level on by itself, so nothing of ours has to be proved."""
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        for name, lacking in self.LACKING.items():
            fields[name].required = not by_plan
            fields[name].error_messages["required"] = lacking
        offered = appeal_rules.kinds(authorization.payer.payer_type)
        fields["kind"].choices = [pair for pair in Appeal.Kind.choices if pair[0] in offered]
        if not self.initial.get("filed_at"):
            self.initial["filed_at"] = timezone.localtime().replace(second=0, microsecond=0)
        seen = [document.pk for document in papers(user, authorization.patient)]
        fields["documents"].queryset = Document.objects.visible_to(user).filter(pk__in=seen).for_lists()
        if not seen:
            del fields["documents"]


class LetterForm(forms.Form):
    """What goes into the letter, and its text; `act` says whether to fill it in again or to save it."""

    entries = forms.MultipleChoiceField(
        label=_("From the record"), required=False, widget=forms.CheckboxSelectMultiple
    )
    sent = forms.MultipleChoiceField(
        label=_("Papers sent along"), required=False, widget=forms.CheckboxSelectMultiple
    )
    body = forms.CharField(
        label=_("The letter"),
        max_length=20_000,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 26}),
    )

    def __init__(
        self, *args: Any, found: Material | None = None, documents: Sequence[Document] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        if found is not None:
            groups = (
                (_("Problems"), found.problems),
                (_("Medicines"), found.medicines),
                (_("Results"), found.results),
            )
            fields["entries"].choices = [
                (str(title), [(str(row.pk), entry_words(row)) for row in rows])
                for title, rows in groups
                if rows
            ]
        fields["sent"].choices = [(str(document.pk), document.title) for document in documents]
        for name in ("entries", "sent"):
            if not fields[name].choices:
                del fields[name]


class DenialCategoryForm(forms.Form):
    label = forms.CharField(label=_("Name"), max_length=80)
    label_es = forms.CharField(
        label=_("Name in Spanish"),
        max_length=80,
        required=False,
        help_text=_("Without one, English is shown."),
    )
    letter = forms.CharField(
        label=_("Letter"),
        max_length=8000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 16}),
        help_text=_("Words in braces are filled in from the record. Empty: the common letter."),
    )

    def __init__(self, *args: Any, checklist: Sequence[dict[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [("", _("ticked by hand")), (LETTER, _("the letter of the kit")), *DocumentKind.choices]
        self.rows = range(1, min(len(checklist) + 3, MOST_ITEMS) + 1)
        for n in self.rows:
            item = checklist[n - 1] if n <= len(checklist) else {}
            self.fields[f"what_{n}"] = forms.CharField(
                label=_("Paper %(n)d") % {"n": n}, max_length=200, required=False, initial=item.get("what")
            )
            self.fields[f"kind_{n}"] = forms.ChoiceField(
                label=_("Shown by, paper %(n)d") % {"n": n},
                choices=kinds,
                required=False,
                initial=item.get("kind", ""),
            )

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """The fields of the checklist, line by line, for the page."""
        return [(self[f"what_{n}"], self[f"kind_{n}"]) for n in self.rows]

    @property
    def checklist(self) -> list[dict[str, str]]:
        data = self.cleaned_data
        return [{"what": data[f"what_{n}"], "kind": data[f"kind_{n}"]} for n in self.rows]


class PayerTermsForm(forms.Form):
    peer_to_peer_days = forms.IntegerField(
        label=_("Peer-to-peer: calendar days after the notice"),
        min_value=1,
        max_value=90,
        required=False,
        help_text=_("Empty: the notice has to say it."),
    )
    is_slow = forms.BooleanField(label=_("Slow: ask for renewals 30 days ahead"), required=False)


class ContinueForm(forms.Form):
    """A renewal, revision or extension: the units wanted for each line, and why."""

    reason = forms.CharField(
        label=_("Why"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, authorization: PriorAuthorization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.numbers = []
        for line in authorization.lines.exclude(decision="cancelled")[:MOST_LINES]:
            self.numbers.append(line.number)
            self.fields[f"units_{line.number}"] = forms.IntegerField(
                label=_("Units to ask for: %(line)s") % {"line": line_words(line)},
                min_value=0,
                max_value=99_999,
                required=False,
                initial=line.units_approved or line.units_requested,
                help_text=_("0 leaves the line out."),
            )

    @property
    def units(self) -> dict[int, int | None]:
        return {number: self.cleaned_data.get(f"units_{number}") for number in self.numbers}


class BackDatedForm(forms.Form):
    """The payer back-dated an extension of what had expired."""

    ends_on = _day(label=_("New last day"))
    reason = forms.CharField(
        label=_("What the payer back-dated, and who told you"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class EndedForm(forms.Form):
    """Which denials are counted."""

    since = _day(label=_("Notices from"), required=False)
    until = _day(label=_("Notices to"), required=False)
    by_payer = forms.BooleanField(label=_("Also by payer"), required=False)
