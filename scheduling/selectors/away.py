"""The visits of a provider who is away, most urgent first, each with the times that could replace it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import prefetch_related_objects

from coordinator.accounts.models import Practitioner, Site
from patients.safe_contact import with_safety
from scheduling.models import Appointment, Block
from scheduling.rules import away
from scheduling.rules.local_time import local_day
from scheduling.rules.slots import Ask, Slot
from scheduling.selectors.appointments import phones
from scheduling.selectors.slots import Offer, SiteTime, site_time
from scheduling.workflow import HOLDING, UPCOMING

LOOK_AHEAD = timedelta(days=28)
MOST = 200
Spans = list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Choice:
    """A free time for this visit; `is_late`: after what still serves."""

    offer: Offer
    is_late: bool
    is_own: bool


@dataclass
class Row:
    """One visit to move. `refused` is the sentence of a move that was not possible; `ticked` and `why`, as it was sent.

    `asks`: it moves all the same, with a reason.
    """

    visit: Appointment
    reasons: list[str]
    choices: list[Choice] = field(default_factory=list)
    chosen: str = ""
    refused: str = ""
    ticked: bool = False
    asks: bool = False
    why: str = ""


def blocks_of_people(user: Any, now: datetime) -> list[Block]:
    """When providers are away, now or later, soonest first (one query)."""
    found = Block.objects.visible_to(user).filter(practitioner__isnull=False, ends_at__gt=now)
    return list(found.select_related("practitioner", "site").order_by("starts_at", "id")[:MOST])


def visits_of(block: Block) -> Any:
    """Visits that are booked while the provider is away."""
    return Appointment.objects.filter(
        status__in=UPCOMING,
        practitioner=block.practitioner_id,
        start__lt=block.ends_at,
        end__gt=block.starts_at,
    )


def touched_by(user: Any, block: Block, now: datetime) -> tuple[list[Row], int, bool]:
    """Rows in the published order, up to MOST; how many less urgent visits follow; and whether there are visits that
    this person may not see. About ten queries for any number."""
    all_of_them = visits_of(block).filter(start__gt=now)
    seen = list(
        all_of_them.visible_to(user).select_related(
            "patient", "service", "practitioner", "site__calendar", "referral", "authorization"
        )
    )
    facts = {visit.pk: _facts(visit) for visit in seen}
    today = local_day(now, block.site.zone)
    visits = sorted(seen, key=lambda visit: away.order(facts[visit.pk], today))[:MOST]
    prefetch_related_objects(visits, phones())
    with_safety(visit.patient for visit in visits)
    rows = [Row(visit, list(away.why(facts[visit.pk], now))) for visit in visits]
    _propose(rows, facts, now)
    return rows, len(seen) - len(visits), all_of_them.count() > len(seen)


def _facts(visit: Appointment) -> away.Touched:
    urgencies = [visit.priority, visit.referral.urgency if visit.referral else "routine"]
    worst = next((one for one in away.URGENCIES if one in urgencies), "routine")
    assert visit.practitioner_id is not None
    return away.Touched(
        key=visit.pk,
        patient_id=visit.patient_id,
        practitioner_id=visit.practitioner_id,
        start=visit.start,
        booked_at=visit.booked_at,
        zone=visit.zone,
        urgency=worst,
        authorization_ends=visit.authorization.ends_on if visit.authorization else None,
        must_be_by=visit.must_be_by,
    )


def _propose(rows: list[Row], facts: dict[UUID, away.Touched], now: datetime) -> None:
    """Two queries for each place and one for the patients, however many visits."""
    taken, busy = away.Taken(), _busy([row.visit for row in rows], now)
    times: dict[UUID, SiteTime] = {}
    free: dict[tuple[Any, ...], list[Slot]] = {}
    for row in rows:
        visit = row.visit
        first = local_day(now, visit.site.zone) + timedelta(days=1)  # time enough to be told
        if visit.site_id not in times:
            times[visit.site_id] = site_time(visit.site, first, first + LOOK_AHEAD)
        time = times[visit.site_id]
        minutes = round((visit.end - visit.start).total_seconds() / 60)
        key = (visit.site_id, visit.service_id, minutes)
        if key not in free:
            free[key] = _free(time, visit.site, visit.service_id, minutes, first, now)
        same_kind = _same_kind(visit.practitioner, time)
        fitting = [slot for slot in free[key] if slot.practitioner_id in same_kind]
        one = facts[visit.pk]
        own = [span for span in busy[visit.patient_id] if span != (visit.start, visit.end)]
        row.choices = [
            Choice(
                Offer(slot.start, slot.end, time.practitioners[slot.practitioner_id]),
                away.is_late(one, slot),
                slot.practitioner_id == visit.practitioner_id,
            )
            for slot in away.options(one, fitting, own, taken)
        ]
        row.chosen = row.choices[0].offer.value if row.choices else ""


def _free(
    time: SiteTime, site: Site, service_id: UUID, minutes: int, first: date, now: datetime
) -> list[Slot]:
    ask = Ask(first, first + LOOK_AHEAD, site.zone, minutes, now, service_id)
    return sorted(time.slots(ask))


def _same_kind(provider: Practitioner | None, time: SiteTime) -> set[UUID]:
    """Providers of the same role and specialty; the visit type was looked at with the free times."""
    if provider is None:
        return set(time.practitioners)
    kind = _kind(provider)
    return {pk for pk, one in time.practitioners.items() if pk == provider.pk or _kind(one) == kind}


def _kind(provider: Practitioner) -> Any:
    return provider.specialty


def _busy(visits: list[Appointment], now: datetime) -> dict[UUID, Spans]:
    """When these patients have visits, at any place (one query)."""
    found: dict[UUID, Spans] = defaultdict(list)
    held = Appointment.objects.filter(
        patient__in=[visit.patient_id for visit in visits], status__in=HOLDING, time_known=True, end__gt=now
    )
    for patient_id, start, end in held.values_list("patient_id", "start", "end"):
        found[patient_id].append((start, end))
    return found
