"""Four people who wait for a visit, and a cancelled one whose time suits the first of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from coordinator.demo.clinic import Clinic
from coordinator.demo.patients import Patients
from coordinator.demo.work import DEMO
from patients.workflow import PatientStatus
from scheduling import services
from scheduling.models import Appointment
from scheduling.services.waitlist import add_to_waitlist
from scheduling.workflow import Status

# days they wait, and their wishes
WAITS: list[tuple[int, dict[str, Any]]] = [
    (34, {"note": "Works nights, call after noon"}),
    (21, {"weekdays": [0, 1, 2, 3, 4], "part_of_day": "morning"}),
    (12, {"note": "Can come within the hour"}),
    (3, {"priority": "urgent", "part_of_day": "afternoon"}),
]


def make_waiting(clinic: Clinic, patients: Patients) -> None:
    dana = clinic.users["dana"]
    freed = (
        Appointment.objects.filter(
            site=clinic.riverbend,
            status=Status.BOOKED,
            start__gt=clinic.now + timedelta(days=4),
            practitioner__isnull=False,
            referral=None,
            authorization=None,
        )
        .order_by("-start", "pk")
        .first()
    )
    if freed is None:
        return
    services.cancel_appointment(
        appointment_id=freed.pk,
        cancelled_by="system",
        reason="Seen last week instead",
        by=DEMO,
        now=clinic.ago(1),
    )
    others = [
        one
        for one in patients.values()
        if one.site_id == freed.site_id
        and one.coordinator_id not in (None, dana.pk)
        and one.status == PatientStatus.ACTIVE
        and not one.is_restricted
        and one.pk != freed.patient_id
    ]
    for (days, wishes), patient in zip(WAITS, sorted(others, key=lambda one: str(one.mrn)), strict=False):
        add_to_waitlist(
            patient_id=patient.pk,
            service_id=freed.service_id,
            site_id=freed.site_id,
            since=clinic.ago(days),
            by=DEMO,
            now=clinic.ago(1),
            **wishes,
        )
