"""The forms of single acts on a request: each step with just what it needs, and what is recorded beside the steps."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.accounts.models import User
from patients.forms.documents import SeveralFiles, SeveralFilesInput
from patients.models import Document
from patients.rules.files import ACCEPT
from referrals.forms.authorizations import CHANNELS, line, now_local, words
from referrals.forms.days import day, moment
from referrals.models import (
    AuthorizationLine,
    Covered,
    DocNeeded,
    InfoNeeded,
    PaNeeded,
    PriorAuthorization,
    RequirementSource,
)
from referrals.workflow import AuthorizationStatus as S


class ActForm(forms.Form):
    """`table` is a template drawn before the other fields; `later` names the fields that it draws itself."""

    table = ""

    def __init__(self, *args: Any, authorization: PriorAuthorization, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.authorization = authorization
        self.user = user

    @property
    def shown(self) -> list[forms.BoundField]:
        return [bound for bound in self.visible_fields() if not getattr(bound.field, "in_table", False)]

    def typed(self) -> dict[str, Any]:
        """What the service is told."""
        return dict(self.cleaned_data)


class NothingForm(ActForm):
    """A step that needs nothing but the click."""


class ReasonForm(ActForm):
    reason = words(lazy("Reason"), 500, required=True)


class LetEndForm(ActForm):
    reason = words(
        lazy("Why it need not be renewed"),
        500,
        required=True,
        help_text=lazy("For example: treatment finished"),
    )


class ReturnForm(ActForm):
    reason = words(
        lazy("What the payer says"),
        500,
        required=True,
        help_text=lazy("For example: wrong member number, incomplete"),
    )


class SubmitForm(ActForm):
    channel = forms.ChoiceField(label=lazy("How it was sent"), choices=CHANNELS)
    sent_at = moment(lazy("Sent"), required=True)
    received_by_payer_at = moment(
        lazy("Received by the payer"), required=True, help_text=lazy("The payer's clock starts here.")
    )
    receipt_proof = line(
        lazy("Proof of receipt"),
        120,
        required=True,
        help_text=lazy("Portal reference, fax confirmation or call reference"),
    )
    reference_number = line(lazy("Our reference number"), 60)
    decision_due_on = day(
        lazy("The payer decides by"), help_text=lazy("Only where the payer gives a date for this request.")
    )

    def __init__(self, *args: Any, authorization: PriorAuthorization, **kwargs: Any) -> None:
        now = now_local()
        initial = {
            "channel": authorization.channel or ("portal" if authorization.payer.portal else "fax"),
            "sent_at": now,
            "received_by_payer_at": now,
            "reference_number": authorization.reference_number,
        }
        super().__init__(*args, authorization=authorization, initial=initial, **kwargs)
        papers = authorization.papers.select_related("document")
        self.missing = [paper for paper in papers if paper.is_missing]
        self.has_no_line = not authorization.lines.exclude(decision="cancelled").exists()
        self.table = "referrals/_authorization_missing.html" if self.missing or self.has_no_line else ""

    def typed(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        said["reference_number"] = said["reference_number"] or self.authorization.reference_number
        return said


class PendForm(ActForm):
    asked_for = words(lazy("What the payer asks for"), 300, required=True)
    answer_due_at = moment(lazy("Our answer is due"), required=True)


class LineForm(ActForm):
    """One service line; `line` is the one that is changed."""

    service_code = line(lazy("Service code"), 20, required=True, help_text=lazy("CPT, HCPCS or NDC"))
    label = line(lazy("Our words for it"), 160)
    units = forms.IntegerField(label=lazy("Units"), min_value=1, max_value=9999, initial=1)
    unit_kind = forms.ChoiceField(
        label=lazy("Counted in"), choices=AuthorizationLine._meta.get_field("unit_kind").choices
    )
    asked_from = day(lazy("From"))
    asked_until = day(lazy("Until"))


class LineChangeForm(LineForm):
    cancelled = forms.BooleanField(label=lazy("We no longer ask for this line"), required=False)

    def typed(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        said["units_requested"] = said.pop("units")
        return said


class PaperForm(ActForm):
    label = line(lazy("Which paper"), 160, required=True)
    is_required = forms.BooleanField(
        label=lazy("Required: the request cannot go out without it"), required=False, initial=True
    )


class RequirementForm(ActForm):
    """An answer to "is it needed?"."""

    pa_needed = forms.ChoiceField(
        label=lazy("Is an authorization needed?"), choices=PaNeeded.choices, widget=forms.RadioSelect
    )
    source = forms.ChoiceField(
        label=lazy("Who answered"),
        choices=RequirementSource.choices,
        widget=forms.RadioSelect,
        initial="portal",
    )
    reference = line(
        lazy("Reference"), 120, help_text=lazy("Needed as proof of “not needed”: screen number, call or list")
    )
    said_by = line(lazy("Person"), 120)
    covered = forms.ChoiceField(
        label=lazy("Is it covered?"), choices=[("", "–"), *Covered.choices], required=False
    )
    doc_needed = forms.MultipleChoiceField(
        label=lazy("Papers the payer wants"),
        choices=DocNeeded.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    info_needed = forms.MultipleChoiceField(
        label=lazy("What the payer still has to know"),
        choices=InfoNeeded.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    expires_on = day(lazy("Holds until"))
    note = words(lazy("Note"), 500)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("pa_needed") in ("no-auth", "satisfied") and not data.get("reference"):
            self.add_error("reference", _("Enter what proves this: a reference, or the list and its date."))
        if data.get("expires_on") and data["expires_on"] < timezone.localdate():
            self.add_error("expires_on", _("This day is past."))
        return data


class AnswerForm(ActForm):
    channel = forms.ChoiceField(label=lazy("How it was sent"), choices=CHANNELS)
    proof = line(
        lazy("Proof"),
        120,
        required=True,
        help_text=lazy("Portal reference, fax confirmation or call reference"),
    )
    note = words(lazy("What was sent"), 300)


class ExtendForm(ActForm):
    days = forms.IntegerField(
        label=lazy("Calendar days more"), min_value=1, max_value=60, help_text=lazy("As the notice says")
    )
    notice_on = day(lazy("Date of the notice"), required=True)
    reason = words(lazy("Why, as the notice says"), 300, required=True)


class DowngradeForm(ActForm):
    reason = words(lazy("What the payer says"), 300, required=True)


class CallForm(ActForm):
    """Four clicks at most: everything but what was said may stay as it is."""

    said = words(lazy("What was said"), 1000, required=True)
    representative = line(lazy("Person"), 120)
    call_reference = line(lazy("Call reference"), 60)
    promised = line(lazy("What they promised"), 300)
    promised_by = day(lazy("By"), help_text=lazy("A task to call back is made for this day."))
    hold_minutes = forms.IntegerField(label=lazy("Minutes on hold"), min_value=0, max_value=600, initial=0)
    talk_minutes = forms.IntegerField(label=lazy("Minutes talking"), min_value=0, max_value=600, initial=5)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("promised_by"):
            if data["promised_by"] < timezone.localdate():
                self.add_error("promised_by", _("This day is past."))
            if not data.get("promised") and "promised" not in self.errors:
                data["promised"] = _("Call back")
        return data


class EndForm(ActForm):
    ends_on = day(lazy("The approval ends on"))
    has_no_end = forms.BooleanField(label=lazy("The payer says that there is no end"), required=False)


class DecisionForm(ActForm):
    """All lines in one table, then the number and the dates that stand for all of them."""

    table = "referrals/_authorization_decision_table.html"
    DECISIONS: ClassVar = [c for c in AuthorizationLine.Decision.choices if c[0] != "pended"]
    authorization_number = line(lazy("Authorization number"), 60, help_text=lazy("Every approval has one."))
    starts_on = day(lazy("Starts"))
    ends_on = day(lazy("Ends"))
    has_no_end = forms.BooleanField(label=lazy("The payer says that there is no end"), required=False)
    reason = words(
        lazy("In the payer's words"), 2000, help_text=lazy("For a denial: exactly what the notice says.")
    )

    def __init__(
        self, *args: Any, authorization: PriorAuthorization, silence: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, authorization=authorization, **kwargs)
        self.lines = list(authorization.lines.all())
        for one in self.lines:
            self._add_line(one, silence)
        if silence:
            self.fields["reason"].initial = _("No decision by the payer's deadline.")

    def _add_line(self, one: AuthorizationLine, silence: bool) -> None:
        n = one.number
        made: dict[str, forms.Field] = {
            f"decision_{n}": forms.ChoiceField(
                label=_("Decision"),
                choices=self.DECISIONS,
                required=False,
                initial="denied" if silence else one.decision or self.first_decision(),
            ),
            f"units_{n}": forms.IntegerField(
                label=_("Units"),
                min_value=0,
                max_value=9999,
                required=False,
                initial=one.units_requested if one.units_approved is None else one.units_approved,
            ),
            f"starts_{n}": day(_("Starts")),
            f"ends_{n}": day(_("Ends")),
            f"reason_{n}": line(_("Reason"), 500),
        }
        for name, field in made.items():
            field.in_table = True  # type: ignore[attr-defined]
            kind = "select" if isinstance(field, forms.ChoiceField) else "input"
            field.widget.attrs |= {"class": kind, "aria-label": f"{field.label}, {one.service_code}"}
            self.fields[name] = field

    def first_decision(self) -> str:
        return "approved"

    @property
    def rows(self) -> list[tuple[AuthorizationLine, list[forms.BoundField]]]:
        names = ("decision", "units", "starts", "ends", "reason")
        return [(one, [self[f"{name}_{one.number}"] for name in names]) for one in self.lines]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for one in self.lines:
            since, until = data.get(f"starts_{one.number}"), data.get(f"ends_{one.number}")
            if since and until and until < since:
                self.add_error(f"ends_{one.number}", _("This day is before the first one."))
        if data.get("starts_on") and data.get("ends_on") and data["ends_on"] < data["starts_on"]:
            self.add_error("ends_on", _("This day is before the first one."))
        denied = [one for one in self.lines if data.get(f"decision_{one.number}") == "denied"]
        for one in denied:
            if not data.get(f"reason_{one.number}") and not data.get("reason"):
                self.add_error(f"reason_{one.number}", _("Enter the payer's exact reason."))
        return data

    def decisions(self) -> dict[int, dict[str, Any]]:
        data, said = self.cleaned_data, {}
        for one in self.lines:
            n = one.number
            answer = {"decision": data[f"decision_{n}"], "reason": data[f"reason_{n}"] or ""}
            if answer["decision"] in ("approved", "modified"):
                answer |= {
                    "units_approved": data[f"units_{n}"],
                    "starts_on": data[f"starts_{n}"],
                    "ends_on": data[f"ends_{n}"],
                }
                if answer["units_approved"] not in (None, one.units_requested):
                    answer["decision"] = "modified"
            elif answer["decision"] == "denied" and not answer["reason"]:
                answer["reason"] = data["reason"]
            said[n] = answer
        return said

    def typed(self) -> dict[str, Any]:
        data = self.cleaned_data
        header = {name: data[name] for name in ("starts_on", "ends_on") if data[name]}
        if data["authorization_number"]:
            header["authorization_number"] = data["authorization_number"]
        return {
            "decisions": self.decisions(),
            "reason": data["reason"],
            "has_no_end": data["has_no_end"],
            **header,
        }


class ReviseForm(DecisionForm):
    """A revision or extension under the same number; what stays as it was keeps its version."""

    def __init__(self, *args: Any, authorization: PriorAuthorization, **kwargs: Any) -> None:
        super().__init__(*args, authorization=authorization, **kwargs)
        self.fields["reason"].required = True
        self.fields["reason"].label = _("What the payer changed")
        self.fields["reason"].help_text = ""
        self.fields["authorization_number"].initial = authorization.authorization_number
        self.fields["starts_on"].initial = authorization.starts_on
        self.fields["ends_on"].initial = authorization.ends_on
        self.fields["has_no_end"].initial = authorization.has_no_end
        for one in self.lines:
            self.fields[f"starts_{one.number}"].initial = one.starts_on
            self.fields[f"ends_{one.number}"].initial = one.ends_on
            self.fields[f"reason_{one.number}"].initial = one.reason


class AttachForm(forms.Form):
    """A document that is there, or a file that is kept as one; or why the paper is not needed."""

    document = forms.ModelChoiceField(
        label=lazy("A document of this patient"), queryset=Document.objects.none(), required=False
    )
    files: Any = SeveralFiles(
        label=lazy("Or a file"), required=False, widget=SeveralFilesInput(attrs={"accept": ACCEPT})
    )
    reason = line(lazy("Or why it is not needed"), 300)

    def __init__(self, *args: Any, user: User, authorization: PriorAuthorization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["document"]
        mine = Document.objects.visible_to(user).filter(patient=authorization.patient_id)
        field.queryset = mine.standing().for_lists().newest_first()
        field.label_from_instance = document_words

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        given = [name for name in ("document", "files", "reason") if data.get(name)]
        if len(given) != 1 and not self.errors:
            raise forms.ValidationError(_("Choose one: a document, a file, or why the paper is not needed."))
        return data


def document_words(document: Document) -> str:
    from coordinator.wording import day as day_words

    return f"{document.title}, {day_words(document.received_on or document.created_at)}"


STEP_FORMS: dict[str, type[ActForm]] = {
    "submit": SubmitForm,
    "pend": PendForm,
    "return": ReturnForm,
    "withdraw": ReasonForm,
    "cancel": ReasonForm,
    "record_payer_cancel": ReasonForm,
    "enter_in_error": ReasonForm,
}
FIRST: dict[str, str] = {
    S.REQUIREMENT_UNKNOWN: "requirement",
    S.REQUIRED: "gather",
    S.GATHERING: "submit",
    S.READY: "submit",
    S.SUBMITTED: "decide",
    S.CONTACT_PAYER: "call",
    S.RETURNED: "submit",
}
