"""Patients and how to reach them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from coordinator.api.fields import (
    Day,
    Filters,
    Instant,
    OwnSite,
    Several,
    Shape,
    Strict,
    StrictModel,
    Visible,
    VisibleUser,
    words,
)
from coordinator.api.selectors import colleagues, practitioners
from patients.models import ContactPoint, ContactWarning, Patient, PatientIdentifier, PatientStatus, Tier
from patients.services.patients import EDITABLE

ROW = (
    "id", "site", "status", "mrn", "family_name", "given_name", "middle_name", "preferred_name", "birth_date",
    "sex", "language", "interpreter_needed", "tier", "coordinator", "primary_care", "deceased_on", "version",
    "created_at", "updated_at",
)  # fmt: skip
DETAIL = (
    *ROW, "prefix", "suffix", "former_family_name", "gender_identity", "pronouns", "time_zone",
    "best_time_to_call", "address_line", "city", "state", "postal_code", "country", "allergy_status",
)  # fmt: skip
POINT = (
    "id", "kind", "use", "value", "normalized", "owner_name", "owner_relationship", "rank", "ok_to_message",
    "ok_to_leave_voicemail", "permission_source", "permission_at", "opted_out_at", "failing_since", "ended_at",
    "version",
)  # fmt: skip
POINT_SETTABLE = (
    "kind", "value", "use", "owner_name", "owner_relationship", "rank", "ok_to_message", "ok_to_leave_voicemail",
    "permission_source",
)  # fmt: skip
WARNING = ("id", "kind", "contact_point", "calls_from", "calls_until", "text", "is_sensitive")
IDENTIFIER = ("id", "kind", "system", "value")
MOST_POINTS = 20


class PatientRow(Shape):
    class Meta:
        model = Patient
        fields = ROW


class ContactPointShape(Shape):
    class Meta:
        model = ContactPoint
        fields = POINT


class IdentifierShape(Shape):
    class Meta:
        model = PatientIdentifier
        fields = IDENTIFIER


class ContactWarningShape(Shape):
    """A wish about being contacted. The words of a sensitive one stay in the record."""

    class Meta:
        model = ContactWarning
        fields = WARNING


class PatientDetail(Shape):
    identifiers = IdentifierShape(many=True, read_only=True)
    contact_points = ContactPointShape(many=True, read_only=True)
    contact_warnings = ContactWarningShape(many=True, read_only=True)
    steps = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Steps that are possible from this status."
    )

    class Meta:
        model = Patient
        fields = (*DETAIL, "identifiers", "contact_points", "contact_warnings", "steps")


class ContactPointWrite(StrictModel):
    class Meta:
        model = ContactPoint
        fields = POINT_SETTABLE
        validators: list[Any] = []
        extra_kwargs = {"rank": {"min_value": 1, "max_value": 99}}


class PatientChange(StrictModel):
    birth_date = Day(required=False, allow_null=True)
    primary_care = Visible(practitioners, required=False, allow_null=True)
    tier = serializers.ChoiceField(Tier.choices, required=False)

    class Meta:
        model = Patient
        fields = EDITABLE
        validators: list[Any] = []
        extra_kwargs = {
            "family_name": {"required": False, "allow_blank": True},
            "time_zone": {"validators": []},
        }


class PatientWrite(PatientChange):
    site = OwnSite()
    mrn = serializers.CharField(
        max_length=40, required=False, help_text="Without one, the clinic's next number is given."
    )
    contact_points = ContactPointWrite(many=True, required=False, max_length=MOST_POINTS)  # type: ignore[call-arg]
    coordinator = VisibleUser(colleagues, required=False, allow_null=True)

    class Meta(PatientChange.Meta):
        fields = (*EDITABLE, "site", "mrn", "contact_points", "coordinator")  # type: ignore[assignment]


class PatientFilters(Filters):
    site = serializers.UUIDField(required=False)
    status = Several(choices=PatientStatus.choices, required=False)
    coordinator = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    mrn = serializers.CharField(required=False, max_length=40, help_text="The whole number, in any case.")
    identifier = serializers.CharField(
        required=False, max_length=120, help_text="Any other number of the patient, whole, in any case."
    )
    updated_since = Instant(required=False)


class PatientSearch(Strict):
    q = serializers.CharField(
        max_length=200,
        help_text="Name parts in any order, a birth date, the last digits of a phone, MRN, member number.",
    )
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=50)


class PatientFound(serializers.Serializer):
    results = PatientRow(many=True, read_only=True)
    near = serializers.BooleanField(
        read_only=True, help_text="Nothing matched; these names are only similar."
    )
    more = serializers.BooleanField(read_only=True, help_text="There are others: type more.")


class NoInput(Strict):
    """A step that needs nothing."""


class WithReason(Strict):
    reason = words(max_length=2000)


class Died(Strict):
    died_on = Day()
    reason = words(required=False, max_length=2000)


class LeadBy(Strict):
    coordinator = VisibleUser(colleagues, allow_null=True)
    reason = words(required=False, max_length=2000)
