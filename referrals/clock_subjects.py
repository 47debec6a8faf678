"""What clocks of this app are about, in words (coordinator.clocks.subjects)."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from coordinator.clocks.subjects import Subject
from coordinator.wording import family_first
from referrals.models import PriorAuthorization, Referral


def referrals_seen(user: Any, keys: Collection[UUID]) -> dict[UUID, Subject]:
    """The referrals among these that this person may see (one query)."""
    found = Referral.objects.visible_to(user).filter(pk__in=keys).select_related("patient")
    return {
        one.pk: Subject(
            f"{one.specialty} · {family_first(one.patient)}",
            reverse("referrals:referral_detail", args=[one.pk]),
            one.patient,
        )
        for one in found
    }


def authorizations_seen(user: Any, keys: Collection[UUID]) -> dict[UUID, Subject]:
    """The authorizations among these that this person may see, shown in the patient's record (one query)."""
    found = PriorAuthorization.objects.visible_to(user).filter(pk__in=keys).select_related("patient")
    return {
        one.pk: Subject(f"{one.service} · {family_first(one.patient)}", _authorization_page(one), one.patient)
        for one in found
    }


def _authorization_page(one: PriorAuthorization) -> str:
    """Its own page, or the patient's tab, which stands on the roof above this app: reached by its name only."""
    for name, key in (
        ("referrals:authorization_detail", one.pk),
        ("dashboard:patient_referrals", one.patient_id),
    ):
        with contextlib.suppress(NoReverseMatch):
            return reverse(name, args=[key])
    return "/"
