"""What the patient agreed to or refused, and that they took it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.workflow import Actor, NotAllowed, person
from patients.models import Consent
from patients.services.entries import (
    add_entry,
    change_entry,
    entry_for_change,
    local_day,
    patient_for_entry,
    require_reason,
)


@transaction.atomic
def add_consent(
    *, patient_id: UUID, kind: str, method: str, by: Actor, now: datetime, **details: Any
) -> Consent:
    """Record a decision; without `starts_on` it counts from today at the patient's place.

    `details`: decision, scope, given_by and given_as (somebody else, and by what right), starts_on, ends_on.
    """
    patient = patient_for_entry(patient_id, by)
    today = local_day(patient, now)
    details["starts_on"] = details.get("starts_on") or today
    problems = {}
    if details["starts_on"] > today:
        problems["starts_on"] = _("A consent that was given cannot begin in the future.")
    if details.get("ends_on") and details["ends_on"] < details["starts_on"]:
        problems["ends_on"] = _("A consent cannot end before it starts.")
    if details.get("given_by") and not details.get("given_as"):
        problems["given_as"] = _("Say by what right they decide, such as: legal guardian.")
    if problems:
        raise ValidationError(problems)
    return add_entry(Consent, patient, by=by, kind=kind, method=method, taken_by=person(by), **details)


@transaction.atomic
def change_consent(*, consent_id: UUID, status: str, reason: str, by: Actor, now: datetime) -> Consent:
    """The patient took it back, or it was entered in error; both with a reason. What was decided anew is a new row."""
    consent = entry_for_change(Consent, consent_id, by)
    if consent.status != Consent.Status.ACTIVE:
        raise NotAllowed(_("This consent no longer stands. Record a new one."))
    reason = require_reason(reason)
    facts: dict[str, Any] = {"status": status, "standing_reason": reason}
    if status == Consent.Status.REVOKED:
        facts["revoked_on"] = local_day(consent.patient, now)
    action = "revoke" if status == Consent.Status.REVOKED else "enter_in_error"
    return change_entry(consent, by=by, action=action, reason=reason, **facts)
