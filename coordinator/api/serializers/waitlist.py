"""The waitlist: who waits, which time was offered to whom, and the times that are free again."""

from __future__ import annotations

from rest_framework import serializers

from coordinator.api import selectors
from coordinator.api.fields import Day, Filters, Instant, OwnSite, Several, Strict, Visible, words
from scheduling.models import PartOfDay, WaitlistEntry
from scheduling.waitlist_workflow import EntryStatus, OfferStatus

ENTRY = (
    "id", "site", "patient", "service", "practitioner", "earliest_on", "latest_on", "weekdays", "part_of_day",
    "priority", "since", "note", "status", "appointment", "version", "created_at", "updated_at",
)  # fmt: skip
OFFERED = ("id", "practitioner", "start", "end", "offered_at", "answer_by", "answered_at", "status")
OFFER = (
    "id", "entry", "site", "practitioner", "freed_by", "start", "end", "because", "offered_at", "answer_by",
    "answered_at", "status", "version", "created_at", "updated_at",
)  # fmt: skip


class WaitChange(Strict):
    """What would suit them; what is empty means that anything does. Days are the site's local days, Monday is 0."""

    practitioner = Visible(selectors.bookable, required=False, allow_null=True)
    earliest_on = Day(required=False, allow_null=True)
    latest_on = Day(required=False, allow_null=True)
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), required=False, max_length=7
    )
    part_of_day = serializers.ChoiceField(
        [choice for choice in PartOfDay.choices if choice[0]], required=False, allow_blank=True
    )
    priority = serializers.ChoiceField(WaitlistEntry._meta.get_field("priority").choices, required=False)
    note = words(required=False, max_length=250)


class WaitWrite(WaitChange):
    """Somebody waits from now on."""

    patient = Visible(selectors.patients)
    service = Visible(selectors.services)
    site = OwnSite()


class WaitFilters(Filters):
    site = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    service = serializers.UUIDField(required=False)
    practitioner = serializers.UUIDField(required=False)
    status = Several(choices=EntryStatus.choices, required=False)
    updated_since = Instant(required=False)


class OfferWrite(Strict):
    """The time of a cancelled visit goes to the first whom it suits, or to this entry if it suits them."""

    freed_by = Visible(selectors.appointments, help_text="The cancelled visit whose time it is.")
    entry = Visible(selectors.waiting, required=False, allow_null=True)


class OfferFilters(Filters):
    site = serializers.UUIDField(required=False)
    entry = serializers.UUIDField(required=False)
    practitioner = serializers.UUIDField(required=False)
    freed_by = serializers.UUIDField(required=False)
    status = Several(choices=OfferStatus.choices, required=False)
    updated_since = Instant(required=False)


class SaidYes(Strict):
    """They said yes."""

    override_reason = words(
        required=False, max_length=250, help_text="Books all the same where a 409 said `needs_reason: true`."
    )


class SaidNo(Strict):
    """They said no."""

    reason = words(required=False)


class TimeFilters(Filters):
    PAGING = ()
    NEEDED = True
    site = OwnSite()


class AskedFirst(serializers.Serializer):
    entry = serializers.UUIDField()
    patient = serializers.UUIDField()
    because = serializers.ListField(child=serializers.CharField(), help_text="Why this one is first.")


class OpenTime(serializers.Serializer):
    """The time of a cancelled visit that nobody has and about which nobody is being asked."""

    freed_by = serializers.UUIDField()
    service = serializers.UUIDField()
    practitioner = serializers.UUIDField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    first = AskedFirst(allow_null=True)
    others = serializers.IntegerField(help_text="How many more it would suit.")


class OpenTimes(serializers.Serializer):
    results = OpenTime(many=True)
