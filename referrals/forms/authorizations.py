"""What people type about a prior authorization: parsing and field rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.accounts.models import User
from patients.models import Coverage
from referrals.forms.days import day
from referrals.models import AuthorizationLine, Payer, PriorAuthorization, Referral
from referrals.selectors.authorizations import STAGES, coverage_and_payer, payer_named

CHANNELS = [
    ("portal", lazy("Payer's portal")),
    ("fax", lazy("Fax")),
    ("phone", lazy("Phone")),
    ("electronic", lazy("Electronic (278 or PAS)")),
    ("mail", lazy("Mail")),
]


def line(label: Any, limit: int, *, required: bool = False, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, max_length=limit, required=required, widget=widget, **options)


def words(
    label: Any, limit: int, *, required: bool = False, rows: int = 2, **options: Any
) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, max_length=limit, required=required, widget=widget, **options)


class HeaderForm(forms.ModelForm):
    """What is asked for, from whom, and how soon."""

    # Asked only when the coverage names another payer: some insurers have somebody else decide.
    decides_for = forms.BooleanField(
        label=lazy("This payer decides for the insurer of the coverage"), required=False
    )

    class Meta:
        model = PriorAuthorization
        fields = [
            "service",
            "kind",
            "coverage",
            "payer",
            "urgency",
            "urgency_reason",
            "referral",
            "reference_number",
        ]
        labels = {
            "service": lazy("What is asked for"),
            "kind": lazy("Kind"),
            "coverage": lazy("Coverage"),
            "payer": lazy("Payer"),
            "urgency": lazy("Urgency"),
            "urgency_reason": lazy("Why it cannot wait"),
            "referral": lazy("For the referral"),
            "reference_number": lazy("Our reference number"),
        }
        help_texts = {
            "urgency_reason": lazy(
                "Only for expedited: what waiting could do to the patient's life, health or function."
            ),
            "service": lazy("In plain words, for example: echocardiogram"),
        }
        widgets = {
            "kind": forms.RadioSelect,
            "urgency": forms.RadioSelect,
            "urgency_reason": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, user: User, patient: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: dict[str, Any] = {
            "coverage": Coverage.objects.visible_to(user).filter(patient=patient, status="active"),
            "referral": Referral.objects.visible_to(user).filter(patient=patient),
            "payer": Payer.objects.filter(is_active=True).order_by("name"),
        }
        for name, queryset in chosen.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]
        self.fields["coverage"].label_from_instance = coverage_words  # type: ignore[attr-defined]
        self.fields["referral"].label_from_instance = lambda r: f"{r.reference}, {r.specialty}"  # type: ignore[attr-defined]
        for name in ("kind", "urgency"):
            self.fields[name].choices = PriorAuthorization._meta.get_field(name).choices  # type: ignore[attr-defined]
        self.decides = self.fields.get("decides_for")
        if not self.data.get(self.add_prefix("decides_for")):
            del self.fields["decides_for"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self._compare_payers(data)
        if data.get("urgency") == "expedited" and not data.get("urgency_reason"):
            text = _(
                "Say why it cannot wait: what would waiting do to the patient's life, health or function?"
            )
            self.add_error("urgency_reason", text)
        return data

    def _compare_payers(self, data: dict[str, Any]) -> None:
        coverage, payer, decides = data.get("coverage"), data.get("payer"), data.pop("decides_for", False)
        if coverage is None or payer is None or decides:
            return
        insurer = payer_named(coverage.payer_name)
        if insurer is not None and insurer != payer:
            assert self.decides is not None
            self.fields["decides_for"] = self.decides
            words = {"insurer": insurer.name}
            self.add_error(
                "payer",
                _("The coverage is with %(insurer)s. Choose that payer, or tick below why not.") % words,
            )

    def _post_clean(self) -> None:
        """The instance stays as it is: the service writes, and compares with what is stored."""


def coverage_words(coverage: Coverage) -> str:
    parts = (coverage.payer_name, coverage.plan_name, coverage.member_id)
    return " · ".join(part for part in parts if part)


class AuthorizationForm(HeaderForm):
    """A new request, with its first service line."""

    service_code = line(lazy("Service code"), 20, help_text=lazy("CPT, HCPCS or NDC"))
    units = forms.IntegerField(label=lazy("Units"), min_value=1, max_value=9999, required=False, initial=1)
    unit_kind = forms.ChoiceField(
        label=lazy("Counted in"), choices=AuthorizationLine._meta.get_field("unit_kind").choices
    )
    asked_from = day(lazy("From"))
    asked_until = day(lazy("Until"))
    duplicate_reason = line(lazy("Why another one?"), 250)

    field_order = ("service", "service_code", "units", "unit_kind", "asked_from", "asked_until", "kind")

    def __init__(
        self, *args: Any, user: User, patient: Any, referral: Referral | None = None, **kwargs: Any
    ) -> None:
        coverage, payer = coverage_and_payer(user, patient)
        proposed: dict[str, Any] = {
            "coverage": coverage,
            "payer": payer,
            "urgency": "standard",
            "kind": "service",
        }
        if referral is not None:
            proposed |= {"referral": referral, "service": referral.service or referral.specialty}
        super().__init__(*args, user=user, patient=patient, initial=proposed, **kwargs)
        self.fields["unit_kind"].required = False

    LINE = ("service_code", "units", "unit_kind", "asked_from", "asked_until")

    def header(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name not in self.LINE}

    def line(self) -> dict[str, Any] | None:
        """The first line; None when no code was typed."""
        typed = {name: self.cleaned_data[name] for name in self.LINE if self.cleaned_data[name]}
        return typed if typed.get("service_code") else None

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        meant = data.get("asked_from") or data.get("asked_until") or data.get("units") not in (None, 1)
        if meant and not data.get("service_code") and "service_code" not in self.errors:
            self.add_error(
                "service_code", _("Give the code that these units or dates are for, or leave them for later.")
            )
        since, until = data.get("asked_from"), data.get("asked_until")
        if since and until and until < since:
            self.add_error("asked_until", _("This day is before the first one."))
        return data


class HeaderChangeForm(HeaderForm):
    """The same, for one that is written; `version` is the one on screen."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, authorization: PriorAuthorization, **kwargs: Any) -> None:
        kwargs |= {"patient": authorization.patient, "initial": {"version": authorization.version}}
        super().__init__(*args, instance=authorization, **kwargs)
        for name in ("coverage", "referral", "payer"):
            self._keep(name, getattr(authorization, f"{name}_id"))

    def _keep(self, name: str, key: Any) -> None:
        """What is no longer offered, or withheld from this person, stays as it is."""
        known: Any = self.fields[name]
        if key and not known.queryset.filter(pk=key).exists():
            del self.fields[name]


