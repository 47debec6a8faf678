"""Visits of the last four weeks and the next three: seen, missed, cancelled, in the room now, and to come."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from coordinator.audit import services as audit
from coordinator.demo.clinic import PROVIDERS, Clinic
from coordinator.demo.patients import Patients
from coordinator.demo.work import DEMO
from patients.models import Patient
from scheduling import services
from scheduling.models import Appointment, AppointmentChange, Block
from scheduling.workflow import Status

PAST_DAYS, COMING_DAYS = 20, 15
EARLIEST, LATEST = 8, 16  # the last hour of each day stays free for whoever tries the slot finder
COMMON = [
    "Office visit",
    "Office visit",
    "Nurse visit",
    "Visit after hospital stay",
    "Care plan review",
    "Diabetes education",
]
REASONS = [
    "Blood pressure",
    "Diabetes follow-up",
    "Swelling",
    "Medicine check",
    "Cough",
    "Pain in the knee",
    "",
]


def make_visits(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    visits: list[Appointment] = []
    days = sorted({clinic.workday(n) for n in range(-PAST_DAYS, COMING_DAYS + 1)})
    for day in days:
        pools: dict[Any, Iterator[Patient]] = {
            site.pk: _shuffled([p for p in patients.values() if p.site_id == site.pk], rng)
            for site in (clinic.riverbend, clinic.northgate)
        }
        for family, *_rest, first, last in PROVIDERS:
            visits += _day_of(clinic, family, day, first, last, pools[clinic.providers[family].site_id], rng)
    _insert(clinic, visits)
    _told_today(clinic, visits)
    Block.objects.create(
        site=clinic.riverbend, practitioner=clinic.providers["Chen"], reason="Training",
        starts_at=clinic.at(clinic.workday(6), 16), ends_at=clinic.at(clinic.workday(6), 17),
    )  # fmt: skip


def _shuffled(people: list[Patient], rng: random.Random) -> Iterator[Patient]:
    return iter(rng.sample(people, len(people)))


def _day_of(
    clinic: Clinic, family: str, day: date, first: int, last: int, pool: Iterator[Patient], rng: random.Random
) -> list[Appointment]:
    """One provider's day: visits one after the other with gaps, nobody twice, lunch free."""
    visits: list[Appointment] = []
    provider = clinic.providers[family]
    moment, stop = clinic.at(day, max(first, EARLIEST)), clinic.at(day, min(last, LATEST))
    lunch, after = clinic.at(day, 12), clinic.at(day, 13)
    while moment < stop and len(visits) < 5:
        name = "Behavioral health visit" if family == "Brandvold" else rng.choice(COMMON)
        service = clinic.services[name]
        end = moment + timedelta(minutes=service.minutes)
        if moment < after and end > lunch:
            moment = after
            continue
        patient = next(pool, None)
        if patient is None or end > stop:
            break
        visits.append(
            Appointment(
                patient=patient,
                site=provider.site,
                practitioner=provider,
                room=clinic.rooms[family],
                service=service,
                start=moment,
                end=end,
                zone=clinic.riverbend.zone,
                status=_standing(clinic.now, moment, end, rng),
                reason=rng.choice(REASONS),
                booked_at=min(moment - timedelta(days=rng.randint(5, 30)), clinic.now - timedelta(hours=2)),
                created_by=clinic.users["dana"],
            )
        )
        moment = end + timedelta(minutes=rng.choice((20, 30, 60, 90, 120)))
    return visits


def _standing(
    now: datetime.datetime, start: datetime.datetime, end: datetime.datetime, rng: random.Random
) -> str:
    if start > now + timedelta(minutes=20):
        return str(Status.CANCELLED if rng.random() < 0.05 else Status.BOOKED)
    if start > now:
        return str(Status.BOOKED)
    if end > now:
        return str(Status.CHECKED_IN if start < now - timedelta(minutes=5) else Status.ARRIVED)
    draw = rng.random()
    return str(Status.NO_SHOW if draw < 0.08 else Status.CANCELLED if draw < 0.14 else Status.FULFILLED)


STEPS = {
    Status.FULFILLED: ("arrive", "check_in", "fulfill"),
    Status.CHECKED_IN: ("arrive", "check_in"),
    Status.ARRIVED: ("arrive",),
    Status.NO_SHOW: ("mark_no_show",),
    Status.CANCELLED: ("cancel",),
    Status.BOOKED: (),
}


def _insert(clinic: Clinic, visits: list[Appointment]) -> None:
    """In bulk, each with the history its steps would have written."""
    changes = []
    for visit in visits:
        if visit.status == Status.CANCELLED:
            visit.cancelled_by = "patient"
        changes.append(
            AppointmentChange(
                record=visit, step="book", to_status=Status.BOOKED, at=visit.booked_at, by=visit.created_by
            )
        )
        source, at = str(Status.BOOKED), min(visit.start, clinic.now)
        for step in STEPS[Status(visit.status)]:
            target = next(s.to for s in Appointment.workflow.steps if s.name == step)
            if step == "cancel":
                at = min(visit.start - timedelta(days=1), clinic.now - timedelta(hours=1))
            elif step in ("fulfill", "mark_no_show"):
                at = visit.end
            changes.append(
                AppointmentChange(
                    record=visit, step=step, from_status=source, to_status=target, at=at, by=visit.created_by,
                    reason="Not able to come" if step == "cancel" else "",
                )
            )  # fmt: skip
            source, at = target, at + timedelta(minutes=4)
    Appointment.objects.bulk_create(visits, batch_size=500)
    AppointmentChange.objects.bulk_create(changes, batch_size=1000)
    audit.record_many(
        [
            audit.event(
                by=DEMO, action="book", entity="scheduling.appointment", entity_id=visit.pk,
                patient_id=visit.patient_id, site_id=visit.site_id, details={"to": visit.status},
            )
            for visit in visits
        ]
    )  # fmt: skip


def _told_today(clinic: Clinic, visits: list[Appointment]) -> None:
    """What the services do when somebody presses the button: reminders, follow-up of the missed, rebooking."""
    lead, now = clinic.users["joanne"], clinic.now
    coming = [v for v in visits if v.status == Status.BOOKED and v.start > now]
    # As the night would have done it at one in the morning.
    tonight = min(now, clinic.at(clinic.today, 1))
    services.plan_reminders(appointments=coming, now=tonight, by=DEMO)
    asked_off = [v for v in coming if v.start > now + timedelta(days=4)]
    for visit in asked_off[5:8]:
        services.cancel_appointment(
            appointment_id=visit.pk, cancelled_by="patient", reason="Has no ride that day", by=lead, now=now
        )
    of_okafor = [v for v in asked_off if v.practitioner_id == clinic.providers["Okafor"].pk]
    services.reschedule_appointment(
        appointment_id=of_okafor[-1].pk, start=clinic.at(clinic.workday(COMING_DAYS), 16),
        reason="Prefers a later hour", by=lead, now=now, override_reason="Agreed on the phone",
    )  # fmt: skip
    missed = [v for v in visits if v.status == Status.NO_SHOW and v.start < now][-4:]
    for visit in missed:
        services.correct_no_show(
            appointment_id=visit.pk,
            to="booked",
            reason="Marked again with its follow-up",
            by=lead,
            now=visit.end,
        )
        services.mark_no_show(appointment_id=visit.pk, by=lead, now=visit.end + timedelta(minutes=30))
