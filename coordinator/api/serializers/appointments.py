"""Appointments and free times."""

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
    Visible,
    words,
)
from coordinator.api.selectors import bookable
from scheduling.models import Appointment
from scheduling.workflow import CancelledBy, Status

ROW = (
    "id", "site", "patient", "practitioner", "room", "service", "start", "end", "zone", "time_known", "status",
    "priority", "reason", "must_be_by", "is_outside", "place", "cancelled_by", "override_reason", "replaces",
    "referral", "authorization", "booked_at", "confirmed_at", "version", "created_at", "updated_at",
)  # fmt: skip
LONGEST_SEARCH = 62  # days


class AppointmentRow(Shape):
    class Meta:
        model = Appointment
        fields = ROW


class AppointmentDetail(Shape):
    steps = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Steps that are possible from this status."
    )

    class Meta:
        model = Appointment
        fields = (*ROW, "steps")


class AppointmentWrite(Strict):
    """`start` is an instant; the visit lasts the service's minutes unless `minutes` says otherwise."""

    patient = serializers.UUIDField()
    service = serializers.UUIDField()
    site = OwnSite()
    start = Instant()
    practitioner = serializers.UUIDField(required=False, allow_null=True)
    room = serializers.UUIDField(required=False, allow_null=True)
    minutes = serializers.IntegerField(required=False, allow_null=True, min_value=5, max_value=600)
    reason = words(required=False, max_length=250)
    priority = serializers.ChoiceField([("routine", "Routine"), ("urgent", "Urgent")], required=False)
    must_be_by = Day(required=False, allow_null=True)
    place = words(required=False, max_length=200, help_text="Where, for a visit elsewhere.")
    referral = serializers.UUIDField(required=False, allow_null=True)
    authorization = serializers.UUIDField(required=False, allow_null=True)
    override_reason = words(
        required=False, max_length=250, help_text="Books all the same where a 409 said `needs_reason: true`."
    )


class AppointmentFilters(Filters):
    site = serializers.UUIDField(required=False)
    practitioner = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    service = serializers.UUIDField(required=False)
    status = Several(choices=Status.choices, required=False)
    updated_since = Instant(required=False)

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of Python's, so these two cannot be written as attributes.
        return {
            **super().get_fields(),
            "from": Instant(required=False, help_text="Starts at this instant or later."),
            "to": Instant(required=False, help_text="Starts before this instant."),
        }


class FreeTimeFilters(Filters):
    PAGING = ()
    NEEDED = True
    service = serializers.UUIDField()
    site = OwnSite()
    practitioner = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False, help_text="Marks times at which the patient is busy.")
    minutes = serializers.IntegerField(required=False, min_value=5, max_value=600)
    limit = serializers.IntegerField(required=False, default=200, min_value=1, max_value=1000)

    def get_fields(self) -> dict[str, Any]:
        return {
            **super().get_fields(),
            "from": Day(help_text="First local day of the site."),
            "to": Day(
                required=False, help_text="Last local day, at most 62 days on. The first, when not given."
            ),
        }


class FreeTime(serializers.Serializer):
    start = serializers.DateTimeField(read_only=True)
    end = serializers.DateTimeField(read_only=True)
    practitioner = serializers.UUIDField(read_only=True)
    practitioner_name = serializers.CharField(read_only=True)
    patient_is_busy = serializers.BooleanField(read_only=True)


class FreeTimes(serializers.Serializer):
    results = FreeTime(many=True, read_only=True)
    total = serializers.IntegerField(read_only=True, help_text="Free times in all, shown or not.")


class Moved(Strict):
    start = Instant()
    reason = words()
    practitioner = Visible(bookable, required=False, allow_null=True)
    room = serializers.UUIDField(required=False, allow_null=True)
    override_reason = words(required=False, max_length=250)
    patient_agreed = serializers.BooleanField(
        required=False,
        default=False,
        help_text="The patient agreed to this time. Otherwise a task asks to tell them; moving sends no message.",
    )


class Cancelled(Strict):
    cancelled_by = serializers.ChoiceField(CancelledBy.choices)
    reason = words()


class Missed(Strict):
    reason = words(required=False, help_text="For a visit elsewhere: who told you.")


class Corrected(Strict):
    """What the visit marked as missed really was."""

    to = serializers.ChoiceField(["booked", "fulfilled", "cancelled"])
    reason = words()
    cancelled_by = serializers.ChoiceField(CancelledBy.choices, required=False)
