"""Two people who were registered twice, as it happens at a front desk; and what the nights found."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from coordinator.dashboard.models import JobRun
from coordinator.dashboard.run_records import DUPLICATES
from coordinator.demo.clinic import Clinic
from coordinator.demo.work import DEMO
from patients import services
from patients.models import Patient


def make_doubles(clinic: Clinic, patients: dict[str, Patient]) -> None:
    """Begay again with his short name, Peterson again with day and month swapped."""
    harold, alan = patients["Begay, Harold"], patients["Peterson, Alan"]
    _again(clinic, harold, given_name="Harry", preferred_name="Harold", family_name="Begay")
    _again(clinic, alan, given_name="Allan", family_name="Petersen", birth_date=date(1946, 9, 7))
    found = services.scan_duplicates(now=clinic.now, by=DEMO)
    night = datetime.combine(clinic.today, time(2), clinic.riverbend.tzinfo)
    night = min(night, clinic.now)
    JobRun.objects.create(
        job=DUPLICATES,
        period=clinic.today,
        status=JobRun.Status.DONE,
        started_at=night,
        heartbeat_at=night,
        finished_at=night + timedelta(seconds=1),
        by_system=DUPLICATES,
        counts=found.as_counts(),
    )


def _again(clinic: Clinic, patient: Patient, **written: Any) -> Patient:
    phone = patient.contact_points.filter(kind="phone").first()
    details = {"birth_date": patient.birth_date, "sex": patient.sex, "language": patient.language} | written
    return services.register_patient(
        site=patient.site,
        by=clinic.users["joanne"],
        now=clinic.ago(12),
        city=patient.city,
        contact_points=[{"kind": "phone", "value": phone.value, "use": "mobile"}] if phone else [],
        **details,
    )
