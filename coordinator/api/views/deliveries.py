"""Packets of a referral and their deliveries: what may go, a version of it, sent once, and what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as Refused
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from coordinator.api import nouns, selectors
from coordinator.api.base import ApiView, ListView
from coordinator.api.fields import Visible, row
from coordinator.api.idempotency import once
from coordinator.api.nouns import Noun
from coordinator.api.schema import SentBefore
from coordinator.api.serializers import deliveries as shapes
from coordinator.api.serializers.patients import WithReason
from coordinator.api.steps import ApiStep, StepBook
from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.http import get_visible_or_404
from coordinator.packets.services import make_packet
from referrals.delivery_workflow import DeliveryStatus as S
from referrals.models import Delivery, Referral, ReferralPacket
from referrals.selectors.deliveries import channels_offered, usual_address, usual_channel
from referrals.services import deliveries as services

PEOPLE = ("patient__site", "site", "problem", "recipient_organization", "recipient", "practice")


class PacketView(ApiView):
    access_rule = "api:referrals"
    resource = "referrals"


class ReferralSending(PacketView):
    @extend_schema(operation_id="referrals_sending", responses=shapes.Sending)
    def get(self, request: Any, pk: UUID) -> Response:
        """What may go to the recipient, ticked as its kind of referral needs it, and the way the recipient usually gets
        it. Coverage, problems, results and the like need `patients:read` as well, documents `documents:read`."""
        referral = get_visible_or_404(Referral.objects.select_related(*PEOPLE), request.user, pk=pk)
        parts = selectors.may_go(request.user, request.auth.scopes, referral, timezone.now())
        audit.viewed(request, referral.patient, what="packet")
        channel = usual_channel(request.user, referral)
        known = referral.recipient_organization or referral.recipient or ""
        return Response(
            {
                "recipient": (referral.recipient_name or str(known))[:160],
                "channels": [value for value, _label in channels_offered()],
                "channel": channel,
                "address": usual_address(request.user, referral, channel),
                "parts": [
                    {"name": part.name, "entries": [_entry(one) for one in part.entries]} for part in parts
                ],
            }
        )


def _entry(entry: Any) -> dict[str, Any]:
    return {"id": entry.row.pk, "words": entry.words, "is_ticked": entry.is_ticked}


class PacketList(PacketView, ListView):
    def visible(self, request: Any) -> QuerySet[ReferralPacket]:
        return ReferralPacket.objects.visible_to(request.user).filter(referral=self.kwargs["pk"])

    def rows(self, visible: QuerySet[ReferralPacket], given: dict[str, Any]) -> QuerySet[Any]:
        return visible.values(*shapes.PACKET)

    @extend_schema(operation_id="packets_list", responses=shapes.PacketShape(many=True))
    def get(self, request: Any, pk: UUID) -> Response:
        """Versions of the packet, newest first."""
        get_visible_or_404(Referral.objects.only("id"), request.user, pk=pk)
        return self.listed()

    @extend_schema(
        operation_id="packets_create", request=shapes.PacketMade, responses={201: shapes.PacketShape}
    )
    @once
    def post(self, request: Any, pk: UUID) -> Response:
        """Make the next version with these entries. Nothing is sent by this; look at the document first."""
        referral = get_visible_or_404(Referral.objects.select_related(*PEOPLE), request.user, pk=pk)
        keys, now = self.body(shapes.PacketMade)["entries"], timezone.now()
        parts = selectors.may_go(request.user, request.auth.scopes, referral, now)
        if set(keys) - {entry.row.pk for part in parts for entry in part.entries}:
            raise ValidationError({"entries": [Visible.default_error_messages["missing"]]})
        packet = make_packet(referral_id=pk, keys=keys, by=request.user, now=now)
        return Response(row(packet, shapes.PACKET), status=201)


# --- deliveries --------------------------------------------------------------------------------------------------


def _sent(*, packet: ReferralPacket, **given: Any) -> Delivery:
    try:
        return services.send_packet(referral_id=packet.referral_id, number=packet.number, **given)
    except Refused as refusal:
        problems = dict(getattr(refusal, "error_dict", {}))
        version = problems.pop("version", None)
        if version is None:
            raise
        raise Refused({**problems, "packet": version}) from refusal  # a page calls the packet its version


def lock_referral_of(delivery: Delivery) -> None:
    """The services lock the referral before the delivery, so the API does too."""
    lock(selectors.every_referral(), delivery.referral_id)


DELIVERIES = Noun(
    "deliveries",
    "Delivery",
    Delivery,
    single="delivery",
    row=shapes.DELIVERY,
    facts=selectors.delivery_stands,
    fact_shapes={
        "why": shapes.serializers.CharField(
            read_only=True, allow_blank=True, help_text="Why it failed, is in doubt or was taken back."
        ),
        "link": shapes.Link(read_only=True, allow_null=True),
    },
    book=StepBook(
        "Delivery",
        "delivery_id",
        Delivery.workflow,
        {
            "answer": ApiStep(shapes.Answered, services.answer_delivery, at=(S.HANDED_OVER, S.UNKNOWN)),
            "revoke": ApiStep(WithReason, services.revoke_delivery),
            "enter_in_error": ApiStep(WithReason, services.enter_delivery_in_error),
        },
    ),
)
DeliveryList = nouns.list_view(
    DELIVERIES,
    "Deliveries of packets, newest first. Delivered says that it arrived, never that anybody accepted.",
    filters=shapes.DeliveryFilters,
    lookups={
        "referral": "referral", "patient": "referral__patient", "packet": "packet", "channel": "channel__in",
        "status": "status__in", "updated_since": "updated_at__gte",
    },
    write=shapes.DeliverySend,
    create=_sent,
    about_new="Send a version of a packet; its referral is sent with it. 409 with `delivery` when this version is on its"
    " way, in doubt or delivered already.",
    clash=OpenApiResponse(SentBefore, description="Sent already, or nothing is sent for this referral now."),
)  # fmt: skip
DeliveryDetail = nouns.detail_view(DELIVERIES, "One delivery with its evidence and how its link stands.")
DeliverySteps = nouns.steps_view(
    DELIVERIES,
    "What a person says about it: whether it came, that it is taken back, that it was an error. The referral follows;"
    " that the recipient has it is a step of the referral.",
    locks=lock_referral_of,
)
