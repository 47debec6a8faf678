"""Writing the ledger: schedule, withdraw, and what a gateway says afterwards. Sending is `delivery.py`.

A message is a row before it is a text. Every function here runs inside the caller's transaction, so a message
exists exactly when what it is about was saved.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from coordinator import hints
from coordinator.db import require_transaction
from coordinator.messaging.models import Message, MessageStatus

__all__ = [
    "Draft",
    "hint",
    "lock_people",
    "mark_followed_up",
    "record_receipt",
    "revise",
    "schedule",
    "schedule_many",
    "withdraw",
]

INSERT_BATCH = 1000
BUCKETS = 64
LOCK_CLASS = 9  # advisory locks of messaging; coordinator.db uses 1 to 4
WITHDRAWABLE = (MessageStatus.SCHEDULED,)
REVISABLE = (MessageStatus.SKIPPED, MessageStatus.CANCELLED)

Slot = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message to be. With a `skip_reason` it is the record that none goes, and why.

    `slots` are the allowed stretches [opens, closes) in UTC, the first one from `send_after` on; empty means any
    time until `expires_at`. `about_id` is what it is about, `site_id` the place in whose name it goes.
    """

    key: str
    purpose: str
    about_type: str
    about_id: UUID
    site_id: UUID
    channel: str
    send_after: datetime
    patient_id: UUID | None = None
    window: str = ""
    address: str = ""
    subject: str = ""
    body: str = ""
    language: str = ""
    skip_reason: str = ""
    expires_at: datetime | None = None
    slots: tuple[Slot, ...] = ()
    late: bool = False
    explanation: tuple[Any, ...] = ()


def schedule_many(
    drafts: Sequence[Draft], *, now: datetime, run_id: UUID | None = None, replay: bool = False
) -> set[str]:
    """Insert what is not there yet and return the keys that were new. The unique key is the judge."""
    require_transaction()
    rows = [_row(draft, now, run_id, replay) for draft in drafts]
    Message.objects.bulk_create(rows, ignore_conflicts=True, batch_size=INSERT_BATCH)
    made = Message.objects.filter(pk__in=[row.pk for row in rows])
    return set(made.values_list("key", flat=True)) if rows else set()


def schedule(*, now: datetime, run_id: UUID | None = None, **fields: Any) -> Message:
    """One message, fields as in `Draft`. The same key twice is one message: the row that is there comes back."""
    draft = Draft(**fields)
    schedule_many([draft], now=now, run_id=run_id)
    if not draft.skip_reason and draft.send_after <= now:
        hint()
    return Message.objects.get(key=draft.key)


def revise(
    drafts: dict[UUID, Draft], *, now: datetime, run_id: UUID | None = None, replay: bool = False
) -> set[UUID]:
    """Give skipped or withdrawn rows a new decision; returns the ids of those that took it.

    Only rows that never went out can be revised, so one key still means one message at most.
    """
    require_transaction()
    taken = set()
    for pk, draft in drafts.items():
        row = _row(draft, now, run_id, replay)
        columns = {f.attname: getattr(row, f.attname) for f in Message._meta.concrete_fields}
        for fixed in ("id", "created_at", "claim_token", "lease_until", "attempts", "gateway_reference"):
            del columns[fixed]
        if Message.objects.filter(pk=pk, status__in=REVISABLE).update(**columns):
            taken.add(pk)
    return taken


def withdraw(
    *,
    now: datetime,
    reason: str,
    about_ids: Iterable[UUID] = (),
    patient_ids: Iterable[UUID] = (),
    addresses: Iterable[str] = (),
    purpose: str = "",
) -> int:
    """Take back what is not sent yet, by what it is about, whom or where it goes. Returns how many.

    What a worker holds at this moment may still leave; it is checked once more right before.
    """
    require_transaction()
    wanted = (
        Q(about_id__in=list(about_ids))
        | Q(patient_id__in=list(patient_ids))
        | (Q(address__in=list(addresses)) & ~Q(address=""))
    )
    rows = Message.objects.filter(wanted, status__in=WITHDRAWABLE)
    if purpose:
        rows = rows.filter(purpose=purpose)
    return rows.update(status=MessageStatus.CANCELLED, finished_at=now, error=reason[:250])


def record_receipt(*, arrived: bool, now: datetime, gateway_reference: str = "", key: str = "") -> bool:
    """What the gateway learned later, by its reference or our key. True when it changed something.

    Late, doubled and unknown receipts change nothing; `delivered` is final, and so is `failed`.
    """
    which = Q(gateway_reference=gateway_reference) if gateway_reference else Q(key=key)
    if not (gateway_reference or key):
        return False
    waiting = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.UNKNOWN)
    rows = Message.objects.filter(which, status__in=waiting)
    if arrived:
        return bool(rows.update(status=MessageStatus.DELIVERED, finished_at=now))
    return bool(rows.update(status=MessageStatus.FAILED, finished_at=now, error="refused:undelivered"))


def mark_followed_up(*, ids: Iterable[UUID], now: datetime) -> int:
    """A person has been told about these failed or unknown messages."""
    return Message.objects.filter(pk__in=list(ids), followed_up_at=None).update(followed_up_at=now)


def lock_people(keys: Iterable[Any]) -> None:
    """Hold these patients and addresses until the transaction ends, so that limits are decided by one at a time.

    The keys fall into 64 advisory locks, taken in order: two planners wait for each other, they cannot deadlock.
    """
    buckets = sorted({zlib.crc32(str(key).encode()) % BUCKETS for key in keys})
    if buckets:
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_advisory_xact_lock(%s, bucket) from unnest(%s::int[]) as bucket",
                [LOCK_CLASS, buckets],
            )


def hint() -> None:
    """Tell a worker to look, once the transaction is committed. Only a hint: the sweep finds it anyway."""
    from coordinator.messaging.jobs import deliver_due

    hints.hint(deliver_due)


def _row(draft: Draft, now: datetime, run_id: UUID | None, replay: bool) -> Message:
    skipped = bool(draft.skip_reason)
    close_at = draft.slots[0][1] if draft.slots else None
    return Message(
        key=draft.key,
        purpose=draft.purpose,
        about_type=draft.about_type,
        about_id=draft.about_id,
        patient_id=draft.patient_id,
        site_id=draft.site_id,
        window=draft.window,
        channel=draft.channel,
        address=draft.address,
        subject=draft.subject,
        body=draft.body,
        language=draft.language,
        status=MessageStatus.SKIPPED if skipped else MessageStatus.SCHEDULED,
        skip_reason=draft.skip_reason,
        send_after=draft.send_after,
        close_at=None if skipped else close_at,
        later=[] if skipped else [[a.isoformat(), b.isoformat()] for a, b in draft.slots[1:]],
        expires_at=draft.expires_at,
        late=draft.late,
        replay=replay,
        explanation=list(draft.explanation),
        run_id=run_id,
        created_at=now,
        finished_at=now if skipped else None,
    )
