"""Reads about restricted records: who sees one, which access is open, and whom somebody may mean."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from patients.models import AccessGrant, Patient, hidden_from
from patients.rules.text import fold


def open_grants(user: Any, patient: Patient, now: datetime) -> list[AccessGrant]:
    """This person's open accesses to this patient, in one statement."""
    return list(AccessGrant.objects.open(now).filter(user=user, patient=patient).order_by("expires_at"))


def find_hidden(user: Any, *, mrn: str, name: str, born: date) -> Patient | None:
    """The one restricted patient who is meant: born that day, with that MRN or that full name.

    Only records of the person's places that they do not see anyway. One statement whether somebody fits or not;
    nobody when two fit.
    """
    hidden = Patient.objects.filter(site__in=user.site_ids, pk__in=hidden_from(user), birth_date=born)
    fits = [patient for patient in hidden.exclude(status="entered_in_error") if _is_meant(patient, mrn, name)]
    return fits[0] if len(fits) == 1 else None


def _is_meant(patient: Patient, mrn: str, name: str) -> bool:
    if mrn:
        return patient.mrn.upper() == mrn.strip().upper()
    typed = set(fold(name).split())
    whole = set(fold(f"{patient.given_name} {patient.family_name}").split())
    return whole <= typed <= set(patient.search_name.split())


def who_sees(patient: Patient) -> list[str]:
    """Names of the coordinator and of the care team's members who sign in here, in one statement."""
    team = patient.care_team.filter(ended_on=None).select_related("user", "practitioner__user")
    names = [str(patient.coordinator)] if patient.coordinator else []
    for member in team:
        account = member.user or getattr(member.practitioner, "user", None)
        if account and str(account) not in names:
            names.append(str(account))
    return names


def just_restricted_by(user: Any, patient_id: UUID, *, since: datetime) -> bool:
    """Whether this person restricted the record after `since`: they may undo it though they no longer see it."""
    own = Patient.objects.filter(
        pk=patient_id, site__in=user.site_ids, is_restricted=True, restricted_by=user
    )
    return own.filter(restricted_at__gte=since).exists()
