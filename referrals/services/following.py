"""A deadline was counted by another version of its rule: what it belongs to shows the new date."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from coordinator.clocks.models import Clock
from coordinator.db import lock
from coordinator.workflow import Actor, record_edit
from referrals.models import PriorAuthorization, Referral


@transaction.atomic
def follow_clock(*, clock: Clock, by: Actor, now: datetime) -> None:
    """The referral or authorization whose date this clock sets gets the clock's date, with a row in its history."""
    _follow(Referral.objects, clock, by, now)
    _follow(PriorAuthorization.objects, clock, by, now)


def _follow(records: Any, clock: Clock, by: Actor, now: datetime) -> None:
    for key in records.filter(clock=clock).values_list("pk", flat=True):
        record = lock(records, key)
        record.due_at = clock.due_at
        record.version += 1
        record.save(update_fields=["due_at", "version", "updated_at"])
        record_edit(record, "follow_clock", by=by, now=now, due_at=record.due_at)
