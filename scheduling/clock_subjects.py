"""What clocks of this app are about, in words (coordinator.clocks.subjects)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.urls import reverse

from coordinator.clocks.subjects import Subject
from coordinator.wording import family_first
from scheduling.models import Appointment, WaitlistEntry, WaitlistOffer


def visits_seen(user: Any, keys: Collection[UUID]) -> dict[UUID, Subject]:
    """The visits among these that this person may see (one query)."""
    found = Appointment.objects.visible_to(user).filter(pk__in=keys).select_related("patient", "service")
    return {
        one.pk: Subject(
            f"{one.service.name} · {family_first(one.patient)}",
            reverse("scheduling:appointment_detail", args=[one.pk]),
        )
        for one in found
    }


def waits_seen(user: Any, keys: Collection[UUID]) -> dict[UUID, Subject]:
    """The waitlist entries among these that this person may see (one query)."""
    found = WaitlistEntry.objects.visible_to(user).filter(pk__in=keys).select_related("patient", "service")
    return {
        one.pk: Subject(
            f"{one.service.name} · {family_first(one.patient)}",
            reverse("scheduling:waitlist_entry", args=[one.pk]),
        )
        for one in found
    }


def offers_seen(user: Any, keys: Collection[UUID]) -> dict[UUID, Subject]:
    """The offers among these that this person may see (one query)."""
    found = WaitlistOffer.objects.visible_to(user).filter(pk__in=keys)
    return {
        one.pk: Subject(
            f"{one.entry.service.name} · {family_first(one.entry.patient)}",
            reverse("scheduling:waitlist_entry", args=[one.entry_id]),
        )
        for one in found.select_related("entry__patient", "entry__service")
    }
