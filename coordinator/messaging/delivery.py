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
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from coordinator.messaging import checks, filling
from coordinator.messaging.claims import (
    AS_OF,
    IN_SCOPE,
    NOW,
    Batch,
    Claimed,
    Outcome,
    Scope,
    claim_due,
    claim_expired,
    write,
)
from coordinator.messaging.gateways import Gateway, NoGateway, NotSent, Unclear, gateway_for
from coordinator.messaging.models import Message, MessageStatus, SkipReason

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 8
PAUSES = (60, 120, 240, 480, 900, 1800, 3600)  # seconds before try 2, 3, ...; together over two hours
FAILURES_IN_A_ROW = 10
WRITE_AFTER = 2.0  # seconds of sending after which results are written, even if the batch is not done
LOOK_BACK_EVERY = 5.0  # seconds between looks for rows that a dead worker left behind
TIDY_BATCH = 500
GatewayFor = Callable[[str], Gateway]


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
    *,
    scope: Scope = NOW,
    seconds: float = 600,
    gateways: GatewayFor = gateway_for,
    wait: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> Counter[str]:
    """Send until nothing in `scope` is due, the gateway is down or `seconds` are over. Counts by outcome.

    Any number of workers may do this at once. `wait` stays until every row has a final state or time is over:
    for a person who watches a night being made up for. `progress` is called after each batch.
    """
    done: Counter[str] = Counter()
    stop = time.monotonic() + seconds
    while True:
        done.update(settle_past(scope))
        for channel in Message.Channel.values:
            done.update(_deliver_channel(channel, scope, stop, gateways, progress))
        if not wait or time.monotonic() > stop or not _in_flight(scope):
            return +done  # without the zeros
        progress()
        time.sleep(0.5)


def _deliver_channel(
    channel: str, scope: Scope, stop: float, gateways: GatewayFor, progress: Callable[[], None]
) -> Counter[str]:
    done: Counter[str] = Counter()
    gateway = gateways(channel)
    wanted: dict[str, Any] = {
        "scope": scope,
        "limit": gateway.at_once,
        "call_seconds": gateway.call_seconds,
    }
    breaker = Breaker()
    looked = 0.0
    pool = ThreadPoolExecutor(gateway.parallel)  # its threads keep their connections from batch to batch
    try:
        while time.monotonic() < stop and not breaker.open:
            batch = None
            if time.monotonic() - looked > LOOK_BACK_EVERY:
                batch = claim_expired(channel, **wanted)
                looked = looked if batch else time.monotonic()
            if batch:
                done.update(_settle_expired(batch, gateway))
            elif batch := claim_due(channel, **wanted):
                done.update(_send(batch, gateway, breaker, pool))
            else:
                break
            progress()
    finally:
        pool.shutdown()
        gateway.close()
    if breaker.open:
        log.warning("Gateway for %s stopped after %d failures in a row.", channel, breaker.failures)
        done["stopped"] += 1
    return done


def _in_flight(scope: Scope) -> bool:
    """Rows that are being sent now, or were by a worker that died."""
    rows = Message.objects.filter(status=MessageStatus.SENDING, replay=scope.replay)
    return (rows.filter(site_id=scope.site_id) if scope.site_id else rows).exists()


# --- sending --------------------------------------------------------------------------------------------


def _send(batch: Batch, gateway: Gateway, breaker: Breaker, pool: ThreadPoolExecutor) -> Counter[str]:
    """Call the gateway for each message and write the results, in parts so that little is in doubt after a crash."""
    reasons = checks.unwanted(batch.messages)
    done = write(
        batch, [_stay(message, reasons[message.id]) for message in batch.messages if message.id in reasons]
    )
    waiting = [message for message in batch.messages if message.id not in reasons]
    outcomes: list[Outcome] = []
    written = time.monotonic()
    while waiting and not breaker.open and batch.time_left() > gateway.call_seconds:
        part, waiting = waiting[: gateway.parallel], waiting[gateway.parallel :]
        for outcome in pool.map(lambda message: _call(gateway, filling.filled(message)), part):
            breaker.note(outcome)
            done.update({"in_doubt": outcome is None})
            outcomes += [outcome] if outcome is not None else []
        if time.monotonic() - written > WRITE_AFTER:
            done.update(write(batch, outcomes))
            outcomes, written = [], time.monotonic()
    done.update(write(batch, outcomes + [_release(message) for message in waiting]))
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
