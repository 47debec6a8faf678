"""What the reminder rules must know about a batch of visits, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from coordinator.accounts.models import Site
from coordinator.messaging.models import COUNTED, REMINDER, Message, MessageStatus
from patients.models import ContactPoint, Topic, owner_hears
from patients.safe_contact import SAFE, Safety, safety_of
from patients.workflow import PatientStatus
from scheduling.models import Appointment, ReminderWindow, Service
from scheduling.rules.reminder_texts import Sender, has_wording
from scheduling.rules.reminders import Address, Hours, Ledger, Visit, visit_key
from scheduling.rules.zones import recipient_zones
from scheduling.workflow import UPCOMING, Status

DEFAULT_WINDOWS = (3, 1)
WEEK = timedelta(days=8)
# A visit that has these cannot have had them before it began: on an earlier night it was booked.
HAPPENED = (Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED, Status.NO_SHOW)
# Without an agreed time, replaced by another visit, or never real: nothing to remind of, nothing to explain.
NOT_VISITS = (Status.PROPOSED, Status.WAITLIST, Status.RESCHEDULED, Status.ENTERED_IN_ERROR)
# Decided for good. Other skips are asked again as long as their window is open: facts change.
FINAL_SKIPS = ("booked_after_window", "window_missed", "daily_limit", "weekly_limit")
TOLD = (*COUNTED, MessageStatus.FAILED)


@dataclass(frozen=True)
class Cadence:
    """Days before a visit at which reminders go: a service's own, else the clinic's."""

    default: tuple[int, ...]
    by_service: Mapping[UUID, tuple[int, ...]]

    def of(self, service_id: UUID) -> tuple[int, ...]:
        return self.by_service.get(service_id, self.default)

    @property
    def longest(self) -> int:
        return max((day for days in (self.default, *self.by_service.values()) for day in days), default=0)


def cadence() -> Cadence:
    """One query. A service with rows of its own uses those, even when all of them are switched off."""
    rows = list(ReminderWindow.objects.values_list("service_id", "days_before", "is_active"))
    days: dict[UUID | None, set[int]] = defaultdict(set)
    for service_id, before, active in rows:
        days[service_id] |= {before} if active else set()
    default = days.pop(None, set(DEFAULT_WINDOWS) if not rows else set())
    return Cadence(
        _largest_first(default), {key: _largest_first(found) for key, found in days.items() if key}
    )


def _largest_first(days: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(days, reverse=True))


def reminder_days() -> tuple[tuple[int, ...], list[tuple[Service, tuple[int, ...]]], list[Service]]:
    """For the settings page: the days of all, services with days of their own, and all services (two queries)."""
    days = cadence()
    services = list(Service.objects.all())
    own = [(service, days.by_service[service.pk]) for service in services if service.pk in days.by_service]
    return (
        days.default,
        own,
        [service for service in services if service.is_active or service.pk in days.by_service],
    )


@dataclass(frozen=True)
class Person:
    """What a message needs to address its receiver."""

    first_name: str
    language: str


def ahead(now: datetime, until: datetime) -> QuerySet[Appointment]:
    """Visits that have not begun and start before `until`; one whose hour is not known is ahead all day."""
    not_begun = Q(start__gt=now) | Q(time_known=False, start__gt=now - timedelta(days=1))
    return Appointment.objects.filter(not_begun, start__lt=until).exclude(status__in=NOT_VISITS)


@dataclass(frozen=True)
class Facts:
    """A batch: visits of some patients (all of theirs in range), and who the patients are."""

    visits: list[Visit]
    people: Mapping[UUID, Person]


def visit_facts(
    patient_ids: Sequence[UUID],
    *,
    sites: Mapping[UUID, Site],
    windows: Cadence,
    now: datetime,
    until: datetime,
    as_of_then: bool = False,
) -> Facts:
    """Visits of these patients that are ahead at `now` and start before `until` (three queries).

    `as_of_then` asks how it was that day: a visit that was later seen or missed was booked then, and one that was
    booked on a later day was not there.
    """
    rows = list(
        ahead(now, until)
        .filter(patient__in=patient_ids)
        .values(
            *(
                "id",
                "start_version",
                "start",
                "zone",
                "time_known",
                "status",
                "booked_at",
                "service_id",
                "site_id",
            ),
            *(
                "patient_id",
                "patient__status",
                "patient__deceased_on",
                "patient__time_zone",
                "patient__state",
            ),
            *("patient__given_name", "patient__preferred_name", "patient__language"),
        )
    )
    if as_of_then:
        rows = [row for row in rows if row["booked_at"] < range_end(now, 0, sites[row["site_id"]].zone)]
    people_ids = {row["patient_id"] for row in rows}
    safeties = safety_of(list(people_ids))
    addresses = _addresses(people_ids, now, safeties)
    visits = [
        _visit(
            row,
            sites[row["site_id"]],
            windows,
            addresses.get(row["patient_id"], ()),
            as_of_then,
            safeties.get(row["patient_id"], SAFE),
        )
        for row in rows
    ]
    people = {
        row["patient_id"]: Person(
            row["patient__preferred_name"] or row["patient__given_name"], row["patient__language"]
        )
        for row in rows
    }
    return Facts(visits, people)


def _visit(
    row: dict[str, Any],
    site: Site,
    windows: Cadence,
    addresses: tuple[Address, ...],
    as_of_then: bool,
    wishes: Safety,
) -> Visit:
    hours, held = _hours(site, wishes)
    booked = (*UPCOMING, *HAPPENED) if as_of_then else UPCOMING
    return Visit(
        id=row["id"],
        version=row["start_version"],
        patient_id=row["patient_id"],
        site_id=site.pk,
        start=row["start"],
        zone=row["zone"],
        time_known=row["time_known"],
        booked_at=row["booked_at"],
        remindable=row["status"] in booked,
        patient_active=row["patient__status"] == PatientStatus.ACTIVE and row["patient__deceased_on"] is None,
        addresses=addresses,
        recipient_zones=recipient_zones(row["patient__time_zone"], site.zone, row["patient__state"]),
        windows=windows.of(row["service_id"]),
        site_zone=site.zone,
        hours=hours,
        safe_contact_hold=held or wishes.no_messages,
        site_on=site.reminders_on,
        has_text=sender(site).is_complete and has_wording(REMINDER, "sms"),
    )


def _hours(site: Site, wishes: Safety) -> tuple[Hours, bool]:
    """The site's hours, narrowed to those in which the patient may be called; and whether none is left."""
    own = Hours(site.reminder_hour, site.quiet_from, site.quiet_until)
    span = wishes.hours()
    if span is None:
        return own, False
    allowed = [hour for hour in range(*span) if own.allows(hour)]
    if not allowed:
        return own, True
    return Hours(site.reminder_hour, quiet_from=allowed[-1] + 1, quiet_until=allowed[0]), False


