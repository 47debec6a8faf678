"""What ends a wait or an offer from elsewhere: a visit was booked, a time was taken, an entry ended. Consequences only.

Called inside the booking's transaction, after its advisory locks, by `consequences`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from careplans import services as careplans
from coordinator.clocks import services as clocks
from coordinator.db import lock
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, move
from scheduling.models import Appointment, Block, WaitlistEntry, WaitlistOffer
from scheduling.waitlist_workflow import WAITS, EntryStatus, OfferStatus

ANSWER, REVIEW = "waitlist.answer", "waitlist.review"


def settle_waits(visit: Appointment, *, by: Actor, now: datetime, is_later: bool = False) -> None:
    """The patient has what they waited for, and nobody else is asked about that time any more. Two queries at least.

    `is_later`: the visit was only put off, so whoever waits for a sooner one waits on.
    """
    mine = WaitlistEntry.objects.open().filter(patient=visit.patient_id, service=visit.service_id)
    waits = [] if is_later else list(mine.order_by("pk").values_list("pk", flat=True))
    withdraw_offers_of(waits, reason=_("A visit was booked."), by=by, now=now)
    for key in waits:
        entry = lock(WaitlistEntry.objects, key)
        if entry.status in WAITS:
            move(entry, "book", by=by, now=now, appointment=visit)
            clocks.meet_clocks(subject=entry, kinds=[REVIEW], by=by, now=now)
            careplans.close_tasks_caused_by(cause=entry, by=by, now=now, outcome=_("A visit was booked."))
    if visit.practitioner_id:
        taken = WaitlistOffer.objects.open().filter(
            practitioner=visit.practitioner_id, start__lt=visit.end, end__gt=visit.start
        )
        _withdraw(taken, _("The time was booked for somebody else."), by, now)


@in_clinic_language
def withdraw_offers_in(block: Block, *, by: Actor, now: datetime) -> int:
    """Nobody is asked any more about a time that is blocked; returns how many offers that took back."""
    blocked = WaitlistOffer.objects.open().filter(start__lt=block.ends_at, end__gt=block.starts_at)
    if block.practitioner_id:
        blocked = blocked.filter(practitioner=block.practitioner_id)
    else:
        blocked = blocked.filter(site=block.site_id)
    return _withdraw(blocked, _("This time is not free any more."), by, now)


def withdraw_offers_of(entry_ids: Iterable[UUID], *, reason: str, by: Actor, now: datetime) -> int:
    """Take back what these entries were offered and have not answered; returns how many."""
    keys = list(entry_ids)
    return _withdraw(WaitlistOffer.objects.open().filter(entry__in=keys), reason, by, now) if keys else 0


def _withdraw(offers: object, reason: str, by: Actor, now: datetime) -> int:
    keys = list(offers.order_by("pk").values_list("pk", flat=True))  # type: ignore[attr-defined]
    for key in keys:
        offer = lock(WaitlistOffer.objects, key)
        if offer.status == OfferStatus.OFFERED:
            move(offer, "withdraw", by=by, now=now, reason=reason)
            over(offer, reason, by=by, now=now)
            wait_on(offer.entry_id, by=by, now=now)
    return len(keys)


def over(offer: WaitlistOffer, outcome: str, *, by: Actor, now: datetime, answered: bool = False) -> None:
    """The call about it is done or needless, and its clock met or void."""
    if answered:
        clocks.meet_clocks(subject=offer, kinds=[ANSWER], by=by, now=now)
    else:
        clocks.void_clocks(subject=offer, kinds=[ANSWER], reason=outcome, by=by, now=now)
    careplans.close_tasks_caused_by(cause=offer, by=by, now=now, outcome=outcome)


def wait_on(entry_id: UUID, *, by: Actor, now: datetime) -> None:
    entry = lock(WaitlistEntry.objects, entry_id)
    if entry.status == EntryStatus.OFFERED:
        move(entry, "wait_on", by=by, now=now)
