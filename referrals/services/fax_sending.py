"""Faxes on their way: handed to the gateway once, then asked about until it says how they ended.

    claim   queued -> sending, with a token and a lease by the database's clock; committed before the call
    call    the gateway, with the delivery's key
    write   only while the row still carries our token

An answer that was lost, and a worker that died between claim and write, make the delivery unknown: its owner is asked to
call. It goes back to the queue only after the gateway said that it did not take it. Unknown ones are asked about on:
the gateway's later answer ends the doubt as well as a person does.
"""

from __future__ import annotations

import logging
import uuid
from contextlib import closing
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.db import db_now
from coordinator.messaging.gateways.base import NoGateway, NotSent, Unclear
from coordinator.messaging.gateways.fax import FaxGateway, FaxReport, FaxState, fax_gateway
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, move
from patients.labels import may_leave
from referrals.delivery_workflow import DeliveryStatus
from referrals.models import Delivery
from referrals.services import delivery_steps as steps
from referrals.services.secure_links import OVER

log = logging.getLogger(__name__)
S = DeliveryStatus
FIRST_QUESTION = timedelta(minutes=5)  # after an answer was lost
TAKEN_LATE = timedelta(minutes=15)  # until then "never got it" may mean "not yet on my list"
LEASE = timedelta(minutes=5)  # longer than any call
AT_ONCE = 20
MOST_ATTEMPTS = 6  # of handing over, each one certainly not taken
PAUSES = (1, 5, 15, 60, 120)  # minutes before try 2, 3, ...
ASK_AGAIN = (1, 1, 2, 5, 10, 30, 60)  # minutes between questions; the last one goes on
NO_ANSWER_AFTER = timedelta(hours=24)  # without a result it is unknown
ASK_UNTIL = timedelta(days=7)  # after that only a person can tell


def follow_faxes(*, by: Actor, now: datetime) -> int:
    """Hand over what waits, then ask about what is on its way; answers how many were looked at."""
    gateway = fax_gateway()
    if gateway is None:
        return _without_gateway(by=by, now=now)
    with closing(gateway):
        done = _left_behind(by=by, now=now)
        while (claimed := _claim(by=by, now=now)) is not None:
            _hand_over(gateway, claimed, by=by, now=now)
            done += 1
        return done + _ask(gateway, by=by, now=now)


def _without_gateway(*, by: Actor, now: datetime) -> int:
    """It was taken out of the settings: what still waits did not go, and what was on its way nobody can be asked about."""
    waiting = list(Delivery.objects.filter(_faxes(S.QUEUED)).order_by("pk").values_list("pk", flat=True))
    for pk in waiting:
        _give_up(delivery_id=pk, by=by, now=now)
    return len(waiting) + _left_behind(by=by, now=now) + _ask(None, by=by, now=now)


@transaction.atomic
@in_clinic_language
def _give_up(*, delivery_id: UUID, by: Actor, now: datetime) -> None:
    delivery = steps.lock_delivery(delivery_id)
    if delivery.status == S.QUEUED:
        steps.fail(delivery, reason=_("No fax gateway is set up any more, so it did not go."), by=by, now=now)


def _faxes(*statuses: str) -> Q:
    return Q(channel=Delivery.Channel.FAX, status__in=statuses)


# --- handing over ---------------------------------------------------------------------------------------------------


def _claim(*, by: Actor, now: datetime) -> Delivery | None:
    """The oldest that is due, as ours for LEASE."""
    due = Delivery.objects.filter(_faxes(S.QUEUED), next_at__lte=now).order_by("next_at", "pk")
    for pk in list(due.values_list("pk", flat=True)[:AT_ONCE]):
        claimed = _start(delivery_id=pk, by=by, now=now)
        if claimed is not None:
            return claimed
    return None


@transaction.atomic
def _start(*, delivery_id: UUID, by: Actor, now: datetime) -> Delivery | None:
    """None when another worker has it, or it is not wanted any more."""
    delivery = steps.lock_delivery(delivery_id)
    if delivery.status != S.QUEUED:
        return None
    if delivery.referral.status in OVER or delivery.packet.document.is_error:
        steps.fail(delivery, reason=_not_wanted(), by=by, now=now, tell=False)
        return None
    referral, label = delivery.referral, delivery.packet.document.label
    if not may_leave(referral.patient, label, timezone.localdate(now, referral.site.tzinfo)):
        steps.fail(delivery, reason=_no_consent(), by=by, now=now)
        return None
    delivery.claim_token, delivery.lease_until = uuid.uuid4(), db_now() + LEASE
    delivery.attempts += 1
    move(delivery, "start", by=by, now=now)
    return delivery


