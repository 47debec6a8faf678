"""What people type about attempts, messages and telling the patient. Services write."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from careplans.models import ContactAttempt, Outcome
from coordinator.accounts.models import User
from patients.models import Document
from referrals.forms.days import moment
from referrals.models import Referral, ReferralAttempt, ReferralMessage
from referrals.rules.attempts import LETTER
from referrals.services.attempts import OUTCOMES

Channel = ContactAttempt.Channel


class ToldForm(forms.Form):
    """How the patient heard the outcome."""

    channel = forms.ChoiceField(label=_("How the patient heard it"), choices=Channel.choices)
    note = forms.CharField(
        label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )


class AttemptForm(forms.Form):
    """One attempt to reach the recipient or the patient."""

    whom = forms.ChoiceField(label=_("Whom"), choices=ReferralAttempt.Whom.choices)
    channel = forms.ChoiceField(label=_("How"), choices=Channel.choices)
    outcome = forms.ChoiceField(label=_("What came of it"), required=False)
    at = moment(_("When"), help_text=_("Empty: now."))
    who = forms.CharField(label=_("Who answered"), required=False, max_length=120)
    note = forms.CharField(
        label=_("Note"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        outcome: Any = self.fields["outcome"]
        outcome.choices = [("", _("Choose")), *((o.value, Outcome(o).label) for o in OUTCOMES)]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if not found.get("outcome") and found.get("channel") != LETTER:
            self.add_error("outcome", _("Choose what came of it."))
        return found


class MessageForm(forms.Form):
    """One message of the conversation."""

    direction = forms.ChoiceField(
        label=_("Which way"), choices=[("out", _("We sent it")), ("in", _("We received it"))]
    )
    kind = forms.ChoiceField(label=_("What it is"), choices=ReferralMessage.Kind.choices)
    channel = forms.ChoiceField(label=_("How"), choices=Channel.choices)
    who = forms.CharField(label=_("With whom"), required=False, max_length=120)
    body = forms.CharField(
        label=_("What was said"), max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )
    document = forms.ModelChoiceField(
        label=_("Document that came with it"), required=False, queryset=Document.objects.none()
    )

    def __init__(self, *args: Any, user: User, referral: Referral, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        papers: Any = self.fields["document"]
        mine = Document.objects.visible_to(user).filter(patient=referral.patient_id)
        papers.queryset = mine.standing().newest_first()