class FilterForm(forms.Form):
    """The list's filters; every one has an address."""

    q = forms.CharField(required=False)
    state = forms.ChoiceField(
        label=lazy("Show"),
        required=False,
        choices=[("", lazy("Open")), ("ended", lazy("Ended")), ("all", lazy("All"))],
    )
    stage = forms.ChoiceField(label=lazy("Stage"), required=False)
    due = forms.ChoiceField(
        label=lazy("Due"),
        required=False,
        choices=[
            ("", lazy("Any")),
            ("overdue", lazy("Overdue")),
            ("soon", lazy("In 48 hours")),
            ("payer", lazy("Payer overdue")),
        ],
    )
    owner = forms.ChoiceField(label=lazy("Owner"), required=False)
    urgency = forms.ChoiceField(
        label=lazy("Urgency"),
        required=False,
        choices=[("", lazy("Any")), ("standard", lazy("Standard")), ("expedited", lazy("Expedited"))],
    )
    kind = forms.ChoiceField(
        label=lazy("Kind"),
        required=False,
        choices=[("", lazy("Any")), ("service", lazy("Service")), ("medicine", lazy("Medicine"))],
    )
    payer = forms.ChoiceField(label=lazy("Payer"), required=False)
    patient = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stage: Any = self.fields["stage"]
        stage.choices = [("", _("Any")), *((name, text) for name, (text, _m, _s) in STAGES.items())]
        owner: Any = self.fields["owner"]
        colleagues = User.objects.visible_to(user).assignable()
        owner.choices = [
            ("", _("Anyone")),
            ("me", _("Me")),
            *((str(u.pk), u.name) for u in colleagues if u != user),
        ]
        payer: Any = self.fields["payer"]
        payer.choices = [("", _("Any")), *((str(p.pk), p.name) for p in Payer.objects.order_by("name"))]


def now_local() -> Any:
    return timezone.localtime().replace(second=0, microsecond=0)
