"""What a gateway tells us: the door (signature, size, shape) and the table. Working on it is the app's business.

    POST /gateway/events/
    X-Gateway-Timestamp: 1795300000                    seconds since 1970, at most five minutes off
    X-Gateway-Signature: hex HMAC-SHA256 of "<timestamp>.<body>" with SMS_CALLBACK_SECRET
    {"id": "e1", "type": "reply", "from": "+16125550143", "text": "STOP"}
    {"id": "e2", "type": "receipt", "message": "<the gateway's id>", "status": "delivered" or "failed"}

The answer comes at once; the same event again is answered the same and changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from coordinator.messaging.models import GatewayEvent
from coordinator.workflow import Actor

MOST_BYTES = 16 * 1024
MOST_SECONDS_OFF = 300
MOST_TRIES = 5
Handler = Callable[[GatewayEvent], str]


class Rejected(Exception):
    """Not an event we take. The code is for the gateway's log."""


def is_signed(*, body: bytes, timestamp: str, signature: str, now: datetime) -> bool:
    """True for a body that the gateway signed within the last five minutes. Without a secret nothing is."""
    if not settings.SMS_CALLBACK_SECRET or not (timestamp.isascii() and timestamp.isdecimal()):
        return False
    if abs(now.timestamp() - int(timestamp[:15])) > MOST_SECONDS_OFF:
        return False
    return hmac.compare_digest(sign(body, timestamp).encode(), signature.strip().lower().encode())


def sign(body: bytes, timestamp: str) -> str:
    secret = settings.SMS_CALLBACK_SECRET.encode()
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


@transaction.atomic
def take_event(*, body: bytes, by: Actor, now: datetime) -> bool:
    """Keep the event; False when it is known already. Raises Rejected for what has not the shape of one."""
    event = GatewayEvent(received_at=now, **_parsed(body))
    GatewayEvent.objects.bulk_create([event], ignore_conflicts=True)
    return GatewayEvent.objects.filter(pk=event.pk).exists()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError as error:
        raise Rejected("not_json") from error
    if not isinstance(data, dict):
        raise Rejected("not_an_object")
    known = {name: value for name, value in data.items() if isinstance(value, str)}
    event_id, kind = known.get("id", ""), known.get("type", "")
    if not event_id or len(event_id) > 120 or kind not in GatewayEvent.Kind.values:
        raise Rejected("no_id_or_type")
    fields: dict[str, Any] = {"event_id": _clean(event_id), "kind": kind}
    if kind == GatewayEvent.Kind.REPLY:
        if not known.get("from"):
            raise Rejected("no_sender")
        return fields | {"sender": _clean(known["from"])[:40], "text": _clean(known.get("text", ""))[:1600]}
    if known.get("status") not in ("delivered", "failed"):
        raise Rejected("no_status")
    return fields | {
        "reference": _clean(known.get("message", ""))[:120],
        "key": _clean(known.get("key", ""))[:200],
        "arrived": known["status"] == "delivered",
    }


def _clean(text: str) -> str:
    """Without what the database refuses: NUL, and halves of a pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def work_off(*, handlers: dict[str, Handler], by: Actor, now: datetime, limit: int = 500) -> int:
    """Work on waiting events, the oldest first, each in its own transaction; returns how many were settled.

    `handlers` maps a kind to what does the work and returns a word for the result. An event that fails five
    times is set aside with the error's name. Several workers at once share the work.
    """
    done = 0
    for _ in range(limit):
        settled = _work_off_one(handlers, now)
        if settled is None:
            break
        done += settled
    return done


def _work_off_one(handlers: dict[str, Handler], now: datetime) -> bool | None:
    """One event: True when settled, False when it will be tried again, None when none waits."""
    waiting = GatewayEvent.objects.filter(handled_at=None, tries__lt=MOST_TRIES)
    with transaction.atomic():
        event = waiting.select_for_update(skip_locked=True).order_by("tries", "received_at", "pk").first()
        if event is None:
            return None
        try:
            with transaction.atomic():
                result, settled = handlers[event.kind](event), True
        except Exception as error:
            result, settled = type(error).__name__, event.tries + 1 >= MOST_TRIES
        GatewayEvent.objects.filter(pk=event.pk).update(
            tries=event.tries + 1, handled_at=now if settled else None, result=result[:60]
        )
        return settled
