"""Packets of referrals and their deliveries."""

from __future__ import annotations

from rest_framework import serializers

from coordinator.api import selectors
from coordinator.api.fields import Filters, Instant, Several, Shape, Strict, Visible, words
from referrals.delivery_workflow import DeliveryStatus
from referrals.models import Delivery, ReferralPacket

PACKET = ("id", "referral", "number", "document", "sha256", "holds", "at")
DELIVERY = (
    "id", "referral", "packet", "channel", "recipient", "address", "status", "again_reason", "reference", "evidence",
    "page_count", "handed_over_at", "delivered_at", "attempts", "version", "created_at", "updated_at",
)  # fmt: skip
MOST_ENTRIES = 500


class PacketShape(Shape):
    """One version. It never changes; `document` is its PDF, `holds` counts the entries of each part."""

    class Meta:
        model = ReferralPacket
        fields = PACKET


class PacketMade(Strict):
    entries = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=MOST_ENTRIES,
        help_text="Keys of the entries that go, as `sending` of the referral offers them.",
    )


class Entry(serializers.Serializer):
    id = serializers.UUIDField()
    words = serializers.CharField()
    is_ticked = serializers.BooleanField(help_text="This kind of referral needs it, as far as we know.")


class Part(serializers.Serializer):
    name = serializers.CharField()
    entries = Entry(many=True)


class Sending(serializers.Serializer):
    """Whom the packet goes to and how that recipient usually gets one; what may go into it."""

    recipient = serializers.CharField(allow_blank=True)
    channels = serializers.ListField(child=serializers.CharField(), help_text="Those that work here.")
    channel = serializers.CharField()
    address = serializers.CharField(allow_blank=True)
    parts = Part(many=True)


class DeliverySend(Strict):
    """A fax and a link wait for their worker; print and portal record what was done by hand."""

    packet = Visible(selectors.packets, help_text="The version that goes.")
    channel = serializers.ChoiceField(Delivery.Channel.choices)
    recipient = words(max_length=160)
    address = words(max_length=254, help_text="Fax number, e-mail address, place, or whose portal it was.")
    reference = words(required=False, max_length=120, help_text="The number that the portal gave.")
    at = Instant(required=False, allow_null=True, help_text="By hand: when. Now, when not given.")
    again_reason = words(
        required=False, max_length=250, help_text="Why this version goes once more, after a 409."
    )


class DeliveryFilters(Filters):
    referral = serializers.UUIDField(required=False)
    patient = serializers.UUIDField(required=False)
    packet = serializers.UUIDField(required=False)
    channel = Several(choices=Delivery.Channel.choices, required=False)
    status = Several(choices=DeliveryStatus.choices, required=False)
    updated_since = Instant(required=False)


class Link(serializers.Serializer):
    """How the link of an e-mail stands. The link and its code are in no answer."""

    is_open = serializers.BooleanField()
    expires_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField(allow_null=True, help_text="First opened with the right code.")
    revoked_at = serializers.DateTimeField(allow_null=True)
    downloads = serializers.IntegerField()
    tries_left = serializers.IntegerField(help_text="Wrong codes that are left before it closes.")


class Answered(Strict):
    """Somebody at the recipient's says whether it came."""

    came = serializers.BooleanField()
    who = words(max_length=120)
