"""Plain functions that make services, availability and appointments for tests and the demo."""

from __future__ import annotations

import datetime
from typing import Any

from django.utils import timezone

from coordinator.accounts.models import Practitioner, Site
from coordinator.tests.factories import make_practitioner, number
from patients.models import Patient
from patients.tests.factories import make_patient
from scheduling.models import Appointment, Availability, Room, Service, WaitlistEntry, WaitlistOffer


def make_service(**fields: Any) -> Service:
    fields.setdefault("name", f"Follow-up {next(number)}")
    fields.setdefault("minutes", 30)
    return Service.objects.create(**fields)


def make_room(site: Site, **fields: Any) -> Room:
    fields.setdefault("name", f"Room {next(number)}")
    return Room.objects.create(site=site, **fields)


def make_availability(practitioner: Practitioner, weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)) -> None:
    """Monday to Friday, 8:00 to 17:00 local, at the practitioner's own site."""
    for weekday in weekdays:
        Availability.objects.create(
            practitioner=practitioner,
            site=practitioner.site,
            weekday=weekday,
            starts=datetime.time(8),
            ends=datetime.time(17),
        )


def at_noon(site: Site, *, days: int) -> datetime.datetime:
    """Noon at the site, so many of its days ahead: the same day there at whatever hour the tests run."""
    day = timezone.localdate(timezone=site.tzinfo) + datetime.timedelta(days=days)
    return datetime.datetime.combine(day, datetime.time(12), site.tzinfo)


def make_appointment(patient: Patient | None = None, **fields: Any) -> Appointment:
    patient = patient or make_patient()
    fields.setdefault("site", patient.site)
    fields.setdefault("zone", fields["site"].zone)
    fields.setdefault("start", timezone.now() + datetime.timedelta(days=3))
    if "service" not in fields:
        fields["service"] = make_service()
    fields.setdefault("end", fields["start"] + datetime.timedelta(minutes=fields["service"].minutes))
    if "practitioner" not in fields:
        fields["practitioner"] = make_practitioner(site=fields["site"])
    fields.setdefault("booked_at", timezone.now() - datetime.timedelta(days=30))
    return Appointment.objects.create(patient=patient, **fields)


def make_waitlist_entry(patient: Patient | None = None, **fields: Any) -> WaitlistEntry:
    patient = patient or make_patient()
    fields.setdefault("site", patient.site)
    fields.setdefault("since", timezone.now() - datetime.timedelta(days=10))
    if "service" not in fields:
        fields["service"] = make_service()
    return WaitlistEntry.objects.create(patient=patient, **fields)


def make_waitlist_offer(entry: WaitlistEntry | None = None, **fields: Any) -> WaitlistOffer:
    """Of the time of a visit that was cancelled."""
    entry = entry or make_waitlist_entry(status="offered")
    if "freed_by" not in fields:
        fields["freed_by"] = make_appointment(
            make_patient(site=entry.site), service=entry.service, status="cancelled"
        )
    freed = fields["freed_by"]
    fields.setdefault("site", entry.site)
    fields.setdefault("practitioner", freed.practitioner)
    fields.setdefault("start", freed.start)
    fields.setdefault("end", freed.end)
    fields.setdefault("offered_at", timezone.now())
    fields.setdefault("answer_by", timezone.now() + datetime.timedelta(hours=4))
    return WaitlistOffer.objects.create(entry=entry, **fields)
