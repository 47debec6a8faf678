"""What a step of a referral asks for: just the fields that it needs. Services write."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.models import Organization, User
from patients.models import Document
from referrals.forms.days import day, moment
from referrals.forms.referrals import CHANNELS
from referrals.kinds import kind_of
from referrals.models import Referral
from referrals.services.authorization_tasks import awaits_decision
from referrals.services.step_facts import check_is_its_visit
from referrals.visit_guard import Against, against_visit
from referrals.workflow import HELPED, NOT_COMPLETED, CancelledBy, ReferralStatus

FIELDS: dict[str, tuple[str, ...]] = {
    "make_ready": ("recipient_organization", "service", "clinical_question", "reason"),
    "send": ("recipient_organization", "service", "clinical_question", "channel"),
    "receive": ("confirmed_by",),
    "accept": ("confirmed_by",),
    "schedule": ("visit_at", "visit_place", "collision_reason"),
    "record_no_show": ("reason",),
    "cancel_visit": ("cancelled_by", "reason"),
    "see": ("seen_on",),
    "complete": ("report", "report_file", "seen_on", "report_is_critical"),
    "record_help": ("outcome_reason", "confirmed_by"),
    "decline": ("outcome_reason", "reason"),
    "withdraw": ("outcome_reason", "reason"),
    "request_cancel": ("outcome_reason", "reason"),
    "confirm_cancel": ("confirmed_by",),
    "cancel_without_reply": ("reason",),
    "record_send_failure": ("reason",),
    "reopen": ("reason",),
    "reopen_for_visit": ("visit_at", "visit_place", "reason", "collision_reason"),
    "enter_in_error": ("reason",),
}
# Fields of a step that may stay empty.
MAY_BE_EMPTY = {
    "accept": {"confirmed_by"},
    "confirm_cancel": {"confirmed_by"},
    "schedule": {"visit_place", "collision_reason"},
    "reopen_for_visit": {"visit_place", "collision_reason"},
    "record_no_show": {"reason"},
    "complete": {"report", "report_file", "seen_on", "report_is_critical"},
    "withdraw": {"outcome_reason"},
    "request_cancel": {"outcome_reason"},
}
EARLIER = ("send", "make_ready")  # these ask for what the request still lacks


class StepForm(forms.Form):
    """One step; `step` is part of the address."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    outcome_reason = forms.ChoiceField(label=_("Outcome"))
    channel = forms.ChoiceField(label=_("How it was sent"), choices=CHANNELS)
    confirmed_by = forms.CharField(label=_("Who confirmed"), max_length=120)
    cancelled_by = forms.ChoiceField(label=_("Who called it off"), choices=CancelledBy.choices)
    visit_at = moment(_("Visit date and time"))
    visit_place = forms.CharField(
        label=_("Place"), max_length=200, help_text=_("Empty: at the recipient’s own place.")
    )
    collision_reason = forms.CharField(
        label=_("Why this date all the same"),
        max_length=250,
        help_text=_("Kept with the date. Empty while you choose another one."),
    )
    recipient_organization = forms.ModelChoiceField(
        label=_("Recipient"), queryset=Organization.objects.none()
    )
    service = forms.CharField(label=_("Service"), max_length=160)
    clinical_question = forms.CharField(
        label=_("Clinical question"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    seen_on = day(_("Seen on"))
    report = forms.ModelChoiceField(
        label=_("The report, from the patient’s documents"),
        queryset=Document.objects.none(),
        empty_label=_("Choose, or add its file below"),
    )
    report_file = forms.FileField(label=_("Or its file"))
    report_is_critical = forms.BooleanField(label=_("Critical: the requester reviews it the same day"))

    def __init__(self, *args: Any, step: str, user: User, referral: Referral, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wanted = [name for name in FIELDS.get(step, ()) if not _is_known(referral, step, name)]
        optional = MAY_BE_EMPTY.get(step, set())
        for name in set(self.fields) - set(wanted):
            del self.fields[name]
        self.order_fields(wanted)
        for name, field in self.fields.items():
            field.required = name not in optional
        self.referral = referral
        self.collision: Against | None = None
        # Asked for only once a date collides.
        self.answer = self.fields.get("collision_reason")
        if self.answer is not None and not self.data.get(self.add_prefix("collision_reason")):
            del self.fields["collision_reason"]
        if "channel" in self.fields and referral.practice is not None:
            self.initial.setdefault("channel", referral.practice.channel)
        self._offer(step, user, referral)

    def _offer(self, step: str, user: User, referral: Referral) -> None:
        """Choices and words that depend on the referral."""
        fields: dict[str, Any] = self.fields
        if "recipient_organization" in fields:
            organizations = Organization.objects.visible_to(user).filter(is_active=True)
            fields["recipient_organization"].queryset = organizations
        if "report" in fields:
            papers = Document.objects.visible_to(user).filter(patient=referral.patient_id).standing()
            fields["report"].queryset = papers.exclude(kind="packet").newest_first()
        if "outcome_reason" in fields:
            values = HELPED if step == "record_help" else NOT_COMPLETED
            fields["outcome_reason"].choices = [("", "—"), *((v.value, v.label) for v in values)]
        kind = kind_of(referral.category)
        for name, label in (("service", kind.service), ("clinical_question", kind.question)):
            if name in fields:
                fields[name].label = label
        if step == "decline":
            fields["reason"].label = _("In the recipient's words")
            fields["outcome_reason"].label = _("Reason")
        if step == "send" and not referral.packets.exists():
            fields["channel"].help_text = _(
                "No packet was made here. Record only what already went out another way; else go back and make it."
            )
        if step == "make_ready" and "reason" in fields:
            fields["reason"].label = _("Why it goes on before the authorization is there")
        if step in ("reopen", "reopen_for_visit"):
            fields["reason"].label = _("Why it is opened again")

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        both_missing = "report" in self.fields and not found.get("report") and not found.get("report_file")
        if both_missing and not self.errors:
            self.add_error("report", _("Choose the report, or add its file."))
        self._ask_about_collision(found)
        return found

    def _ask_about_collision(self, found: dict[str, Any]) -> None:
        """A date that no authorization covers is saved with a reason only; `collision` says what else can be done."""
        if self.answer is None or not found.get("visit_at") or found.get("collision_reason"):
            return
        try:
            on = timezone.localdate(found["visit_at"], self.referral.site.tzinfo)
            check_is_its_visit(self.referral, "visit_at", on)
        except forms.ValidationError as why:
            self.add_error(None, why)
            return
        self.collision = against_visit(self.referral, found["visit_at"], timezone.now())
        if self.collision is not None:
            self.fields["collision_reason"] = self.answer
            self.add_error("visit_at", self.collision.text)


def _is_known(referral: Referral, step: str, name: str) -> bool:
    """Not asked again: the recipient once chosen, what this kind does not need, a visit day that is recorded."""
    if name == "recipient_organization":
        return referral.has_recipient
    if name in ("service", "clinical_question") and step in EARLIER:
        return kind_of(referral.category).asks != name or bool(getattr(referral, name))
    if (step, name) == ("make_ready", "reason"):
        return referral.status != ReferralStatus.AWAITING_AUTHORIZATION or not awaits_decision(referral)
    return step == "complete" and name == "seen_on" and referral.seen_on is not None
