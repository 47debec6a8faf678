"""Sending a packet: by fax, through a secure link, on paper, through a portal. Once, unless a person says why again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.db import Conflict, lock, refusals
from coordinator.hints import hint
from coordinator.messaging.gateways.fax import has_fax_gateway
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, NotAllowed, add_history, begin, move, person, record_edit
from patients.labels import may_leave
from patients.rules import text
from patients.rules.telephones import NotANumber, normal_email, normal_phone
from referrals.delivery_workflow import ON_ITS_WAY, DeliveryStatus
from referrals.models import Delivery, Referral, ReferralPacket
from referrals.permissions import check_can_manage_referral
from referrals.services import delivery_steps as steps
from referrals.services import secure_links
from referrals.services.referrals import advance_referral
from referrals.workflow import WITH_RECIPIENT, ReferralStatus

Channel = Delivery.Channel
TO_SEND = (ReferralStatus.DRAFT, ReferralStatus.READY, ReferralStatus.SEND_FAILED)
SENDABLE = (*TO_SEND, *WITH_RECIPIENT)


@transaction.atomic
def send_packet(
    *,
    referral_id: UUID,
    number: int,
    channel: str,
    recipient: str,
    by: Actor,
    now: datetime,
    address: str = "",
    again_reason: str = "",
    reference: str = "",
    at: datetime | None = None,
) -> Delivery:
    """Send version `number` of the packet. The referral is sent with it; its acknowledgement is due from now.

    A fax and a link wait for their worker; print and portal were done by hand `at` (UTC, default now), a portal with
    its `reference`. Raises ValidationError by field; Conflict when the same version is on its way, in doubt or
    delivered already and `again_reason` is empty; NotAllowed for a referral that has ended or waits for its payer.
    """
    people = ("site__calendar", "patient__site", "recipient_organization", "recipient")
    referral = lock(Referral.objects.select_related(*people), referral_id)
    check_can_manage_referral(by, referral)
    if referral.status not in SENDABLE:
        raise NotAllowed(_("This referral is “%(status)s”; nothing is sent for it now.")
                         % {"status": referral.get_status_display()})  # fmt: skip
    packet = _packet(referral, number, now)
    delivery = Delivery(
        referral=referral,
        packet=packet,
        channel=channel,
        recipient=_line("recipient", recipient, 160) or _refuse("recipient", _("Say who gets it.")),
        address=_address(channel, address),
        reference=_line("reference", reference, 120),
        again_reason=_line("again_reason", again_reason, 250),
        next_at=now if channel == Channel.FAX else None,
        page_count=packet.document.page_count,
        created_by=person(by),
    )
    _check_by_hand(delivery, at, now)
    earlier = list(referral.deliveries.select_related("packet"))
    if not delivery.again_reason:
        _check_not_again(packet, earlier)
    with refusals(delivery_once=_("Somebody sent this packet just now. Reload the page.")):
        delivery.save(force_insert=True)
    begin(delivery, by=by, now=now, channel=channel, packet=number, reason=delivery.again_reason)
    _record_as_sent(delivery, by=by, now=now)
    steps.settle_tasks(earlier, outcome=_("Sent again"), by=by, now=now)
    _on_its_way(delivery, at=at or now, by=by, now=now)
    return delivery


def _packet(referral: Referral, number: int, now: datetime) -> ReferralPacket:
    """The version, if it may still leave."""
    packet = referral.packets.select_related("document").filter(number=number).first()
    if packet is None:
        raise ValidationError({"version": _("Make the packet first, or choose one of its versions.")})
    if packet.document.is_error:
        raise ValidationError({"version": _("This version was entered in error. Make the next one.")})
    today = timezone.localdate(now, referral.site.tzinfo)
    if not may_leave(referral.patient, packet.document.label, today):
        raise ValidationError(
            {"version": _("This version holds protected entries, and no consent lets them leave today.")}
        )
    return packet


def _address(channel: str, typed: str) -> str:
    """The number or address in the form in which it is used. Raises ValidationError at the field."""
    typed = _line("address", typed, 254)
    try:
        if channel == Channel.FAX:
            if not has_fax_gateway():
                raise ValidationError({"channel": _("No fax gateway is set up. Record it as sent by hand.")})
            return normal_phone(typed)
        if channel == Channel.EMAIL:
            return normal_email(typed)
    except NotANumber as problem:
        raise ValidationError({"address": str(problem)}) from None
    if channel not in Channel.values:
        raise ValidationError({"channel": _("Choose how it is sent.")})
    if not typed:
        raise ValidationError({"address": _("Say where it went.")})
    return typed


def _check_by_hand(delivery: Delivery, at: datetime | None, now: datetime) -> None:
    if at is not None and at > now:
        raise ValidationError({"at": _("This is still to come.")})
    if delivery.channel == Channel.PORTAL and not delivery.reference:
        raise ValidationError({"reference": _("Type the number that the portal gave: it is the evidence.")})


def _line(field: str, typed: str, limit: int) -> str:
    try:
        return text.line(typed, limit)
    except text.Unfit as problem:
        raise ValidationError({field: str(problem)}) from None


def _refuse(field: str, sentence: str) -> str:
    raise ValidationError({field: sentence})


def _check_not_again(packet: ReferralPacket, earlier: list[Delivery]) -> None:
    first = next((d for d in earlier if d.packet_id == packet.pk and d.is_standing), None)
    if first is not None:
        raise Conflict(
            _("This version was sent already: %(what)s, “%(status)s”. Say why it is sent again.")
            % {"what": str(first), "status": first.get_status_display()},
            delivery=str(first.pk),
        )


def _record_as_sent(delivery: Delivery, *, by: Actor, now: datetime) -> None:
    """The referral is sent with its first delivery, and after a failure; any other one stands in its history."""
    referral = delivery.referral
    about: dict[str, Any] = {"channel": delivery.channel, "packet": delivery.packet.number}
    if referral.status in TO_SEND:
        advance_referral(
            referral_id=referral.pk, step="send", delivery=str(delivery.pk), by=by, now=now, **about
        )
    else:
        facts = {"delivery": str(delivery.pk), **about}
        add_history(referral, "send_again", by=by, now=now, reason=delivery.again_reason, **facts)


def _on_its_way(delivery: Delivery, *, at: datetime, by: Actor, now: datetime) -> None:
    if delivery.channel == Channel.EMAIL:
        secure_links.make_link(delivery, now=now)
    elif delivery.channel == Channel.FAX:
        from referrals.jobs import follow_deliveries

        hint(follow_deliveries)
    else:
        locked = steps.lock_delivery(delivery.pk)
        steps.hand_over(locked, reference=delivery.reference, at=at, by=by, now=now)
        if delivery.channel == Channel.PORTAL:
            steps.deliver(locked, evidence=_portal_evidence(locked), by=by, now=now)


@in_clinic_language
def _portal_evidence(delivery: Delivery) -> str:
    words = {"portal": delivery.address[:100], "reference": delivery.reference}
    return _("%(portal)s took it under the number %(reference)s") % words


# --- what a person says about one --------------------------------------------------------------------------------


@transaction.atomic
def answer_delivery(*, delivery_id: UUID, came: bool, who: str, by: Actor, now: datetime) -> Delivery:
    """Somebody at the recipient's says whether it came. That they have it is recorded on the referral, as its own step.

    Raises NotAllowed unless it was handed over or is in doubt, ValidationError at `who`.
    """
    delivery = steps.lock_delivery(delivery_id)
    check_can_manage_referral(by, delivery.referral)
    said = {"who": _line("who", who, 120) or _refuse("who", _("Say who answered."))}
    if not delivery.can_be_answered:
        raise NotAllowed(_("This delivery is “%(status)s”; nothing has to be asked about it.")
                         % {"status": delivery.get_status_display()})  # fmt: skip
    if came:
        steps.deliver(delivery, evidence=_("Said by %(who)s") % said, by=by, now=now)
    else:
        secure_links.close(delivery, by=by, now=now)
        steps.fail(delivery, reason=_("It did not come, said by %(who)s") % said, by=by, now=now, tell=False)
    return delivery


@transaction.atomic
def revoke_delivery(*, delivery_id: UUID, reason: str, by: Actor, now: datetime) -> Delivery:
    """Take back a fax that waits, or close a link. What was fetched before stays delivered; the link is closed all the same."""
    delivery = steps.lock_delivery(delivery_id)
    check_can_manage_referral(by, delivery.referral)
    reason = _line("reason", reason, 500) or _refuse("reason", _("Say in a few words why."))
    if not delivery.can_be_revoked:
        raise NotAllowed(_("This delivery is “%(status)s”; it cannot be taken back.")
                         % {"status": delivery.get_status_display()})  # fmt: skip
    secure_links.close(delivery, by=by, now=now)
    if delivery.status in ON_ITS_WAY:
        delivery.next_at = None
        move(delivery, "revoke", by=by, now=now, reason=reason)
        steps.settle_tasks([delivery], outcome=delivery.get_status_display(), by=by, now=now)
        steps.not_sent(delivery, "revoke_delivery", reason=reason, by=by, now=now)
    else:
        record_edit(delivery, "close_link", by=by, now=now, reason=reason)
    return delivery


@transaction.atomic
def enter_delivery_in_error(*, delivery_id: UUID, reason: str, by: Actor, now: datetime) -> Delivery:
    """It never happened, or belongs elsewhere: it counts no more, its link is closed, its history stays."""
    delivery = steps.lock_delivery(delivery_id)
    check_can_manage_referral(by, delivery.referral)
    reason = _line("reason", reason, 500) or _refuse("reason", _("Say in a few words why."))
    secure_links.close(delivery, by=by, now=now)
    delivery.next_at = None
    move(delivery, "enter_in_error", by=by, now=now, reason=reason)
    steps.settle_tasks([delivery], outcome=delivery.get_status_display(), by=by, now=now)
    steps.not_sent(delivery, "delivery_in_error", reason=reason, by=by, now=now)
    return delivery


@transaction.atomic
def referral_went_on(*, referral: Referral, by: Actor, now: datetime) -> None:
    """The recipient answered, or the referral ended: nobody has to ask any more; what ended is not sent late."""
    deliveries = list(referral.deliveries.select_related("packet"))
    if not deliveries:
        return
    steps.settle_tasks(deliveries, outcome=referral.get_status_display(), by=by, now=now)
    if referral.status in secure_links.OVER:
        for delivery in deliveries:
            _end_with(delivery, referral, by=by, now=now)


@in_clinic_language
def _end_with(delivery: Delivery, referral: Referral, *, by: Actor, now: datetime) -> None:
    locked = steps.lock_delivery(delivery.pk)
    secure_links.close(locked, by=by, now=now)
    mailed = locked.channel == Channel.EMAIL and locked.status in ON_ITS_WAY
    if mailed or locked.status == DeliveryStatus.QUEUED:
        reason = _("The referral is “%(status)s”.") % {"status": referral.get_status_display()}
        move(locked, "revoke", by=by, now=now, reason=reason)