def sender(site: Site) -> Sender:
    return Sender(site.name, site.short_name, site.phone)


def _addresses(
    patient_ids: Iterable[UUID], now: datetime, safeties: Mapping[UUID, Safety]
) -> dict[UUID, tuple[Address, ...]]:
    """Mobile numbers and e-mail addresses that can be used as they are written, by patient, in their own order."""
    found: dict[UUID, list[Address]] = defaultdict(list)
    points = ContactPoint.objects.filter(patient__in=list(patient_ids), ended_at=None).exclude(normalized="")
    points = points.annotate(hears=owner_hears(Topic.SCHEDULING, now.date()))
    for row in points.order_by("rank", "created_at").values(
        *("patient_id", "kind", "use", "normalized", "ok_to_message", "opted_out_at", "failing_since"),
        "hears",
    ):
        if address := _address(row, safeties.get(row["patient_id"], SAFE)):
            found[row["patient_id"]].append(address)
    return {key: tuple(addresses) for key, addresses in found.items()}


def _address(row: dict[str, Any], wishes: Safety) -> Address | None:
    is_phone = row["kind"] == ContactPoint.Kind.PHONE
    if is_phone and row["use"] != ContactPoint.Use.MOBILE:
        return None
    return Address(
        channel="sms" if is_phone else "email",
        value=row["normalized"],
        permitted=row["ok_to_message"],
        opted_out=row["opted_out_at"] is not None,
        failing=row["failing_since"] is not None,
        hears=row["hears"],
        is_safe=not wishes.is_unsafe_at(row["kind"], row["normalized"]),
    )


# --- the ledger -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LedgerFacts:
    """The rules' view of the ledger, and the rows that may still get another decision, by visit key."""

    ledger: Ledger
    revisable: Mapping[str, UUID]
    present: frozenset[str]


def ledger_facts(visits: Sequence[Visit], *, now: datetime) -> LedgerFacts:
    """What the ledger says about these visits and the addresses of their patients (two queries)."""
    by_id = {visit.id: visit for visit in visits}
    settled, told, revisable, present = set(), set(), {}, set()
    rows = Message.objects.filter(purpose=REMINDER, about_id__in=list(by_id))
    for pk, about, key, status, reason in rows.values_list("id", "about_id", "key", "status", "skip_reason"):
        visit, short = by_id[about], key.rpartition(":")[0]
        window = int(short.rpartition(":")[2].removesuffix("d"))
        if short != visit_key(visit.id, visit.version, window):
            continue  # of an earlier start of this visit
        present.add(short)
        open_again = status == MessageStatus.CANCELLED or (
            status == MessageStatus.SKIPPED and reason not in FINAL_SKIPS
        )
        if open_again:
            revisable[short] = pk
        else:
            settled.add(short)
        if status in TOLD:
            told.add((visit.patient_id, visit.day, window))
    addresses = {address.value for visit in visits for address in visit.addresses}
    ledger = Ledger(frozenset(settled), frozenset(told), sent_lately(addresses, now=now))
    return LedgerFacts(ledger, revisable, frozenset(present))


def sent_lately(addresses: Iterable[str], *, now: datetime) -> dict[str, list[datetime]]:
    """When messages went or will go to these addresses, from a week before `now` on (one query)."""
    sent: dict[str, list[datetime]] = defaultdict(list)
    rows = Message.objects.filter(
        address__in=list(addresses), status__in=COUNTED, send_after__gt=now - WEEK
    ).exclude(purpose__in=UNLIMITED)
    for address, send_after, finished_at, replay in rows.values_list(
        "address", "send_after", "finished_at", "replay"
    ):
        sent[address].append(send_after if replay or finished_at is None else finished_at)
    return sent


UNLIMITED = ("opt_out_confirmation",)


def due_patients(*, sites: Iterable[UUID], now: datetime, until: datetime) -> list[UUID]:
    """Patients with a visit at these sites in that time, in the order of their keys."""
    found = ahead(now, until).filter(site__in=list(sites)).order_by("patient_id")
    return list(found.values_list("patient_id", flat=True).distinct())


def range_end(now: datetime, longest: int, zone: str) -> datetime:
    """The end of the last local day whose first reminder falls on today or before."""
    local = now.astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=longest + 1)
