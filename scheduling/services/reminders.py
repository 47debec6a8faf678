"""Reminders of visits: planned as ledger rows when a visit gets or changes its time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from coordinator.workflow import Actor


def plan_reminders(
    *, appointment_ids: Iterable[UUID] | None = None, now: datetime, run_id: UUID | None = None, by: Actor
) -> None:
    """Write the ledger rows of these visits (None: all that are due). Twice is the same as once."""
