"""Packets that the recipient fetches: a mail with a link, a code told by phone, and a record of every opening."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator import wording
from coordinator.audit import services as audit
from coordinator.messaging import services as messaging
from coordinator.messaging.models import Message, MessageStatus
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor
from patients.labels import may_leave
from referrals.delivery_workflow import ON_ITS_WAY, DeliveryStatus
from referrals.models import MOST_WRONG_CODES, Delivery, SecureLink
from referrals.rules import secure_links as rules
from referrals.services import delivery_steps as steps
from referrals.workflow import ENDED_WITHOUT_REPORT, ReferralStatus

if TYPE_CHECKING:
    from coordinator.messaging.claims import Claimed

PURPOSE = "packet_link"
GAP = "{link}"  # stands in the ledger; the secret is put there as the message leaves
OVER = (*ENDED_WITHOUT_REPORT, ReferralStatus.ENTERED_IN_ERROR)
WITHDRAWN = "the delivery was taken back"


@in_clinic_language
def make_link(delivery: Delivery, *, now: datetime) -> SecureLink:
    """The link and the mail that brings it: no patient, no kind of care, no code in it. In the sending's transaction."""
    site = delivery.referral.site
    expires_at = now + timedelta(days=settings.PACKET_LINK_DAYS)
    secret = rules.secret_of(delivery.pk, settings.SECRET_KEY)
    link = SecureLink.objects.create(
        delivery=delivery, token_hash=rules.hash_of(secret), expires_at=expires_at
    )
    with timezone.override(site.tzinfo):
        context = {
            "practice": site.name,
            "phone": wording.phone(site.phone),
            "gap": GAP,
            "until": wording.day_time(expires_at),
        }
        body = render_to_string("referrals/messages/packet_link.txt", context)
    messaging.schedule(
        key=f"{PURPOSE}:{delivery.pk}",
        purpose=PURPOSE,
        about_type=delivery._meta.label_lower,
        about_id=delivery.pk,
        site_id=site.pk,
        channel=Message.Channel.EMAIL,
        address=delivery.address,
        subject=_("Papers from %(practice)s") % {"practice": site.name[:80]},
        body=body,
        language=settings.LANGUAGE_CODE[:2],
        send_after=now,
        expires_at=expires_at,
        now=now,
    )
    return link


def address_of(secret: str) -> str:
    """The link. Its secret stands behind the "?", which neither we nor the proxy write into a log."""
    return f"{str(settings.BASE_URL).rstrip('/')}{reverse('shared:packet')}?k={secret}"


def fill(message: Claimed) -> str:
    """The mail as it leaves."""
    return message.body.replace(GAP, address_of(rules.secret_of(message.about_id, settings.SECRET_KEY)))


def still_wanted(claimed: Sequence[Claimed]) -> dict[UUID, str]:
    """The last look: what was taken back does not leave, and what leaves is made with the key of today."""
    wanted = SecureLink.objects.filter(
        pk__in=[m.about_id for m in claimed], delivery__status=DeliveryStatus.QUEUED, revoked_at=None
    )
    waiting = dict(wanted.values_list("pk", "token_hash"))
    for pk, token_hash in waiting.items():
        made_now = rules.hash_of(rules.secret_of(pk, settings.SECRET_KEY))
        if made_now != token_hash:  # SECRET_KEY was replaced while the mail waited; nobody has the link yet
            SecureLink.objects.filter(pk=pk).update(token_hash=made_now)
    return {message.id: WITHDRAWN for message in claimed if message.about_id not in waiting}


