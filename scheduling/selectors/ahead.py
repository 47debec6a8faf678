"""A patient's visits that are still to come, with and without a time."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from patients.models import Patient
from scheduling.models import Appointment
from scheduling.workflow import UNBOOKED, UPCOMING


def to_come(patient: Patient, now: datetime) -> QuerySet[Appointment]:
    """Agreed visits in the future, and wishes for one (to be booked, waitlist), soonest first."""
    waiting = Q(status__in=UPCOMING, start__gt=now) | Q(status__in=UNBOOKED)
    return Appointment.objects.filter(waiting, patient=patient).order_by("start", "pk")