@in_clinic_language
def _not_wanted() -> str:
    return _("The referral ended, or the packet was entered in error, before it went.")


@in_clinic_language
def _no_consent() -> str:
    return _("No consent lets the protected entries of this packet leave any more, so it was not sent.")


def _hand_over(gateway: FaxGateway, delivery: Delivery, *, by: Actor, now: datetime) -> None:
    """Call the gateway, with no transaction open, and write what it said."""
    try:
        with delivery.packet.document.file.open("rb") as file:
            content = file.read()
        reference = gateway.send(key=delivery.key, to=delivery.address, content=content)
    except NotSent as refusal:
        _write_refusal(delivery_id=delivery.pk, token=delivery.claim_token, refusal=refusal, by=by, now=now)
    except Unclear:
        _write_doubt(delivery_id=delivery.pk, token=delivery.claim_token, by=by, now=now)
    except FileNotFoundError:
        _write_refusal(
            delivery_id=delivery.pk,
            token=delivery.claim_token,
            refusal=NotSent("no_file", for_good=True),
            by=by,
            now=now,
        )
    except Exception as error:  # a gateway of somebody else's making: what it did is not known
        log.error("fax gateway failed for delivery %s: %s", delivery.pk, type(error).__name__)
        _write_doubt(delivery_id=delivery.pk, token=delivery.claim_token, by=by, now=now)
    else:
        _write_taken(delivery_id=delivery.pk, token=delivery.claim_token, reference=reference, by=by, now=now)


def _ours(delivery_id: UUID, token: UUID | None) -> Delivery | None:
    """The row, if it is still the one we claimed."""
    delivery = steps.lock_delivery(delivery_id)
    return delivery if delivery.status == S.SENDING and delivery.claim_token == token else None


@transaction.atomic
def _write_taken(*, delivery_id: UUID, token: UUID | None, reference: str, by: Actor, now: datetime) -> None:
    delivery = _ours(delivery_id, token)
    if delivery is not None:
        delivery.attempts, delivery.next_at = 0, now
        steps.hand_over(delivery, reference=reference, by=by, now=now)


@transaction.atomic
@in_clinic_language
def _write_refusal(
    *, delivery_id: UUID, token: UUID | None, refusal: NotSent, by: Actor, now: datetime
) -> None:
    """Certainly not taken: tried again after a pause, given up after several."""
    delivery = _ours(delivery_id, token)
    if delivery is None:
        return
    if refusal.for_good:
        steps.fail(delivery, reason=_("The fax service refused the number or the paper."), by=by, now=now)
    elif delivery.attempts >= MOST_ATTEMPTS:
        steps.fail(delivery, reason=_("The fax service could not be reached for hours."), by=by, now=now)
    else:
        delivery.next_at = now + timedelta(minutes=PAUSES[delivery.attempts - 1])
        reason = _("The fax service took nothing yet; it is tried again.")
        move(delivery, "wait", by=by, now=now, reason=reason, code=refusal.code)


@transaction.atomic
@in_clinic_language
def _write_doubt(*, delivery_id: UUID, token: UUID | None, by: Actor, now: datetime) -> None:
    delivery = _ours(delivery_id, token)
    if delivery is not None:
        _doubt(delivery, _("The fax service gave no answer."), by=by, now=now)


def _doubt(delivery: Delivery, reason: str, *, by: Actor, now: datetime) -> None:
    delivery.attempts, delivery.next_at = 0, now + FIRST_QUESTION
    delivery.handed_over_at = delivery.handed_over_at or now
    steps.lose_track(delivery, reason=reason, by=by, now=now)


def _left_behind(*, by: Actor, now: datetime) -> int:
    """What a worker that died had in its hands."""
    rows = Delivery.objects.filter(_faxes(S.SENDING), lease_until__lt=db_now()).order_by("pk")
    return sum(_doubt_left(delivery_id=pk, by=by, now=now) for pk in list(rows.values_list("pk", flat=True)))


