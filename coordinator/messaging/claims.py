"""Rows that are ours for a while: claiming them with a token and a lease, and writing what became of them.

Both are one statement each, judged by the database's clock, and committed at once: no transaction is open while the
network is. A result counts only while the row still carries the token it was claimed with.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from coordinator.messaging.models import REMINDER

log = logging.getLogger(__name__)
GIVE_UP_ASKING = timedelta(days=1)  # for messages that never expire


@dataclass(frozen=True)
class Scope:
    """Which rows, and which moment counts. Without arguments: now, by the database's clock.

    `until` sends what is due up to then (never later than the database's now); `as_of` is the moment at which
    closing and expiry are judged. Together with `replay` they stand for a night that is made up for.
    """

    until: datetime | None = None
    as_of: datetime | None = None
    replay: bool = False
    site_id: UUID | None = None

    def params(self) -> dict[str, Any]:
        return {
            "until": self.until,
            "as_of": self.as_of,
            "replay": self.replay,
            "site": self.site_id,
        }


NOW = Scope()
UNTIL = "least(coalesce(%(until)s::timestamptz, 'infinity'), clock_timestamp())"
AS_OF = "coalesce(%(as_of)s::timestamptz, clock_timestamp())"
IN_SCOPE = "m.replay = %(replay)s and (%(site)s::uuid is null or m.site_id = %(site)s)"


@dataclass(frozen=True)
class Claimed:
    """A message that is ours until its lease ends."""

    id: UUID
    key: str
    purpose: str
    about_id: UUID
    patient_id: UUID | None
    channel: str
    address: str
    subject: str
    body: str
    attempts: int
    replay: bool
    over: bool  # past its expiry (or a day old when it has none)


@dataclass(frozen=True)
class Outcome:
    """What becomes of a claimed row."""

    id: UUID
    status: str
    reference: str = ""
    error: str = ""
    skip_reason: str = ""
    pause: int = 0  # seconds until the next try
    give_back: int = 0  # attempts that did not happen


@dataclass
class Batch:
    """The rows of one claim, with the token that makes them ours."""

    token: UUID
    messages: list[Claimed]
    claimed_at: float
    lease: float  # seconds

    def time_left(self) -> float:
        return self.lease - (time.monotonic() - self.claimed_at)


# --- claiming -----------------------------------------------------------------------------------------

COLUMNS = "m.id, m.key, m.purpose, m.about_id, m.patient_id, m.channel, m.address, m.subject, m.body, m.attempts, m.replay"

CLAIM = f"""
with due as (
    select m.id from messaging_message m join accounts_site s on s.id = m.site_id
    where m.status = 'scheduled' and m.channel = %(channel)s and m.send_after <= {UNTIL}
      and (m.close_at is null or m.close_at > {AS_OF} or m.send_after > {AS_OF})
      and (m.expires_at is null or m.expires_at > {AS_OF})
      and (s.reminders_on or m.purpose <> '{REMINDER}' or m.replay)
      and {IN_SCOPE}
    order by m.send_after, m.id limit %(limit)s
    for update of m skip locked
)
update messaging_message m
set status = 'sending', claim_token = %(token)s, attempts = m.attempts + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
from due where m.id = due.id
returning {COLUMNS}, false
"""  # noqa: S608  (only constants are put in)

CLAIM_EXPIRED = f"""
with left_behind as (
    select m.id from messaging_message m
    where m.status = 'sending' and m.channel = %(channel)s and m.lease_until < clock_timestamp() and {IN_SCOPE}
    order by m.lease_until, m.id limit %(limit)s
    for update skip locked
)
update messaging_message m
set claim_token = %(token)s, lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
from left_behind where m.id = left_behind.id
returning {COLUMNS},
    {AS_OF} > coalesce(m.expires_at, m.send_after + make_interval(secs => %(give_up)s))
"""  # noqa: S608


def claim_due(channel: str, *, scope: Scope = NOW, limit: int = 50, call_seconds: float = 0) -> Batch | None:
    """Take up to `limit` due rows of this channel, oldest first; None when none is due.

    The lease is longer than two calls of `call_seconds`, whatever the setting says.
    """
    return _claim(CLAIM, channel, scope, limit, call_seconds)


def claim_expired(
    channel: str, *, scope: Scope = NOW, limit: int = 50, call_seconds: float = 0
) -> Batch | None:
    """Take over rows whose worker died or froze: sent or not, only the gateway can say."""
    return _claim(CLAIM_EXPIRED, channel, scope, limit, call_seconds)


def _claim(statement: str, channel: str, scope: Scope, limit: int, call_seconds: float) -> Batch | None:
    token = uuid.uuid4()
    lease = max(settings.MESSAGE_LEASE_SECONDS, 2 * call_seconds + 1)
    claimed_at = time.monotonic()
    params = scope.params() | {
        "channel": channel,
        "limit": limit,
        "token": token,
        "lease": lease,
        "give_up": GIVE_UP_ASKING.total_seconds(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)
        messages = [Claimed(*row) for row in cursor.fetchall()]
    # UPDATE .. RETURNING keeps no order; keys are made in the order of planning.
    return Batch(token, sorted(messages, key=lambda m: m.id), claimed_at, lease) if messages else None


# --- writing --------------------------------------------------------------------------------------------

WRITE = """
update messaging_message m
set status = v.status, gateway_reference = v.reference, error = v.error, skip_reason = v.skip_reason,
    attempts = greatest(m.attempts - v.give_back, 0), claim_token = null, lease_until = null,
    finished_at = case when v.status = 'scheduled' then null else clock_timestamp() end,
    late = m.late or (v.pause >= 300 and not m.replay),
    send_after = case when v.pause > 0 and not m.replay
                      then clock_timestamp() + make_interval(secs => v.pause) else m.send_after end
from unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %s::int[])
     as v(id, status, reference, error, skip_reason, pause, give_back)
where m.id = v.id and m.claim_token = %s and m.status = 'sending'
returning v.status
"""


def write(batch: Batch, outcomes: Sequence[Outcome]) -> Counter[str]:
    """Write outcomes of rows that still carry our token; counts by status, and as `fenced` those that do not."""
    if not outcomes:
        return Counter()
    columns: list[list[Any]] = [
        [o.id for o in outcomes],
        [str(o.status) for o in outcomes],
        [o.reference for o in outcomes],
        [o.error[:250] for o in outcomes],
        [str(o.skip_reason) for o in outcomes],
        [o.pause for o in outcomes],
        [o.give_back for o in outcomes],
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WRITE, [*columns, batch.token])
        done = Counter(status for (status,) in cursor.fetchall())
    if fenced := len(outcomes) - done.total():
        log.warning("%d results came after the lease had ended and were dropped.", fenced)
        done["fenced"] = fenced
    return done