def code_of(link: SecureLink) -> str:
    """The code, for who tells it to the recipient; "" after its key was replaced."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return rules.code_for(link.delivery_id, link.token_hash, keys)


def close(delivery: Delivery, *, by: Actor, now: datetime) -> None:
    """The link opens no more, and a mail that waits does not leave. Nothing for the other channels."""
    if SecureLink.objects.filter(delivery=delivery, revoked_at=None).update(revoked_at=now):
        messaging.withdraw(about_ids=[delivery.pk], reason=WITHDRAWN, now=now)
        audit.record_change(delivery, "close_link", by=by)


# --- the recipient's side -------------------------------------------------------------------------------------------


def live_link(token_hash: str, *, now: datetime) -> SecureLink | None:
    """The link that may be opened now. None for a wrong, ended or closed one, without saying which."""
    related = ("delivery__referral__site", "delivery__referral__patient__site", "delivery__packet__document")
    link = SecureLink.objects.select_related(*related).filter(token_hash=token_hash).first()
    return link if link is not None and _may_be_opened(link, now) else None


def _may_be_opened(link: SecureLink, now: datetime) -> bool:
    delivery = link.delivery
    referral, document = delivery.referral, delivery.packet.document
    standing = delivery.is_standing and referral.status not in OVER and not document.is_error
    if not standing or not link.lives(now):
        return False
    return may_leave(referral.patient, document.label, timezone.localdate(now, referral.site.tzinfo))


@transaction.atomic
def enter_code(*, link_id: UUID, typed: str, by: Actor, now: datetime) -> bool:
    """Whether this is the code. Each wrong one is counted and recorded; with the last the link is closed for good."""
    delivery = steps.lock_delivery(link_id)
    link = SecureLink.objects.select_for_update().get(pk=link_id)
    if not link.lives(now):
        return False
    if rules.is_code(typed, code_of(link)):
        if link.opened_at is None:
            SecureLink.objects.filter(pk=link.pk).update(opened_at=now)
        audit.record_change(delivery, "open_link", by=by)
        return True
    SecureLink.objects.filter(pk=link.pk).update(wrong_codes=link.wrong_codes + 1)
    audit.record_change(delivery, "wrong_code", by=by, details={"tries": link.wrong_codes + 1})
    if link.wrong_codes + 1 >= MOST_WRONG_CODES and delivery.status in ON_ITS_WAY:
        _lock_out(delivery, by=by, now=now)
    return False


@in_clinic_language
def _lock_out(delivery: Delivery, *, by: Actor, now: datetime) -> None:
    reason = _("The link was closed after %(n)d wrong codes.") % {"n": MOST_WRONG_CODES}
    steps.fail(delivery, reason=reason, by=by, now=now)


@transaction.atomic
@in_clinic_language
def record_download(*, link_id: UUID, by: Actor, now: datetime) -> None:
    """The recipient takes the packet: the first time, it is delivered."""
    delivery = steps.lock_delivery(link_id)
    link = SecureLink.objects.select_for_update().get(pk=link_id)
    SecureLink.objects.filter(pk=link.pk).update(downloads=link.downloads + 1)
    audit.record_change(delivery, "download", by=by, details={"number": link.downloads + 1})
    if delivery.status in ON_ITS_WAY:
        steps.deliver(delivery, evidence=_("Fetched through the link with the right code"), by=by, now=now)


# --- what becomes of the mail ---------------------------------------------------------------------------------------

GONE = (MessageStatus.SENT, MessageStatus.DELIVERED)
STAYED = (MessageStatus.FAILED, MessageStatus.SKIPPED, MessageStatus.CANCELLED)


def follow_links(*, by: Actor, now: datetime) -> int:
    """Deliveries whose mail left, failed or is in doubt, and links that ended unopened; answers how many moved."""
    waiting = Delivery.objects.filter(channel=Delivery.Channel.EMAIL, status=DeliveryStatus.QUEUED)
    settled = Message.objects.filter(
        purpose=PURPOSE,
        about_id__in=list(waiting.values_list("pk", flat=True)),
        status__in=(*GONE, *STAYED, MessageStatus.UNKNOWN),
    )
    ended = Delivery.objects.filter(
        channel=Delivery.Channel.EMAIL,
        status__in=(DeliveryStatus.HANDED_OVER, DeliveryStatus.UNKNOWN),
        link__expires_at__lte=now,
    )
    done = sum(_follow_mail(message, by=by, now=now) for message in settled.order_by("pk"))
    keys = list(ended.order_by("pk").values_list("pk", flat=True))
    return done + sum(end_link(delivery_id=pk, by=by, now=now) for pk in keys)


@transaction.atomic
@in_clinic_language
def _follow_mail(message: Message, *, by: Actor, now: datetime) -> bool:
    delivery = steps.lock_delivery(message.about_id)
    if delivery.status != DeliveryStatus.QUEUED:
        return False
    if message.status in GONE:
        reference = message.gateway_reference.strip("<>")
        steps.hand_over(delivery, reference=reference, at=message.finished_at, by=by, now=now)
    elif message.status == MessageStatus.UNKNOWN:
        steps.lose_track(delivery, reason=_("The mail server did not say whether it took the message."), by=by, now=now)  # fmt: skip
    else:
        steps.fail(delivery, reason=_("The message with the link could not be sent."), by=by, now=now)
        close(delivery, by=by, now=now)
    return True


@transaction.atomic
@in_clinic_language
def end_link(*, delivery_id: UUID, by: Actor, now: datetime) -> bool:
    """The time of a link is over and nobody fetched the packet. A recipient that answered meanwhile has it otherwise."""
    delivery = steps.lock_delivery(delivery_id)
    link = SecureLink.objects.get(pk=delivery_id)
    if delivery.status not in ON_ITS_WAY or link.expires_at > now:
        return False
    waits = delivery.referral.status == ReferralStatus.SENT
    reason = _("The link ended and nobody had fetched the packet.")
    steps.fail(delivery, reason=reason, by=by, now=now, tell=waits)
    return True
