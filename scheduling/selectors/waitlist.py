"""Who waits, which times are free again, and who would be asked first, in the same few queries for any clinic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from coordinator.accounts.models import Site
from coordinator.workflow import Actor, System
from patients.safe_contact import with_safety
from patients.workflow import PatientStatus
from scheduling.models import Appointment, Block, WaitlistEntry, WaitlistOffer
from scheduling.rules.waitlist import Opening, Wish, answer_until, ranked, why
from scheduling.selectors.appointments import phones
from scheduling.waitlist_workflow import EntryStatus, OfferStatus
from scheduling.workflow import HOLDING, Status

MOST_TIMES, MOST_ENTRIES = 50, 500


def opening_of(freed: Appointment) -> Opening | None:
    """The time that a cancelled visit left, or None when there is none to offer."""
    if freed.status != Status.CANCELLED or freed.practitioner_id is None or not freed.time_known:
        return None
    return Opening(
        service_id=freed.service_id,
        site_id=freed.site_id,
        practitioner_id=freed.practitioner_id,
        start=freed.start,
        end=freed.end,
        zone=freed.zone,
    )


def wish_of(entry: WaitlistEntry) -> Wish:
    return Wish(
        key=entry.pk,
        patient_id=entry.patient_id,
        service_id=entry.service_id,
        site_id=entry.site_id,
        since=entry.since,
        practitioner_id=entry.practitioner_id,
        earliest=entry.earliest_on,
        latest=entry.latest_on,
        weekdays=frozenset(entry.weekdays),
        part=entry.part_of_day,
        is_urgent=entry.priority == "urgent",
    )


def wishes_for(opening: Opening, by: Actor) -> list[Wish]:
    """Those who wait for this visit type at this place and whom this person may see (one query); a job sees all."""
    seen = WaitlistEntry.objects if isinstance(by, System) else WaitlistEntry.objects.all().visible_to(by)
    waiting = seen.filter(
        status=EntryStatus.WAITING,
        site=opening.site_id,
        service=opening.service_id,
        patient__status=PatientStatus.ACTIVE,
    )
    return [wish_of(entry) for entry in waiting]


def not_to_ask(opening: Opening) -> set[UUID]:
    """Patients who were asked about this time before, or have a visit then, wherever it is (two queries)."""
    asked = WaitlistOffer.objects.filter(practitioner=opening.practitioner_id, start=opening.start)
    asked = asked.exclude(status__in=(OfferStatus.WITHDRAWN, OfferStatus.ENTERED_IN_ERROR))
    waiting = WaitlistEntry.objects.waiting().filter(site=opening.site_id)
    busy = Appointment.objects.holding().filter(
        time_known=True,
        start__lt=opening.end,
        end__gt=opening.start,
        patient__in=waiting.values("patient"),
    )
    return {
        *asked.values_list("entry__patient_id", flat=True),
        *busy.values_list("patient_id", flat=True),
    }


def is_still_free(opening: Opening) -> bool:
    """Nobody has the provider then, and nothing blocks the time (two queries)."""
    now_taken = Appointment.objects.holding().filter(
        practitioner=opening.practitioner_id,
        start__lt=opening.end,
        end__gt=opening.start,
        overlap_allowed=False,
    )
    blocked = Block.objects.filter(
        Q(practitioner=opening.practitioner_id) | Q(practitioner=None, site=opening.site_id),
        starts_at__lt=opening.end,
        ends_at__gt=opening.start,
    )
    return not now_taken.exists() and not blocked.exists()


# --- the page ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    entry: WaitlistEntry
    because: list[str]


@dataclass(frozen=True)
class OpenTime:
    """A time that is free again: who would be asked first and why, and who was asked before, of those whom this person
    may see."""

    freed: Appointment
    first: Candidate | None
    others: int = 0
    asked: list[WaitlistOffer] = field(default_factory=list)


def open_times(user: Any, site: Site, entries: Sequence[WaitlistEntry], now: datetime) -> list[OpenTime]:
    """Times of cancelled visits ahead that are still free and about which nobody is being asked: those that suit
    somebody first, each soonest first.

    Six queries. `entries` are those who wait at this place.
    """
    found = list(_freed(user, site, now))
    asked = _asked(found)
    shown = _shown(user, asked)
    busy = _busy(site, found)
    by_key = {entry.pk: entry for entry in entries}
    wishes = [wish_of(entry) for entry in entries if entry.status == EntryStatus.WAITING]
    times = []
    for freed in found:
        opening = opening_of(freed)
        if opening is None or answer_until(None, opening.start) <= now:
            continue
        before = asked.get((freed.practitioner_id, freed.start), [])
        if any(offer.status == OfferStatus.OFFERED for offer in before):
            continue
        told = [one for one in before if one.status != OfferStatus.WITHDRAWN]
        without = {one.entry.patient_id for one in told} | busy(opening)
        fitting = ranked(wishes, opening, without)
        first = None
        if fitting:
            because = list(why(fitting[0], opening, 1, len(fitting), now))
            first = Candidate(by_key[fitting[0].key], because)
        seen = [one for one in before if one.pk in shown]
        times.append(OpenTime(freed, first, max(len(fitting) - 1, 0), seen))
    return sorted(times, key=lambda time: (time.first is None, time.freed.start))


def _freed(user: Any, site: Site, now: datetime) -> QuerySet[Appointment]:
    """Cancelled visits ahead whose time nobody has, each time once."""
    same_time = {
        "practitioner": OuterRef("practitioner"),
        "start__lt": OuterRef("end"),
        "end__gt": OuterRef("start"),
    }
    held = Appointment.objects.filter(status__in=HOLDING, overlap_allowed=False, **same_time)
    blocked = Block.objects.filter(
        Q(practitioner=OuterRef("practitioner")) | Q(practitioner=None, site=OuterRef("site")),
        starts_at__lt=OuterRef("end"),
        ends_at__gt=OuterRef("start"),
    )
    later = Appointment.objects.filter(
        status=Status.CANCELLED,
        practitioner=OuterRef("practitioner"),
        start=OuterRef("start"),
        service=OuterRef("service"),
        pk__gt=OuterRef("pk"),
    )
    return (
        Appointment.objects.visible_to(user)
        .filter(
            site=site, status=Status.CANCELLED, start__gt=now, time_known=True, practitioner__isnull=False
        )
        .filter(~Exists(held), ~Exists(blocked), ~Exists(later), practitioner__is_active=True)
        .select_related("service", "practitioner", "site")
        .order_by("start", "pk")[:MOST_TIMES]
    )


def _asked(freed: Iterable[Appointment]) -> dict[tuple[Any, datetime], list[WaitlistOffer]]:
    """Offers of these times, also those to people whom this person may not see: they were asked all the same."""
    times = list(freed)
    found = WaitlistOffer.objects.filter(
        practitioner__in={one.practitioner_id for one in times}, start__in={one.start for one in times}
    )
    by_time: dict[tuple[Any, datetime], list[WaitlistOffer]] = defaultdict(list)
    for offer in found.exclude(status=OfferStatus.ENTERED_IN_ERROR).select_related("entry__patient"):
        by_time[offer.practitioner_id, offer.start].append(offer)
    return by_time


def _shown(user: Any, asked: dict[Any, list[WaitlistOffer]]) -> set[UUID]:
    """Those of them that this person may see (one query)."""
    keys = [offer.pk for offers in asked.values() for offer in offers]
    seen = WaitlistOffer.objects.visible_to(user).filter(pk__in=keys)
    return set(seen.values_list("pk", flat=True)) if keys else set()


def _busy(site: Site, freed: Collection[Appointment]) -> Any:
    """Who has a visit at a time, as a function of it (one query)."""
    if not freed:
        return lambda opening: set()
    first, last = min(one.start for one in freed), max(one.end for one in freed)
    waiting = WaitlistEntry.objects.waiting().filter(site=site)
    held = Appointment.objects.holding().filter(
        time_known=True, start__lt=last, end__gt=first, patient__in=waiting.values("patient")
    )
    rows = list(held.values_list("patient_id", "start", "end"))
    return lambda opening: {who for who, start, end in rows if start < opening.end and opening.start < end}


def waiting_at(user: Any, site: Site) -> list[WaitlistEntry]:
    """Those who wait at a place in the published order, with their phones (three queries)."""
    found = (
        WaitlistEntry.objects.visible_to(user)
        .open()
        .filter(site=site)
        .select_related("patient", "service", "practitioner")
        .prefetch_related(phones())
        .order_by("-priority", "since", "pk")[:MOST_ENTRIES]
    )
    entries = list(found)
    with_safety(entry.patient for entry in entries)
    return entries


def open_offers(user: Any, site: Site) -> list[WaitlistOffer]:
    """Who is being asked, soonest answer first (three queries)."""
    found = (
        WaitlistOffer.objects.visible_to(user)
        .open()
        .filter(site=site)
        .select_related("entry__patient", "entry__service", "practitioner", "clock")
        .prefetch_related(phones("entry__patient"))
        .order_by("answer_by", "pk")
    )
    offers = list(found)
    with_safety(offer.entry.patient for offer in offers)
    return offers
