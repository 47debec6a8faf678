"""Reads for sending packets: what became of each delivery and whose move it is; what a recipient usually gets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from coordinator.messaging.gateways.fax import has_fax_gateway
from referrals.delivery_workflow import DeliveryStatus
from referrals.models import Delivery, Referral
from referrals.permissions import can_manage_referral
from referrals.services.deliveries import SENDABLE, TO_SEND
from referrals.services.secure_links import code_of

S, Channel = DeliveryStatus, Delivery.Channel
TONES: dict[str, str] = {
    S.DELIVERED: "ok",
    S.FAILED: "danger",
    S.UNKNOWN: "warn",
    S.REVOKED: "",
    S.ENTERED_IN_ERROR: "",
}
OURS, THEIRS = _("ours"), _("the recipient’s")
WHOSE: dict[tuple[str, str], Any] = {
    (S.QUEUED, Channel.FAX): _("the fax service’s"),
    (S.SENDING, Channel.FAX): _("the fax service’s"),
    (S.HANDED_OVER, Channel.FAX): _("the fax service’s"),
    (S.QUEUED, Channel.EMAIL): _("the mail server’s"),
}


@dataclass(frozen=True)
class Row:
    """One delivery on the referral's page. `code` is what the recipient of a link is told by phone."""

    delivery: Delivery
    tone: str
    whose: Any
    why: str
    code: str = ""
    link_lives: bool = False


def delivery_context(user: Any, referral: Referral, now: datetime) -> dict[str, Any]:
    """What the box of the deliveries needs. Two queries, whatever there is."""
    may = can_manage_referral(user, referral)
    related = ("packet", "created_by", "link")
    kept = referral.deliveries.exclude(status=S.ENTERED_IN_ERROR).select_related(*related)
    rows = list(kept.prefetch_related("changes"))
    return {
        "deliveries": [_row(delivery, may, now) for delivery in rows],
        "can_send": may and referral.status in SENDABLE,
        "send_first": may and referral.status in TO_SEND,
    }


def _row(delivery: Delivery, may: bool, now: datetime) -> Row:
    link = getattr(delivery, "link", None)
    lives = link is not None and delivery.is_standing and link.lives(now)
    reasons = [c.reason for c in delivery.changes.all() if c.to_status == delivery.status and c.reason]
    return Row(
        delivery=delivery,
        tone=TONES.get(delivery.status, "wait"),
        whose=_whose(delivery),
        why=reasons[-1] if reasons and delivery.status != S.DELIVERED else "",
        code=code_of(link) if lives and may and link is not None else "",
        link_lives=lives,
    )


def _whose(delivery: Delivery) -> Any:
    if delivery.status in (S.UNKNOWN, S.FAILED):
        return OURS
    if delivery.status in (S.DELIVERED, S.REVOKED):
        return ""
    return WHOSE.get((delivery.status, delivery.channel), THEIRS)


def channels_offered() -> list[tuple[str, Any]]:
    """The channels that work here; without a gateway no fax."""
    return [c for c in Channel.choices if c[0] != Channel.FAX or has_fax_gateway()]


def usual_channel(user: Any, referral: Referral) -> str:
    """As the directory says for its entry; else how this recipient got the last packet that did not fail; else by fax
    where there is a number and a gateway."""
    offered = {value for value, _label in channels_offered()}
    if referral.practice is not None and referral.practice.channel in offered:
        return referral.practice.channel
    last = _earlier_to(user, referral).values_list("channel", flat=True).first()
    if last in offered:
        return str(last)
    return str(Channel.FAX if Channel.FAX in offered and _fax_of(referral) else Channel.EMAIL)


def usual_address(user: Any, referral: Referral, channel: str) -> str:
    """The fax number of the recipient, else the number or address that it last had for the channel.

    Where paper went may name a patient's relative, so it comes from this referral's own deliveries only.
    """
    if channel == Channel.FAX and (number := _fax_of(referral)):
        return number
    earlier = _earlier_to(user, referral).filter(channel=channel)
    if channel == Channel.PRINT:
        earlier = earlier.filter(referral=referral.pk)
    return earlier.values_list("address", flat=True).first() or ""


def _fax_of(referral: Referral) -> str:
    """As the directory has it today for one of its entries, else as it was typed on the referral."""
    organization = referral.recipient_organization
    known = organization.fax if organization else ""
    typed = referral.recipient_fax
    return (known or typed) if referral.practice_id else (typed or known)


def _earlier_to(user: Any, referral: Referral) -> Any:
    """Deliveries to the same recipient, of referrals that this person may see, newest first."""
    seen = Referral.objects.visible_to(user).filter(site=referral.site_id)
    same = Delivery.objects.standing().filter(referral__in=seen)
    if referral.recipient_organization_id:
        return same.filter(referral__recipient_organization=referral.recipient_organization_id)
    if referral.recipient_id:
        return same.filter(referral__recipient=referral.recipient_id)
    return same.filter(referral=referral.pk)


def standing_of(referral: Referral, version: int | None) -> list[Delivery]:
    """Deliveries of this version that a second one would repeat, newest first."""
    kept = referral.deliveries.select_related("packet", "created_by").order_by("-created_at", "-pk")
    return [d for d in kept if d.is_standing and d.packet.number == version]
