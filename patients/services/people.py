"""Family and caregivers, and the care team with its one lead."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from coordinator.db import Conflict
from coordinator.workflow import Actor, NotAllowed, person, record_edit
from patients.models import CareTeamMember, Patient, RelatedPerson, Topic
from patients.permissions import can_lead
from patients.services.entries import add_entry, change_entry, entry_for_change, local_day, patient_for_entry

LEAD_ROLE = "Care coordinator"


@transaction.atomic
def add_related_person(
    *, patient_id: UUID, name: str, relationship: str, by: Actor, now: datetime, **details: Any
) -> RelatedPerson:
    """Add family or a caregiver. `topics` is what the patient said they may hear about; none by default.

    `details`: authority, phone, email, language, topics, is_emergency_contact, do_not_contact, started_on.
    """
    unknown = set(details.get("topics", ())) - set(Topic.values)
    if unknown:
        raise ValidationError({"topics": _("Choose topics from the list.")})
    patient = patient_for_entry(patient_id, by)
    details.setdefault("started_on", local_day(patient, now))
    return add_entry(RelatedPerson, patient, by=by, name=name, relationship=relationship, **details)


@transaction.atomic
def update_related_person(
    *, related_person_id: UUID, by: Actor, now: datetime, **changes: Any
) -> RelatedPerson:
    """Correct a relative's details, or what they may hear about; it counts at once."""
    return change_entry(entry_for_change(RelatedPerson, related_person_id, by), by=by, **changes)


@transaction.atomic
def end_related_person(*, related_person_id: UUID, by: Actor, now: datetime) -> RelatedPerson:
    """No longer to be contacted for the patient; past contacts keep their name."""
    relative = entry_for_change(RelatedPerson, related_person_id, by)
    ended_on = relative.ended_on or local_day(relative.patient, now)
    return change_entry(relative, by=by, action="end", ended_on=ended_on)


@transaction.atomic
def add_care_team_member(
    *, patient_id: UUID, name: str, role: str, by: Actor, now: datetime, **details: Any
) -> CareTeamMember:
    """Somebody outside who cares for the patient. `details`: contact (phone, fax or e-mail), started_on."""
    patient = patient_for_entry(patient_id, by)
    if patient.care_team.filter(name__iexact=name.strip(), role__iexact=role.strip(), ended_on=None).exists():
        raise Conflict(_("This person is on the care team in this role already."))
    details["started_on"] = details.get("started_on") or local_day(patient, now)
    return add_entry(CareTeamMember, patient, by=by, name=name, role=role, **details)


@transaction.atomic
def update_care_team_member(*, member_id: UUID, by: Actor, now: datetime, **changes: Any) -> CareTeamMember:
    """Correct a member's role or how to reach them."""
    return change_entry(_outsider(member_id, by), by=by, **changes)


@transaction.atomic
def end_care_team_member(*, member_id: UUID, by: Actor, now: datetime) -> CareTeamMember:
    """No longer on the team from today."""
    member = _outsider(member_id, by)
    ended_on = member.ended_on or local_day(member.patient, now)
    return change_entry(member, by=by, action="end", ended_on=ended_on)


def _outsider(member_id: UUID, by: Actor) -> CareTeamMember:
    member = entry_for_change(CareTeamMember, member_id, by)
    if member.is_lead:
        raise NotAllowed(_("The lead changes with the patient's coordinator."))
    return member


@transaction.atomic
def assign_coordinator(
    *, patient_id: UUID, user: User | None, by: Actor, now: datetime, reason: str = ""
) -> Patient:
    """Make `user` the patient's coordinator (None: nobody) and the one lead of the care team.

    The former lead's membership ends that day. Raises ValidationError for somebody who cannot
    work with this patient.
    """
    patient = patient_for_entry(patient_id, by)
    if user is not None and not can_lead(user, patient):
        raise ValidationError({"coordinator": _("Choose someone who works with patients at this place.")})
    return lead_by(patient, user, by=by, now=now, reason=reason)


def lead_by(patient: Patient, user: User | None, *, by: Actor, now: datetime, reason: str = "") -> Patient:
    """For services that hold the patient already."""
    if patient.coordinator_id == (user.pk if user else None):
        return patient
    today = local_day(patient, now)
    patient.care_team.filter(is_lead=True, ended_on=None).update(is_lead=False, ended_on=today)
    if user is not None:
        CareTeamMember.objects.create(
            patient=patient, role=LEAD_ROLE, user=user, is_lead=True, started_on=today, created_by=person(by)
        )
    former, patient.coordinator = patient.coordinator_id, user
    patient.version += 1
    patient.save()
    facts: dict[str, Any] = {
        "from": former,
        "to": user.pk if user else None,
        "version": patient.version,
        "fields": [],
    }
    record_edit(patient, "assign_coordinator", by=by, now=now, reason=reason, **facts)
    return patient
