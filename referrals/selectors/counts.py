"""How many open referrals and requests there are, by status: one statement each, for the numbers of the lists and the board.

Grouped once and added up here, because each number by itself would look through everything that is open.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q

from referrals.models import PriorAuthorization, Referral

DAY, NEAR, LATE_REPORT = timedelta(hours=24), timedelta(hours=48), timedelta(days=30)


@dataclass(frozen=True)
class Open:
    """Open records of one status (and specialty): how many, past their date, due within 24 and 48 hours, and how many
    have stood there for more than 30 days."""

    status: str
    specialty: str
    n: int
    overdue: int
    in_a_day: int
    near: int
    long: int


def _grouped(rows: Any, now: datetime, specialty: Any) -> list[Open]:
    # Statuses are counted, one a row: the key is not in the index that answers.
    grouped = rows.order_by().values_list("status", specialty).annotate(
        n=Count("status"),
        overdue=Count("status", filter=Q(due_at__lt=now)),
        in_a_day=Count("status", filter=Q(due_at__gte=now, due_at__lt=now + DAY)),
        near=Count("status", filter=Q(due_at__gte=now, due_at__lt=now + NEAR)),
        long=Count("status", filter=Q(stage_since__lt=now - LATE_REPORT)),
    )  # fmt: skip
    return [Open(*row) for row in grouped]


def open_referrals(user: Any, now: datetime) -> list[Open]:
    """Referrals whose loop is not closed, of those this person may see. One query."""
    return _grouped(Referral.objects.visible_to(user).filter(loop_closed_at=None), now, F("specialty"))


def open_requests(user: Any, now: datetime) -> list[Open]:
    """Open prior authorizations, of those this person may see; their `specialty` is their kind. One query."""
    return _grouped(PriorAuthorization.objects.visible_to(user).open(), now, F("kind"))


def added(groups: Sequence[Open], what: str = "n", statuses: Collection[str] | None = None) -> int:
    """One number over the groups, or over those of these statuses."""
    return sum(getattr(one, what) for one in groups if statuses is None or one.status in statuses)


def specialties(groups: Sequence[Open]) -> list[str]:
    """The specialties in use, for the filters."""
    return sorted({one.specialty for one in groups})[:200]