@transaction.atomic
@in_clinic_language
def _doubt_left(*, delivery_id: UUID, by: Actor, now: datetime) -> bool:
    delivery = steps.lock_delivery(delivery_id)
    if delivery.status != S.SENDING or delivery.lease_until is None or delivery.lease_until >= db_now():
        return False
    _doubt(delivery, _("The program stopped while it handed the fax over."), by=by, now=now)
    return True


# --- how it ended ---------------------------------------------------------------------------------------------------


def _ask(gateway: FaxGateway | None, *, by: Actor, now: datetime) -> int:
    """Ask about each fax whose time has come. Two workers may ask the same: the second changes nothing."""
    rows = Delivery.objects.filter(_faxes(S.HANDED_OVER, S.UNKNOWN), next_at__lte=now).order_by(
        "next_at", "pk"
    )
    keys = list(rows.values_list("pk", flat=True)[:200])
    for pk in keys:
        try:
            take_report(delivery_id=pk, report=_reported(gateway, pk), by=by, now=now)
        except Exception as error:  # an answer that cannot be used holds up nobody else's fax
            log.error("fax gateway failed to tell of delivery %s: %s", pk, type(error).__name__)
            take_report(delivery_id=pk, report=None, by=by, now=now)
    return len(keys)


def _reported(gateway: FaxGateway | None, pk: UUID) -> FaxReport | None:
    if gateway is None:
        return None
    try:
        return gateway.report(Delivery(pk=pk, channel=Delivery.Channel.FAX).key)
    except NoGateway:
        return None


@transaction.atomic
@in_clinic_language
def take_report(*, delivery_id: UUID, report: FaxReport | None, by: Actor, now: datetime) -> bool:
    """What the gateway says of a fax (None: it cannot tell now). True when that ended it; late and doubled words change nothing."""
    delivery = steps.lock_delivery(delivery_id)
    if delivery.status not in (S.SENDING, S.HANDED_OVER, S.UNKNOWN):
        return False
    state = report.state if report else None
    if report is not None and state == FaxState.DELIVERED:
        pages = report.pages or delivery.page_count
        reference = report.reference or delivery.reference
        words = _("The fax service reports that it was delivered, number %(reference)s")
        steps.deliver(delivery, evidence=words % {"reference": reference or "–"}, reference=reference, page_count=pages, by=by, now=now)  # fmt: skip
        return True
    early = now - (delivery.handed_over_at or now) < TAKEN_LATE
    if report is not None and (state == FaxState.FAILED or (state == FaxState.NOT_TAKEN and not early)):
        steps.fail(delivery, reason=_why(report), by=by, now=now)
        return True
    _ask_later(delivery, by=by, now=now)
    return False


def _why(report: FaxReport) -> str:
    if report.state == FaxState.NOT_TAKEN:
        return _("The fax service says that it never got it.")
    said = {"busy": _("The line was busy."), "no_answer": _("No fax machine answered.")}
    return said.get(report.reason, _("The fax service reports that it did not arrive."))


def _ask_later(delivery: Delivery, *, by: Actor, now: datetime) -> None:
    since = now - (delivery.handed_over_at or now)
    delivery.attempts += 1
    pause = ASK_AGAIN[min(delivery.attempts, len(ASK_AGAIN)) - 1]
    delivery.next_at = now + timedelta(minutes=pause) if since < ASK_UNTIL else None
    if delivery.status == S.HANDED_OVER and since >= NO_ANSWER_AFTER:
        reason = _("The fax service gave no result for a day.")
        steps.lose_track(delivery, reason=reason, by=by, now=now)
    else:
        delivery.save(update_fields=["attempts", "next_at", "updated_at"])


def take_receipt(*, key: str, reference: str, arrived: bool, by: Actor, now: datetime) -> bool:
    """A receipt that the gateway brought by itself, by our key or its reference. True when it ended a delivery."""
    faxes = Delivery.objects.filter(_faxes(S.SENDING, S.HANDED_OVER, S.UNKNOWN))
    channel, _colon, pk = key.partition(":")
    if channel == Delivery.Channel.FAX:
        try:
            found = faxes.filter(pk=UUID(pk)).first()
        except ValueError:
            return False
    else:
        found = faxes.filter(reference=reference).first() if reference else None
    if found is None:
        return False
    report = FaxReport(FaxState.DELIVERED if arrived else FaxState.FAILED, reference)
    return take_report(delivery_id=found.pk, report=report, by=by, now=now)
