"""What people type about referrals: parsing and field rules. Services write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Organization, Practitioner, User
from coordinator.fields import PhoneField
from patients.models import Problem
from referrals.forms.days import check_year
from referrals.kinds import kind_of
from referrals.models import Practice, Referral
from referrals.selectors.referrals import STAGES
from referrals.services.recipients import NAMES, TYPED

CHANNELS = [
    ("fax", _("Fax")),
    ("email", _("E-mail through a secure link")),
    ("portal", _("Portal")),
    ("phone", _("Phone")),
    ("mail", _("Mail")),
]


class ReferralForm(forms.ModelForm):
    """What is asked. The kind is chosen above the form and gives its fields their words."""

    duplicate_reason = forms.CharField(label=_("Why another one?"), max_length=250, required=False)
    recipient_name = forms.CharField(
        label=_("Or its name, typed by hand"), max_length=200, required=False, strip=True
    )
    recipient_phone = PhoneField(label=_("Its phone"), required=False)
    recipient_fax = PhoneField(label=_("Its fax"), required=False)

    class Meta:
        model = Referral
        fields = [
            "category",
            "specialty",
            "service",
            "reason",
            "clinical_question",
            "problem",
            "urgency",
            "requested_by_on",
            "requester",
            "practice",
            "recipient_organization",
        ]
        labels = {
            "specialty": _("Specialty"),
            "service": _("Service"),
            "reason": _("Reason"),
            "clinical_question": _("Clinical question"),
            "problem": _("Problem"),
            "urgency": _("Urgency"),
            "requested_by_on": _("To be seen by"),
            "requester": _("Requesting provider"),
            "practice": _("Recipient"),
            "recipient_organization": _("An organization we know"),
            "category": _("Kind"),
        }
        widgets = {
            "category": forms.HiddenInput,
            "clinical_question": forms.Textarea(attrs={"rows": 3}),
            "requested_by_on": forms.DateInput(attrs={"type": "date"}),
            "urgency": forms.RadioSelect,
        }

    def __init__(self, *args: Any, user: User, patient: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = kind_of(self["category"].value())
        words: dict[str, Any] = {
            "specialty": kind.specialty,
            "service": kind.service,
            "clinical_question": kind.question,
        }
        for name, label in words.items():
            self.fields[name].label = label
        self.fields[kind.asks].help_text = _("Needed before it is sent.")
        choices: dict[str, Any] = {
            "problem": Problem.objects.visible_to(user).filter(patient=patient, status="active"),
            "requester": Practitioner.objects.visible_to(user).filter(site__in=user.site_ids, is_active=True),
            "practice": Practice.objects.visible_to(user).offered(),
            # Those of the directory are chosen there.
            "recipient_organization": Organization.objects.visible_to(user).filter(
                is_active=True, practice__isnull=True
            ),
        }
        for name, queryset in choices.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]
        self.fields["problem"].label_from_instance = lambda problem: problem.name  # type: ignore[attr-defined]
        self.fields["urgency"].choices = Referral._meta.get_field("urgency").choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A number without a name belongs to nobody."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        typed = given.get("recipient_phone") or given.get("recipient_fax")
        if typed and not given.get("recipient_name") and not given.get("practice"):
            self.add_error("recipient_name", _("Type the name that goes with this number."))
        return given

    def clean_requested_by_on(self) -> Any:
        day = self.cleaned_data["requested_by_on"]
        if day and day < timezone.localdate() and day != self.instance.requested_by_on:
            raise forms.ValidationError(_("This day is past. Choose a day from today on."))
        if day and day != self.instance.requested_by_on:
            check_year(day)
        return day


class ReferralChangeForm(ReferralForm):
    """The same, for one that is written; `version` is the one on screen."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, instance: Referral, user: User, **kwargs: Any) -> None:
        self.typed_before = _typed_by_hand(instance, user)
        initial = {"version": instance.version, **self.typed_before}
        super().__init__(*args, instance=instance, user=user, initial=initial, **kwargs)
        del self.fields["duplicate_reason"]
        self.fields["category"].widget = forms.Select(choices=Referral.Category.choices)
        if instance.practice_id:  # chosen in the directory, or kept when that entry was retired since
            here: Any = self.fields["practice"]
            here.queryset = here.queryset | Practice.objects.visible_to(user).filter(pk=instance.practice_id)
            self.initial["recipient_organization"] = None
        elif instance.recipient_organization_id:  # the one it has stays, whatever became of it since
            other: Any = self.fields["recipient_organization"]
            other.queryset = other.queryset | Organization.objects.visible_to(user).filter(
                pk=instance.recipient_organization_id
            )
        known: Any = self.fields["problem"]
        if instance.problem_id and not known.queryset.filter(pk=instance.problem_id).exists():
            del self.fields["problem"]  # withheld from this person, or no longer active: it stays as it is

    def clean(self) -> dict[str, Any]:
        """Who was typed before stays as it was, until somebody types or chooses another."""
        given = super().clean()
        before, chosen = self.typed_before, given.get("recipient_organization")
        if not before or given.get("practice") or any(given.get(name) != was for name, was in before.items()):
            return given
        if chosen is not None and chosen.pk != self.instance.recipient_organization_id:
            return given | dict.fromkeys(before, "")
        return {name: value for name, value in given.items() if name not in NAMES}


def _typed_by_hand(referral: Referral, user: User) -> dict[str, str]:
    """Name and numbers of a recipient that the directory does not know; {} for any other one."""
    here = Practice.objects.visible_to(user).filter(organization=referral.recipient_organization_id)
    if referral.practice_id or (referral.recipient_organization_id and here.exists()):
        return {}
    return {name: getattr(referral, name) for name in TYPED} if referral.recipient_name else {}


class FilterForm(forms.Form):
    """The list's filters; every one has an address."""

    q = forms.CharField(required=False)
    state = forms.ChoiceField(
        label=_("Loop"), required=False, choices=[("", _("Open")), ("closed", _("Closed")), ("all", _("All"))]
    )
    stage = forms.ChoiceField(label=_("Stage"), required=False)
    due = forms.ChoiceField(
        label=_("Due"),
        required=False,
        choices=[("", _("Any")), ("overdue", _("Overdue")), ("soon", _("In 24 hours"))],
    )
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    urgency = forms.ChoiceField(
        label=_("Urgency"),
        required=False,
        choices=[
            ("", _("Any")),
            ("routine", _("Routine")),
            ("urgent", _("Urgent")),
            ("stat", _("Immediately")),
        ],
    )
    specialty = forms.ChoiceField(label=_("Specialty"), required=False)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, specialties: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stage: Any = self.fields["stage"]
        stage.choices = [("", _("Any")), *((name, words) for name, (words, _m, _s) in STAGES.items())]
        owner: Any = self.fields["owner"]
        colleagues = User.objects.visible_to(user).assignable()
        owner.choices = [
            ("", _("Anyone")),
            ("me", _("Me")),
            *((str(u.pk), u.name) for u in colleagues if u != user),
        ]
        specialty: Any = self.fields["specialty"]
        specialty.choices = [("", _("Any")), *((s, s) for s in specialties)]


class AssignForm(forms.Form):
    owner = forms.ModelChoiceField(label=_("New owner"), queryset=User.objects.none())

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = User.objects.visible_to(user).assignable()
