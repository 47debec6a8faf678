"""What a change of standing would do to visits, for the page that asks before it is done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator import wording
from patients.leaving import Effect, leavings
from patients.models import Patient
from patients.workflow import LEAVING
from scheduling.models import Appointment, WaitlistEntry
from scheduling.selectors.ahead import to_come
from scheduling.services.standing import cancelled_by_leaving


def foretell(patient: Patient, step: str, user: Any, now: datetime) -> Iterable[Effect]:
    """Each visit to come is a choice: cancel it, or leave it; a wait ends. One query for each."""
    if step in LEAVING:
        for visit in to_come(patient, now).select_related("service", "site"):
            yield Effect(_("Visits to cancel"), _name(visit, user), _when(visit), choice=str(visit.pk))
        for entry in WaitlistEntry.objects.open().filter(patient=patient).select_related("service", "site"):
            yield Effect(_("Taken off the waitlist"), _name(entry, user), wording.day(entry.since))
    elif step == "reactivate":
        for visit in cancelled_by_leaving(patient, leavings(patient), now):
            yield Effect(
                _("Visits booked again, if their time is still free"), _name(visit, user), _when(visit)
            )


def _name(visit: Appointment | WaitlistEntry, user: Any) -> str:
    return visit.service.name if visit.site_id in user.site_ids else _("A visit at another place")


def _when(visit: Appointment) -> str:
    with timezone.override(visit.zone):
        return wording.day_time(visit.start) if visit.time_known else wording.day(visit.start)
