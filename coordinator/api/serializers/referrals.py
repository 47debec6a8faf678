"""Referrals."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from coordinator.api.fields import (
    Day,
    Filters,
    Instant,
    Several,
    Shape,
    Strict,
    StrictModel,
    Visible,
    VisibleUser,
    flag,
    words,
)
from coordinator.api.from_forms import asks
from coordinator.api.selectors import (
    colleagues,
    documents,
    organizations,
    patients,
    practices,
    practitioners,
    problems,
    referrals,
    teams,
)
from referrals.forms import loop
from referrals.forms.referrals import CHANNELS
from referrals.models import Referral, ReferralAttempt, ReferralMessage
from referrals.services.attempts import OUTCOMES
from referrals.workflow import HELPED, NOT_COMPLETED, CancelledBy, ReferralStatus

ROW = (
    "id", "reference", "site", "patient", "category", "specialty", "service", "reason", "urgency",
    "requested_by_on", "requester", "recipient_organization", "recipient", "status", "owner", "team", "next_step",
    "due_at", "stage_since", "loop_closed_at", "version", "created_at", "updated_at",
)  # fmt: skip
DETAIL = (
    *ROW, "practice", "recipient_name", "recipient_phone", "recipient_fax", "clinical_question", "problem", "sent_at", "received_at", "accepted_at", "scheduled_at", "seen_on",
    "report_received_at", "reviewed_at", "patient_told_at", "requester_told_at", "visit_at", "visit_place",
    "channel", "confirmed_by", "outcome_reason", "report", "report_is_critical", "refers_elsewhere", "replaces",
)  # fmt: skip
ENDINGS = [(value.value, value.label) for value in NOT_COMPLETED]
FACTS = ("review", "tell_patient", "tell_requester")


class ReferralRow(Shape):
    class Meta:
        model = Referral
        fields = ROW


ATTEMPT = ("id", "whom", "channel", "outcome", "reached", "person", "note", "at", "error_reason")
MESSAGE = ("id", "direction", "kind", "channel", "person", "body", "document", "at", "error_reason")


class AttemptShape(Shape):
    class Meta:
        model = ReferralAttempt
        fields = ATTEMPT


class MessageShape(Shape):
    class Meta:
        model = ReferralMessage
        fields = MESSAGE


class ReferralDetail(Shape):
    attempts = AttemptShape(many=True, read_only=True)
    messages = MessageShape(many=True, read_only=True)
    steps = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Steps that are possible from this status."
    )

    class Meta:
        model = Referral
        fields = (*DETAIL, "attempts", "messages", "steps")


class ReferralWrite(StrictModel):
    patient = Visible(patients)
    specialty = serializers.CharField(max_length=120)
    reason = serializers.CharField(max_length=500)
    clinical_question = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    requested_by_on = Day(
        required=False, allow_null=True, help_text="The day by which the patient should be seen."
    )
    problem = Visible(problems, required=False, allow_null=True)
    requester = Visible(practitioners, required=False, allow_null=True)
    practice = Visible(
        practices,
        required=False,
        allow_null=True,
        help_text="An entry of the directory: `recipients` ranks them.",
    )
    recipient_organization = Visible(organizations, required=False, allow_null=True)
    recipient = Visible(practitioners, required=False, allow_null=True)
    owner = VisibleUser(colleagues, required=False, allow_null=True)
    team = Visible(teams, required=False, allow_null=True)
    refers_elsewhere = Visible(
        referrals,
        required=False,
        allow_null=True,
        help_text="The one that ended and that this one goes on from.",
    )
    replaces = Visible(
        referrals,
        required=False,
        allow_null=True,
        help_text="The similar one that this takes the place of: it is withdrawn, or its recipient asked to cancel.",
    )
    duplicate_reason = words(
        required=False, max_length=250, help_text="Why another one, where a 409 named `similar` ones."
    )

    class Meta:
        model = Referral
        fields = (
            "patient", "category", "specialty", "service", "reason", "clinical_question", "problem", "urgency",
            "requested_by_on", "requester", "practice", "recipient_name", "recipient_phone", "recipient_fax",
            "recipient_organization", "recipient", "owner", "team", "refers_elsewhere", "replaces", "duplicate_reason",
        )  # fmt: skip
        validators: list[Any] = []

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        problem = given.get("problem")
        if problem is not None and problem.patient_id != given["patient"].pk:
            raise serializers.ValidationError({"problem": [Visible.default_error_messages["missing"]]})
        return given


class ReferralFilters(Filters):
    site = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    team = serializers.UUIDField(required=False)
    status = Several(choices=ReferralStatus.choices, required=False)
    urgency = Several(choices=Referral._meta.get_field("urgency").choices, required=False)
    specialty = serializers.CharField(required=False, max_length=120)
    loop_closed = flag(help_text="true: closed loops; false: open ones.")
    overdue = flag(help_text="true: open and past their date.")
    updated_since = Instant(required=False)


class Ready(Strict):
    """What the request still lacks; what it has already need not be sent again."""

    recipient_organization = Visible(organizations, required=False)
    service = words(required=False, max_length=160)
    clinical_question = serializers.CharField(required=False, max_length=20_000)


class MadeReady(Ready):
    reason = words(required=False, help_text="Needed while the authorization it waits for is not decided.")


class Sent(Ready):
    channel = serializers.ChoiceField(CHANNELS)


class Received(Strict):
    confirmed_by = serializers.CharField(max_length=120)


class Scheduled(Strict):
    visit_at = Instant()
    visit_place = words(required=False, max_length=200)


class Reopened(Scheduled):
    reason = words()


class NoShow(Strict):
    reason = words(required=False)


class VisitOff(Strict):
    cancelled_by = serializers.ChoiceField(CancelledBy.choices)
    reason = words()


class Confirmed(Strict):
    confirmed_by = words(required=False, max_length=120)


class Seen(Strict):
    seen_on = Day()


class ReportIn(Strict):
    report = Visible(documents, help_text="The report: a document of the same patient.")
    report_is_critical = serializers.BooleanField(required=False)
    seen_on = Day(required=False, allow_null=True)


class Helped(Strict):
    """For a social need: what came of it, and who said so."""

    outcome_reason = serializers.ChoiceField([(value.value, value.label) for value in HELPED])
    confirmed_by = words(max_length=120)


class Ended(Strict):
    reason = words()
    outcome_reason = serializers.ChoiceField(ENDINGS, required=False)


class Declined(Strict):
    outcome_reason = serializers.ChoiceField(ENDINGS)
    reason = words(help_text="In the recipient's words.")


class Assigned(Strict):
    owner = VisibleUser(colleagues)
    reason = words(required=False)


class FactWrite(Strict):
    fact = serializers.ChoiceField(FACTS)


class AttemptMade(asks(loop.AttemptForm)):  # type: ignore[misc]
    """One attempt to reach the recipient or the patient; three on three days before it may end unreached."""

    outcome = serializers.ChoiceField([(one.value, one.value) for one in OUTCOMES])


MessageKept = asks(loop.MessageForm, sources={"document": documents})


class AttemptInError(Strict):
    attempt = serializers.UUIDField()
    reason = words()


class MessageInError(Strict):
    message = serializers.UUIDField()
    reason = words()
