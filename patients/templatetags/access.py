"""The line over every page of a patient while an emergency access, or one to labelled entries, is open."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from coordinator.audit.access import is_marked
from patients.models import Patient
from patients.restricted import open_grants

register = template.Library()
# What pages call their record; each has or is a patient.
RECORDS = ("patient", "task", "appointment", "referral", "plan", "preview", "review")


@register.inclusion_tag("patients/_access_banner.html", takes_context=True)
def access_banner(context: Any) -> dict[str, Any]:
    """Minutes left and the way to end it; nothing, and no query, for a record without any."""
    patient, now = _patient_of(context), timezone.now()
    user = context.get("user")
    # Only what was read already: a list that left the column out does not ask again for each row.
    request = context.get("request")
    if patient is None or user is None or request is None:
        return {"grants": []}
    if not vars(patient).get("is_restricted") and not is_marked(request, patient.pk, now):
        return {"grants": []}
    lines = [(grant, grant.minutes_left(now)) for grant in open_grants(user, patient, now)]
    return {"grants": lines, "patient": patient, "csrf_token": context.get("csrf_token")}


def _patient_of(context: Any) -> Patient | None:
    for name in RECORDS:
        record = context.get(name)
        found = record if isinstance(record, Patient) else getattr(record, "patient", None)
        if isinstance(found, Patient):
            return found
    return None
