"""What the duplicate guard was answered: duplicates that were avoided, and those that were made for a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from coordinator.accounts.models import Site
from referrals.models import DuplicateAnswer

Choice = DuplicateAnswer.Choice


@dataclass(frozen=True)
class Answered:
    """One kind of thing in a period. Used and replaced ones are duplicates avoided."""

    label: Any
    used: int
    replaced: int
    went_on: int

    @property
    def avoided(self) -> int:
        return self.used + self.replaced


def duplicates_answered(user: Any, sites: Sequence[Site], days: int, now: datetime) -> list[Answered]:
    """By kind, over the last `days` days, at these sites. One query; kinds that never came up are left out."""
    rows = DuplicateAnswer.objects.visible_to(user).filter(site__in=sites, at__gte=now - timedelta(days=days))
    counts = {f"n_{choice.value}": Count("pk", filter=Q(choice=choice)) for choice in Choice}
    found = rows.order_by().values("kind").annotate(**counts)
    by_kind = {row["kind"]: row for row in found}
    return [
        Answered(kind.label, row["n_use"], row["n_replace"], row["n_go_on"])
        for kind in DuplicateAnswer.Kind
        if (row := by_kind.get(kind.value))
    ]
