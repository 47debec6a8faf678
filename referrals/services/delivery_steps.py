"""What happens to a delivery, and what that means for its referral: evidence, a failure, a doubt that a person ends.

Every function runs in the caller's transaction, on a delivery from `lock_delivery`. None of them records that the
recipient has or accepts anything: those facts come from the recipient.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import TaskKind
from coordinator.accounts.models import User
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import lock
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, add_history, move
from referrals.delivery_workflow import NOT_STANDING, DeliveryStatus
from referrals.models import Delivery, Referral
from referrals.services.referrals import advance_referral
from referrals.workflow import ReferralStatus


def lock_delivery(delivery_id: UUID) -> Delivery:
    """The delivery and its referral, locked in the order in which sending locks them. Raises Delivery.DoesNotExist."""
    referral_id = Delivery.objects.values_list("referral_id", flat=True).get(pk=delivery_id)
    people = ("patient__coordinator", "patient__site", "site", "owner", "team")
    referral = lock(Referral.objects.select_related(*people), referral_id)
    delivery = lock(Delivery.objects.select_related("packet__document", "link"), delivery_id)
    delivery.referral = referral
    return delivery


@in_clinic_language
def hand_over(
    delivery: Delivery, *, by: Actor, now: datetime, reference: str = "", at: datetime | None = None
) -> None:
    """The channel has it now; `at` is when, if that was earlier."""
    move(delivery, "hand_over", by=by, now=now, reference=reference[:120], handed_over_at=at or now)


@in_clinic_language
def deliver(delivery: Delivery, *, evidence: str, by: Actor, now: datetime, **facts: Any) -> None:
    """It arrived: the referral keeps the evidence beside "sent", and nothing more."""
    if delivery.status in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING):
        hand_over(delivery, by=by, now=now)
    delivery.next_at = None
    move(delivery, "deliver", by=by, now=now, evidence=evidence[:250], delivered_at=now, **facts)
    _note(delivery, "deliver", by=by, now=now, evidence=delivery.evidence)
    settle_tasks([delivery], outcome=delivery.get_status_display(), by=by, now=now)


@in_clinic_language
def fail(delivery: Delivery, *, reason: str, by: Actor, now: datetime, tell: bool = True) -> None:
    """It did not arrive: the owner gets a task, and a referral that nothing else carries says so. `tell`: not asked for
    by a person who knows."""
    delivery.next_at = None
    move(delivery, "fail", by=by, now=now, reason=reason)
    settle_tasks([delivery], outcome=delivery.get_status_display(), by=by, now=now)
    not_sent(delivery, "delivery_failed", reason=reason, by=by, now=now)
    if tell:
        _open_task(
            delivery,
            key=failed_key(delivery),
            title=_("A packet did not arrive: %(what)s") % {"what": delivery.referral.specialty},
            reason=_("By %(channel)s to %(who)s. %(why)s"),
            why=reason,
            next_step=_("Check the number or address, then send it again from the referral."),
            by=by,
            now=now,
        )


@in_clinic_language
def lose_track(delivery: Delivery, *, reason: str, by: Actor, now: datetime) -> None:
    """Nobody knows whether it arrived. It is not sent again by itself: the owner asks the recipient."""
    move(delivery, "lose_track", by=by, now=now, reason=reason)
    _note(delivery, "lose_track", by=by, now=now, reason=reason)
    _open_task(
        delivery,
        key=doubt_key(delivery),
        title=_("Ask the recipient whether it came: %(what)s") % {"what": delivery.referral.specialty},
        reason=_("By %(channel)s to %(who)s. %(why)s"),
        why=reason,
        next_step=_(
            "Call them, then record the answer on the referral. Send it again only if it did not come."
        ),
        by=by,
        now=now,
    )


def not_sent(delivery: Delivery, step: str, *, reason: str, by: Actor, now: datetime) -> None:
    """This delivery carries the referral no more. With no other one standing, sending it has failed."""
    referral = delivery.referral
    others = referral.deliveries.exclude(status__in=NOT_STANDING).exclude(pk=delivery.pk)
    if referral.status == ReferralStatus.SENT and not others.exists():
        advance_referral(referral_id=referral.pk, step="record_send_failure", reason=reason, by=by, now=now)
    else:
        _note(delivery, step, by=by, now=now, reason=reason)


def _note(delivery: Delivery, step: str, *, by: Actor, now: datetime, reason: str = "", **facts: Any) -> None:
    """A row in the referral's own history."""
    about = {"delivery": str(delivery.pk), "channel": delivery.channel, "packet": delivery.packet.number}
    add_history(delivery.referral, step, by=by, now=now, reason=reason, **about, **facts)


# --- tasks ------------------------------------------------------------------------------------------------------


def doubt_key(delivery: Delivery) -> str:
    return f"delivery_unknown:{delivery.pk}"


def failed_key(delivery: Delivery) -> str:
    return f"delivery_failed:{delivery.pk}"


def _open_task(
    delivery: Delivery,
    *,
    key: str,
    title: str,
    reason: str,
    why: str,
    next_step: str,
    by: Actor,
    now: datetime,
) -> None:
    referral = delivery.referral
    site = referral.site
    fits = referral.owner and User.objects.assignable().filter(pk=referral.owner.pk, sites=site).first()
    words = {"channel": delivery.get_channel_display(), "who": delivery.recipient, "why": why}
    today = now.astimezone(site.tzinfo).date()
    careplans.open_task(
        patient=referral.patient,
        site=site,
        kind=TaskKind.REFERRAL_FOLLOW_UP,
        title=title[:200],
        reason=(reason % words)[:500],
        next_step=next_step,
        owner=fits,
        team=None if fits else referral.team,
        due_at=end_of_day(next_open_day(today, as_calendar(calendar_for(site))), site.zone),
        dedupe_key=key,
        cause=referral,
        by=by,
        now=now,
    )


def settle_tasks(deliveries: list[Delivery], *, outcome: Any, by: Actor, now: datetime) -> None:
    """What asked about these deliveries is done."""
    keys = [key(delivery) for delivery in deliveries for key in (doubt_key, failed_key)]
    careplans.close_automatic(dedupe_keys=keys, outcome=outcome, by=by, now=now)
