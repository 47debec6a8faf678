"""Sending what is due, exactly once as far as the gateway allows.

    claim     one statement: scheduled -> sending, with a token, a lease by the database's clock, one attempt more
    commit    so that no transaction is open while the network is
    check     the app's last look (checks.py): still booked, still permitted?
    call      the gateway, with the message's key
    write     only rows that still carry our token: whoever lost the lease changes nothing

A worker that dies leaves an expired lease. Then the gateway is asked about the key; one that cannot be asked makes
the message `unknown`, which nobody sends again by himself. What certainly was not sent is tried again with growing
pauses. Ten failures in a row stop the sweep: the gateway is down, the rows wait.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from coordinator.messaging import checks
from coordinator.messaging.gateways import Gateway, NoGateway, NotSent, Unclear, gateway_for
from coordinator.messaging.models import REMINDER, Message, MessageStatus, SkipReason

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 8
PAUSES = (60, 120, 240, 480, 900, 1800, 3600)  # seconds before try 2, 3, ...; together over two hours
FAILURES_IN_A_ROW = 10
GIVE_UP_ASKING = timedelta(days=1)  # for messages that never expire
TIDY_BATCH = 500
GatewayFor = Callable[[str], Gateway]


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
    claimed_at: float = field(default_factory=time.monotonic)

    def time_left(self) -> float:
        return settings.MESSAGE_LEASE_SECONDS - (time.monotonic() - self.claimed_at)


class Breaker:
    """Counts failures of the gateway in a row; open means stop."""

    def __init__(self) -> None:
        self.failures = 0

    @property
    def open(self) -> bool:
        return self.failures >= FAILURES_IN_A_ROW

    def note(self, outcome: Outcome | None) -> None:
        good = outcome is not None and (
            outcome.status == MessageStatus.SENT or outcome.error.startswith("refused")
        )
        self.failures = 0 if good else self.failures + 1


def deliver_due(
    *, scope: Scope = NOW, seconds: float = 600, gateways: GatewayFor = gateway_for, wait: bool = False
) -> Counter[str]:
    """Send until nothing in `scope` is due, the gateway is down or `seconds` are over. Counts by outcome.

    Any number of workers may do this at once. `wait` stays until every row has a final state or time is over:
    for a person who watches a night being made up for.
    """
    done: Counter[str] = Counter()
    stop = time.monotonic() + seconds
    while True:
        done.update(settle_past(scope))
        for channel in Message.Channel.values:
            done.update(_deliver_channel(channel, scope, stop, gateways))
        if not wait or time.monotonic() > stop or not _in_flight(scope):
            return +done  # without the zeros
        time.sleep(0.5)


def _deliver_channel(channel: str, scope: Scope, stop: float, gateways: GatewayFor) -> Counter[str]:
    done: Counter[str] = Counter()
    gateway = gateways(channel)
    breaker = Breaker()
    try:
        while time.monotonic() < stop and not breaker.open:
            if batch := claim_expired(channel, scope=scope, limit=gateway.at_once):
                done.update(_settle_expired(batch, gateway))
            elif batch := claim_due(channel, scope=scope, limit=gateway.at_once):
                done.update(_send(batch, gateway, breaker))
            else:
                break
    finally:
        gateway.close()
    if breaker.open:
        log.warning("Gateway for %s stopped after %d failures in a row.", channel, breaker.failures)
        done["stopped"] += 1
    return done


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


def claim_due(channel: str, *, scope: Scope = NOW, limit: int = 50) -> Batch | None:
    """Take up to `limit` due rows of this channel, oldest first, for the length of the lease; None when none is due."""
    return _claim(CLAIM, channel, scope, limit)


def claim_expired(channel: str, *, scope: Scope = NOW, limit: int = 50) -> Batch | None:
    """Take over rows whose worker died or froze: sent or not, only the gateway can say."""
    return _claim(CLAIM_EXPIRED, channel, scope, limit)


def _claim(statement: str, channel: str, scope: Scope, limit: int) -> Batch | None:
    token = uuid.uuid4()
    claimed_at = time.monotonic()
    params = scope.params() | {
        "channel": channel,
        "limit": limit,
        "token": token,
        "lease": settings.MESSAGE_LEASE_SECONDS,
        "give_up": GIVE_UP_ASKING.total_seconds(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)
        messages = [Claimed(*row) for row in cursor.fetchall()]
    # UPDATE .. RETURNING keeps no order; keys are made in the order of planning.
    return Batch(token, sorted(messages, key=lambda m: m.id), claimed_at) if messages else None


def _in_flight(scope: Scope) -> bool:
    """Rows that are being sent now, or were by a worker that died."""
    rows = Message.objects.filter(status=MessageStatus.SENDING, replay=scope.replay)
    return (rows.filter(site_id=scope.site_id) if scope.site_id else rows).exists()


# --- sending --------------------------------------------------------------------------------------------


def _send(batch: Batch, gateway: Gateway, breaker: Breaker) -> Counter[str]:
    """Call the gateway for each message and write the results, in parts so that little is in doubt after a crash."""
    reasons = checks.unwanted(batch.messages)
    done = write(
        batch, [_stay(message, reasons[message.id]) for message in batch.messages if message.id in reasons]
    )
    waiting = [message for message in batch.messages if message.id not in reasons]
    with ThreadPoolExecutor(gateway.parallel) as pool:
        while waiting and not breaker.open and batch.time_left() > gateway.call_seconds:
            part, waiting = waiting[: gateway.parallel * 4], waiting[gateway.parallel * 4 :]
            results = list(pool.map(lambda message: _call(gateway, message), part))
            for outcome in results:
                breaker.note(outcome)
            done.update(write(batch, [outcome for outcome in results if outcome is not None]))
            done.update({"in_doubt": results.count(None)})
    done.update(write(batch, [_release(message) for message in waiting]))
    return done


def _call(gateway: Gateway, message: Claimed) -> Outcome | None:
    """The outcome, or None when only the gateway can say: then the lease runs out and it is asked."""
    try:
        reference = gateway.send(
            key=message.key, to=message.address, subject=message.subject, body=message.body
        )
        return Outcome(message.id, MessageStatus.SENT, reference=reference)
    except NotSent as error:
        return _not_sent(message, error)
    except Unclear as error:
        code = error.code
    except Exception as error:
        log.exception("A gateway failed in a way it should not (message %s).", message.id)
        code = f"crashed:{type(error).__name__}"
    return None if gateway.can_be_asked else Outcome(message.id, MessageStatus.UNKNOWN, error=code)


def _not_sent(message: Claimed, error: NotSent) -> Outcome:
    if error.for_good:
        return Outcome(message.id, MessageStatus.FAILED, error=f"refused:{error.code}")
    if message.attempts >= MAX_ATTEMPTS:
        return Outcome(message.id, MessageStatus.FAILED, error=f"gave_up:{error.code}")
    pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
    return Outcome(message.id, MessageStatus.SCHEDULED, error=error.code, pause=pause)


def _stay(message: Claimed, reason: str) -> Outcome:
    if reason in SkipReason.values:
        return Outcome(message.id, MessageStatus.SKIPPED, skip_reason=reason, give_back=1)
    return Outcome(message.id, MessageStatus.CANCELLED, error=reason, give_back=1)


def _release(message: Claimed) -> Outcome:
    """Not tried: back as it was."""
    return Outcome(message.id, MessageStatus.SCHEDULED, give_back=1)


def _settle_expired(batch: Batch, gateway: Gateway) -> Counter[str]:
    """Ask the gateway about each key. What it cannot tell now stays leased and is asked again."""
    outcomes = []
    for message in batch.messages:
        if not gateway.can_be_asked:
            outcomes.append(Outcome(message.id, MessageStatus.UNKNOWN, error="worker_lost"))
            continue
        if batch.time_left() <= gateway.call_seconds:
            break
        try:
            reference = gateway.lookup(message.key)
        except NoGateway:
            if message.over:
                outcomes.append(Outcome(message.id, MessageStatus.UNKNOWN, error="gateway_cannot_tell"))
            continue
        if reference is not None:
            outcomes.append(Outcome(message.id, MessageStatus.SENT, reference=reference))
        else:
            outcomes.append(_not_sent(message, NotSent("not_taken")))
    return write(batch, outcomes)


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


# --- what time has done ---------------------------------------------------------------------------------


def settle_past(scope: Scope = NOW) -> Counter[str]:
    """Rows past their expiry are skipped as `window_missed`; rows past their day's hours move to the next ones."""
    done: Counter[str] = Counter()
    while found := _settle_batch(scope):
        done.update(found)
    return done


