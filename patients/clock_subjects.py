"""What clocks of this app are about, in words (coordinator.clocks.subjects)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from coordinator.clocks.subjects import Subject
from coordinator.wording import family_first
from patients.models import Encounter


def stays_seen(user: Any, keys: Collection[UUID]) -> dict[UUID, Subject]:
    """The stays among these that this person may see, shown in the patient's record (one query)."""
    found = Encounter.objects.visible_to(user).filter(pk__in=keys).select_related("patient")
    return {
        one.pk: Subject(f"{one.kind} · {family_first(one.patient)}", _chart(one.patient_id)) for one in found
    }


def _chart(patient_id: UUID) -> str:
    """The patient's page, which stands on the roof above this app: reached by its name only."""
    try:
        return reverse("dashboard:patient_summary", args=[patient_id])
    except NoReverseMatch:
        return "/"
