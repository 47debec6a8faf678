"""Providers who are away with the visits to move, and the visits of a day that were missed."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from coordinator.api import selectors
from coordinator.api.fields import Day, Filters, Instant, OwnSite, Shape, Strict, Visible, words
from scheduling.models import Block
from scheduling.selectors.missed import MISSED, REBOOKED, TO_MARK

AWAY = ("id", "site", "practitioner", "starts_at", "ends_at", "reason", "created_at")
MOST_MOVES = 200


class AwayRow(Shape):
    class Meta:
        model = Block
        fields = AWAY


class AwayWrite(Strict):
    """The provider takes no visits then, at any site. What is booked stays until somebody moves it."""

    practitioner = Visible(selectors.bookable)
    site = OwnSite()
    starts_at = Instant()
    ends_at = Instant()
    reason = words(max_length=120)


class AwayFilters(Filters):
    site = serializers.UUIDField(required=False)
    practitioner = serializers.UUIDField(required=False)


class Choice(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    practitioner = serializers.UUIDField()
    practitioner_name = serializers.CharField()
    is_late = serializers.BooleanField(help_text="After what still serves.")


class ToMove(serializers.Serializer):
    appointment = serializers.UUIDField()
    patient = serializers.UUIDField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it stands where it does.")
    choices = Choice(many=True, help_text="Free times, best first; no two visits are proposed the same one.")


class AwayDetail(Shape):
    """`visits` are to be moved, most urgent first."""

    visits = ToMove(many=True, read_only=True)
    more = serializers.IntegerField(read_only=True, help_text="Less urgent ones that are not listed.")
    has_hidden = serializers.BooleanField(
        read_only=True, help_text="There are visits that this client may not see."
    )

    class Meta:
        model = Block
        fields = (*AWAY, "visits", "more", "has_hidden")


class Move(Strict):
    appointment = Visible(selectors.appointments)
    start = Instant()
    practitioner = Visible(selectors.bookable)


class Moves(Strict):
    moves = Move(many=True, max_length=MOST_MOVES)  # type: ignore[call-arg]


class MoveResult(serializers.Serializer):
    appointment = serializers.UUIDField()
    done = serializers.BooleanField()
    detail = serializers.CharField(allow_blank=True, help_text="Why it was not moved.")
    replaced_by = serializers.UUIDField(allow_null=True)


class MoveResults(serializers.Serializer):
    results = MoveResult(many=True)


class MissedFilters(Filters):
    PAGING = ()
    NEEDED = True
    site = OwnSite()

    def get_fields(self) -> dict[str, Any]:
        day = Day(required=False, help_text="Local day of the site. The last open one, when not given.")
        return {**super().get_fields(), "date": day}


class MissedRow(serializers.Serializer):
    appointment = serializers.UUIDField()
    patient = serializers.UUIDField()
    practitioner = serializers.UUIDField(allow_null=True)
    service = serializers.UUIDField()
    start = serializers.DateTimeField()
    status = serializers.CharField()
    state = serializers.ChoiceField([MISSED, TO_MARK, REBOOKED])
    replaced_by = serializers.UUIDField(allow_null=True)
    task = serializers.UUIDField(allow_null=True, help_text="The follow-up that is open.")
    steps = serializers.ListField(
        child=serializers.CharField(), help_text="Steps of the appointment that make sense now."
    )


class MissedList(serializers.Serializer):
    date = serializers.DateField()
    results = MissedRow(many=True)