PAST = f"""
select m.id, m.later, {AS_OF} from messaging_message m
where m.status = 'scheduled' and m.send_after <= {AS_OF} and {IN_SCOPE}
  and (m.expires_at <= {AS_OF} or m.close_at <= {AS_OF})
order by m.send_after limit {TIDY_BATCH}
for update skip locked
"""  # noqa: S608


@transaction.atomic
def _settle_batch(scope: Scope) -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute(PAST, scope.params())
        rows = cursor.fetchall()
    missed: list[UUID] = []
    for pk, later, moment in rows:
        slots = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in _loaded(later)]
        ahead = [slot for slot in slots if slot[1] > moment]
        if not ahead:
            missed.append(pk)
            continue
        rest = [[a.isoformat(), b.isoformat()] for a, b in ahead[1:]]
        Message.objects.filter(pk=pk).update(
            send_after=ahead[0][0], close_at=ahead[0][1], later=rest, late=True
        )
    if missed:
        Message.objects.filter(pk__in=missed).update(
            status=MessageStatus.SKIPPED, skip_reason=SkipReason.WINDOW_MISSED, finished_at=rows[0][2]
        )
    moved = len(rows) - len(missed)
    return Counter({name: n for name, n in (("skipped", len(missed)), ("moved", moved)) if n})


def _loaded(value: Any) -> Any:
    """Outside the ORM the driver hands JSON over as text."""
    return json.loads(value) if isinstance(value, str) else value
