"""Messages and a gateway that does what a test tells it to."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from coordinator.accounts.models import Site
from coordinator.messaging.gateways import NoGateway, NotSent, Unclear
from coordinator.messaging.models import Message
from coordinator.tests.factories import make_site, number


def make_message(site: Site | None = None, **fields: Any) -> Message:
    now = timezone.now()
    fields.setdefault("key", f"test:{next(number)}")
    fields.setdefault("purpose", "test")
    fields.setdefault("about_type", "test")
    fields.setdefault("about_id", uuid4())
    fields.setdefault("channel", "sms")
    fields.setdefault("address", "+16125550143")
    fields.setdefault("body", "Riverbend: hello")
    fields.setdefault("send_after", now - timedelta(minutes=1))
    fields.setdefault("created_at", now)
    return Message.objects.create(site=site or make_site(), **fields)


class FakeGateway:
    """Takes everything, unless `script` (called with the key and how often it came) raises something."""

    can_be_asked = True
    at_once = 50
    parallel = 2
    call_seconds = 1.0

    def __init__(
        self, script: Callable[[str, int], None] | None = None, *, can_be_asked: bool = True
    ) -> None:
        self.script = script
        self.can_be_asked = can_be_asked
        self.at_once = 50 if can_be_asked else 1
        self.calls: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.lookup_fails = False
        self._guard = threading.Lock()

    def __call__(self, channel: str) -> FakeGateway:
        return self

    def send(self, *, key: str, to: str, subject: str, body: str) -> str:
        with self._guard:
            self.calls[key] += 1
            if self.script is not None:
                self.script(key, self.calls[key])
            self.taken[key] += 1
        return f"ref-{key}"

    def lookup(self, key: str) -> str | None:
        self.asked[key] += 1
        if self.lookup_fails:
            raise NoGateway
        return f"ref-{key}" if self.taken[key] else None

    def close(self) -> None:
        pass


def refuse(key: str, times: int) -> None:
    raise NotSent("http_422", for_good=True)


def be_down(key: str, times: int) -> None:
    raise NotSent("http_503")


def hang(key: str, times: int) -> None:
    raise Unclear("no_answer")


def end_leases(moment: datetime | None = None) -> None:
    """As if the time of every lease were over."""
    past = (moment or timezone.now()) - timedelta(seconds=1)
    Message.objects.filter(status="sending").update(lease_until=past)
