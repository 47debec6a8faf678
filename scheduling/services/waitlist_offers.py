"""Offering a freed time: to the first whom it suits, until a time; a "no" or no answer goes on to the next by itself.

An offer holds nobody's time. A "yes" is booked like every other visit, and who books first has it. Locks are taken in
the order of booking: the provider and the patient (advisory), then the offer, then the entry.
"""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import TaskKind
from coordinator.accounts.models import Site
from coordinator.clocks import services as clocks
from coordinator.db import Conflict, advisory_lock, lock, refusals, retry_deadlocks
from coordinator.wording import clock_time, day_time, in_clinic_language
from coordinator.workflow import Actor, NotAllowed, begin, move, person
from scheduling.models import Appointment, WaitlistEntry, WaitlistOffer
from scheduling.permissions import check_can_manage
from scheduling.rules.local_time import local_day
from scheduling.rules.waitlist import Opening, answer_until, ranked, why
from scheduling.selectors.facts import closed_days
from scheduling.selectors.waitlist import is_still_free, not_to_ask, opening_of, wishes_for
from scheduling.services.appointments import book_appointment
from scheduling.services.waitlist_ends import ANSWER, over, wait_on

FREED = ("patient", "site__calendar", "service", "practitioner")


@retry_deadlocks
def offer_time(*, freed_by_id: UUID, by: Actor, now: datetime, entry_id: UUID | None = None) -> WaitlistOffer:
    """Offer the time of a cancelled visit to the first whom it suits, or to `entry_id` when it suits them.

    Raises PermissionDenied, NotAllowed (not free any more, nobody fits), Conflict when somebody is being asked.
    """
    freed = Appointment.objects.select_related(*FREED).get(pk=freed_by_id)
    check_can_manage(by, freed)
    with transaction.atomic():
        offer = _offer_next(freed, by=by, now=now, only=entry_id)
    if offer is None:
        raise NotAllowed(_("Nobody on the waitlist is suited by this time."))
    return offer


@in_clinic_language
def _offer_next(
    freed: Appointment, *, by: Actor, now: datetime, only: UUID | None = None
) -> WaitlistOffer | None:
    """The next offer of this time, or None when nobody is left. Raises NotAllowed when it cannot be offered."""
    opening = opening_of(freed)
    if opening is None:
        raise NotAllowed(_("Only the time of a cancelled visit with a provider can be offered."))
    advisory_lock(("practitioner", opening.practitioner_id))
    if answer_until(None, opening.start) <= now:
        raise NotAllowed(_("This time is too near to be offered to anybody."))
    if not is_still_free(opening) or not (freed.practitioner and freed.practitioner.is_active):
        raise NotAllowed(_("This time is not free any more."))
    candidates = ranked(wishes_for(opening, by), opening, not_to_ask(opening))
    for place, wish in enumerate(candidates, start=1):
        if only is not None and wish.key != only:
            continue
        entry = lock(
            WaitlistEntry.objects.waiting().select_related(
                "patient__site", "patient__coordinator", "site", "service"
            ),
            wish.key,
        )
        because = list(why(wish, opening, place, len(candidates), now))
        return _offer(freed, opening, entry, because, by, now)
    return None


def _offer(
    freed: Appointment,
    opening: Opening,
    entry: WaitlistEntry,
    because: list[str],
    by: Actor,
    now: datetime,
) -> WaitlistOffer:
    offer = WaitlistOffer(
        entry=entry,
        site=freed.site,
        practitioner_id=opening.practitioner_id,
        freed_by=freed,
        start=opening.start,
        end=opening.end,
        because=because,
        offered_at=now,
        answer_by=answer_until(None, opening.start),
        created_by=person(by),
    )
    clock = clocks.start_clock(
        subject=offer,
        kind=ANSWER,
        anchor_at=now,
        anchor_label=_("time offered"),
        zone=freed.zone,
        calendar=freed.site.calendar,
        site_id=freed.site_id,
        by=by,
        now=now,
    )
    offer.clock, offer.answer_by = clock, answer_until(clock.due_at if clock else None, opening.start)
    asked = _("Somebody is being asked about this time already.")
    same = _("This person is being asked about another time already.")
    with refusals(waitlist_offer_one_per_time=asked, waitlist_offer_one_per_person=same):
        begin(offer, by=by, now=now, step="create", entry=str(entry.pk))
    move(entry, "offer", by=by, now=now, offer=str(offer.pk))
    _ask_to_call(offer, entry, freed, by, now)
    return offer


def _ask_to_call(
    offer: WaitlistOffer, entry: WaitlistEntry, freed: Appointment, by: Actor, now: datetime
) -> None:
    with timezone.override(ZoneInfo(freed.zone)):
        words = {"when": day_time(offer.start), "who": freed.practitioner, "by": clock_time(offer.answer_by)}
    careplans.open_task(
        patient=entry.patient,
        site=freed.site,
        kind=TaskKind.OUTREACH_CALL,
        title=_("Call: a time has opened for %(service)s") % {"service": entry.service.name},
        reason=_("%(when)s with %(who)s. The offer ends at %(by)s.") % words,
        next_step=_("Ask, and record yes or no on the waitlist."),
        priority="urgent",
        due_at=offer.answer_by,
        due_has_time=True,
        clock=offer.clock if offer.clock and offer.clock.due_at == offer.answer_by else None,
        dedupe_key=f"waitlist_offer:{offer.pk}",
        cause=offer,
        by=by,
        now=now,
    )


