"""The gateway's door: only what is signed, each event once, answered at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from coordinator.messaging import inbound
from coordinator.messaging.models import GatewayEvent

pytestmark = pytest.mark.django_db
URL = "/gateway/events/"
REPLY = {"id": "e1", "type": "reply", "from": "+16125550143", "text": "STOP"}
Send = Callable[..., Any]


@pytest.fixture
def send(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Send:
    settings.SMS_CALLBACK_SECRET = "callback-secret"
    monkeypatch.setattr("scheduling.jobs.handle_gateway_events.apply_async", lambda **_: None)
    client = Client(enforce_csrf_checks=True)

    def post(data: Any, *, signature: str | None = None, timestamp: str | None = None) -> Any:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        stamp = timestamp or str(int(time.time()))
        headers = {
            "X-Gateway-Timestamp": stamp,
            "X-Gateway-Signature": signature or inbound.sign(body, stamp),
        }
        return client.post(URL, body, content_type="application/json", headers=headers)

    return post


def test_a_signed_event_is_kept_and_its_repeat_changes_nothing(send: Send) -> None:
    for _ in range(3):
        response = send(REPLY)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
    event = GatewayEvent.objects.get()
    assert (event.kind, event.sender, event.text, event.handled_at) == ("reply", "+16125550143", "STOP", None)


def test_what_is_not_signed_as_it_should_be_is_refused(send: Send, settings: Any) -> None:
    old = str(int(time.time()) - 301)
    refused = [
        send(REPLY, signature="0" * 64),
        send(REPLY, signature="ü"),
        send(REPLY, timestamp=old),
        send(REPLY, timestamp="now"),
        send(REPLY, timestamp="9" * 400),
        send(b"x" * 20_000),
        Client().post(URL, REPLY, content_type="application/json"),
    ]
    settings.SMS_CALLBACK_SECRET = ""
    refused.append(send(REPLY))
    assert {response.status_code for response in refused} == {400}
    assert not GatewayEvent.objects.exists()


def test_a_signature_counts_for_its_own_body_only(send: Send) -> None:
    stamp = str(int(time.time()))
    other = inbound.sign(json.dumps(REPLY).encode(), stamp)
    assert send(REPLY | {"text": "START"}, signature=other, timestamp=stamp).status_code == 400


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (b"\xff", "not_json"),
        ({"id": "e1"}, "no_id_or_type"),
        ({"id": "e1", "type": "odd"}, "no_id_or_type"),
        ({"id": 1, "type": "reply"}, "no_id_or_type"),
        ({"id": "e" * 121, "type": "reply", "from": "1"}, "no_id_or_type"),
        ({"id": "e1", "type": "reply"}, "no_sender"),
        ({"id": "e1", "type": "receipt", "status": "odd"}, "no_status"),
    ],
)
def test_what_has_not_the_shape_of_an_event_is_named(send: Send, data: Any, code: str) -> None:
    response = send(data)
    assert (response.status_code, response.json()) == (400, {"error": code})


def test_odd_text_is_kept_as_far_as_it_can_be(send: Send) -> None:
    assert send(REPLY | {"text": "a\x00b\ud800" + "c" * 5000}).status_code == 200
    assert GatewayEvent.objects.get().text.startswith("ab?ccc")


def test_a_receipt_keeps_reference_and_outcome(send: Send) -> None:
    send({"id": "e2", "type": "receipt", "message": "r1", "status": "delivered"})
    event = GatewayEvent.objects.get()
    assert (event.kind, event.reference, event.arrived) == ("receipt", "r1", True)


def test_the_door_takes_nothing_but_posts(send: Send) -> None:
    assert Client().get(URL).status_code == 405
