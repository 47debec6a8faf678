"""What a booking or a search names, read in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from coordinator.accounts.models import Practitioner, Site
from coordinator.clocks.models import BusinessCalendar
from coordinator.db import columns, keys_of, records
from patients.models import Patient
from scheduling.models import Room, Service

KINDS = (Service, Site, BusinessCalendar, Practitioner, Room, Patient)


@dataclass(frozen=True)
class Named:
    """Each None when it was not named, is not there or is not in use; the patient also when not to be seen."""

    service: Service | None
    site: Site | None  # with its calendar
    practitioner: Practitioner | None
    room: Room | None  # of that site
    patient: Patient | None
    taking_visits_at: frozenset[UUID]  # sites at which the practitioner has weekly hours


def named(
    *,
    service_id: UUID,
    site_id: UUID,
    practitioner_id: UUID | None = None,
    room_id: UUID | None = None,
    patients: Any = None,
) -> Named:
    """`patients` is one row at most, already narrowed to what may be seen."""
    visible, params = keys_of(Patient.objects.none() if patients is None else patients)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {COLUMNS}, {HOURS} {RECORDS} left join patients_patient p on p.id = ({visible})",
            [service_id, site_id, practitioner_id, room_id, *params],
        )
        row = cursor.fetchone()
    service, site, calendar, practitioner, room, patient = records(row, *KINDS)
    if site is not None:
        site.calendar = calendar
    return Named(service, site, practitioner, room, patient, frozenset(row[-1]))


COLUMNS = ", ".join(columns(kind, alias) for kind, alias in zip(KINDS, "stcwrp", strict=True))
HOURS = "array(select distinct h.site_id from scheduling_availability h where h.practitioner_id = w.id)"
RECORDS = """
  from (select) one
  left join scheduling_service s on s.id = %s and s.is_active
  left join accounts_site t on t.id = %s and t.is_active
  left join clocks_businesscalendar c on c.id = t.calendar_id
  left join accounts_practitioner w on w.id = %s and w.is_active and w.is_bookable
  left join scheduling_room r on r.id = %s and r.site_id = t.id and r.is_active
"""