# --- answers ----------------------------------------------------------------------------------------------------


@retry_deadlocks
def accept_offer(*, offer_id: UUID, by: Actor, now: datetime, override_reason: str = "") -> Appointment:
    """They said yes: the visit is booked like every other one.

    Raises NotAllowed when the offer ended meanwhile, and everything that `book_appointment` raises: nothing is changed
    then. A yes that comes late counts as long as nobody recorded the end.
    """
    seen = WaitlistOffer.objects.select_related("entry").get(pk=offer_id)
    entry = seen.entry
    with transaction.atomic():
        advisory_lock(("practitioner", seen.practitioner_id), ("patient", entry.patient_id))
        offer = lock(WaitlistOffer.objects, offer_id)
        check_can_manage(by, offer)
        move(offer, "accept", by=by, now=now, answered_at=now)
        over(offer, _("They took the time."), by=by, now=now, answered=True)
        # Booking ends the wait itself (waitlist_ends.settle_waits).
        return book_appointment(
            patient_id=entry.patient_id,
            service_id=entry.service_id,
            site_id=offer.site_id,
            practitioner_id=offer.practitioner_id,
            start=offer.start,
            override_reason=override_reason,
            priority=entry.priority,
            by=by,
            now=now,
        )


@retry_deadlocks
def decline_offer(
    *, offer_id: UUID, by: Actor, now: datetime, reason: str = ""
) -> tuple[WaitlistOffer, WaitlistOffer | None]:
    """They said no: the next one is offered the time, if somebody fits. Returns the old and the new offer."""
    return _end(offer_id, "decline", by=by, now=now, outcome=_("They said no."), reason=reason.strip())


@retry_deadlocks
def withdraw_offer(*, offer_id: UUID, reason: str, by: Actor, now: datetime) -> WaitlistOffer:
    """We take the offer back; nobody else is asked by itself."""
    outcome = _("The offer was taken back.")
    return _end(
        offer_id, "withdraw", by=by, now=now, outcome=outcome, reason=reason.strip(), passes_on=False
    )[0]


def _end(
    offer_id: UUID,
    step: str,
    *,
    by: Actor,
    now: datetime,
    outcome: str,
    reason: str = "",
    passes_on: bool = True,
) -> tuple[WaitlistOffer, WaitlistOffer | None]:
    """One transaction: the answer, the wait that goes on, and the next offer. Run again, it finds the answer there."""
    practitioner_id = WaitlistOffer.objects.values_list("practitioner_id", flat=True).get(pk=offer_id)
    with transaction.atomic():
        advisory_lock(("practitioner", practitioner_id))
        offer = lock(WaitlistOffer.objects, offer_id)
        check_can_manage(by, offer)
        move(offer, step, by=by, now=now, reason=reason, answered_at=now)
        over(offer, outcome, by=by, now=now, answered=step == "decline")
        wait_on(offer.entry_id, by=by, now=now)
        return offer, _pass_on(offer, by, now) if passes_on else None


def _pass_on(offer: WaitlistOffer, by: Actor, now: datetime) -> WaitlistOffer | None:
    freed = Appointment.objects.select_related(*FREED).get(pk=offer.freed_by_id)
    try:
        with transaction.atomic():
            return _offer_next(freed, by=by, now=now)
    except (NotAllowed, Conflict, WaitlistEntry.DoesNotExist):
        return None  # taken, too near, or somebody is being asked: the page shows the time as it stands


def expire_offers(*, by: Actor, now: datetime) -> dict[str, int]:
    """Offers whose time is over end, and the next is asked; only while the place is open, for nobody is called at
    night. Each in its own transaction: killed and run again, nothing is done twice. Returns how many of each."""
    counts = {"expired": 0, "passed_on": 0}
    due = WaitlistOffer.objects.open().filter(answer_by__lte=now).select_related("site__calendar")
    for offer in due.order_by("answer_by", "pk"):
        if not is_open(offer.site, now) and offer.start > now:
            continue
        done = _expire(offer.pk, by, now)
        counts["expired"] += done is not None
        counts["passed_on"] += bool(done and done[1])
    return counts


def _expire(pk: UUID, by: Actor, now: datetime) -> tuple[WaitlistOffer, WaitlistOffer | None] | None:
    try:
        return _end(pk, "expire", by=by, now=now, outcome=_("Nobody answered in time."))
    except NotAllowed:
        return None  # answered, or expired by another worker, in this very moment


def is_open(site: Site, now: datetime) -> bool:
    """Whether somebody could be called: an open day of the place, inside its hours."""
    local = now.astimezone(ZoneInfo(site.zone))
    until = time(site.close_hour) if site.close_hour < 24 else time.max
    return not closed_days(site)(local_day(now, site.zone)) and time(site.open_hour) <= local.time() < until
