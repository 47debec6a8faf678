"""One small clinic for the tests of this app: Wednesday, Nov 18, 2026, 10:00 in the morning, Central time."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from coordinator.accounts.models import Practitioner, Site, User
from coordinator.accounts.roles import Role
from coordinator.tests.factories import make_practitioner, make_site, make_user
from patients.models import Patient
from patients.tests.factories import make_patient
from scheduling.models import Appointment, Service
from scheduling.services import book_appointment
from scheduling.tests.factories import make_availability, make_service

CENTRAL = ZoneInfo("America/Chicago")
MINUTE, HOUR, DAY = (datetime.timedelta(minutes=1), datetime.timedelta(hours=1), datetime.timedelta(days=1))


def at(day: str, time: str = "10:00") -> datetime.datetime:
    """A Central wall-clock time as an instant: `at("2026-11-20", "13:30")`."""
    return datetime.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=CENTRAL).astimezone(datetime.UTC)


NOW = at("2026-11-18")


@dataclass
class Clinic:
    site: Site
    okafor: Practitioner
    service: Service
    coordinator: User
    lead: User
    patient: Patient

    def book(self, start: datetime.datetime, **fields: Any) -> Appointment:
        """Book as the coordinator, with what the test does not name filled in."""
        fields.setdefault("patient_id", self.patient.pk)
        fields.setdefault("service_id", self.service.pk)
        fields.setdefault("site_id", self.site.pk)
        fields.setdefault("practitioner_id", self.okafor.pk)
        fields.setdefault("by", self.coordinator)
        fields.setdefault("now", NOW)
        return book_appointment(start=start, **fields)

    def other_patient(self) -> Patient:
        return make_patient(site=self.site)


def make_clinic() -> Clinic:
    """Dr. Okafor takes visits Monday to Friday, 8 to 5; a visit takes 30 minutes."""
    site = make_site()
    okafor = make_practitioner(site=site, family_name="Okafor")
    make_availability(okafor)
    return Clinic(
        site=site,
        okafor=okafor,
        service=make_service(name="Heart failure follow-up", minutes=30),
        coordinator=make_user(Role.COORDINATOR, site=site),
        lead=make_user(Role.LEAD, site=site),
        patient=make_patient(site=site),
    )
