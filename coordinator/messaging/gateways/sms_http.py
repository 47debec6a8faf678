"""Text messages through any gateway that speaks a little HTTP (the contract is in docs/operations.md)."""

from __future__ import annotations

from coordinator.messaging.client import Client, NoAnswer, NotReached
from coordinator.messaging.gateways.base import NoGateway, NotSent, Unclear

CONNECT_SECONDS = 2.0
BUSY = (429, 503)  # by their meaning in HTTP: the request was not carried out
REFUSED = (400, 410, 413, 422)  # this message or number, for good
NOT_OURS = (401, 402, 403, 404, 405)  # wrong token, no credit, wrong address: ours to repair


class HttpGateway:
    """POST /messages {to, body} with `Idempotency-Key` and a bearer token; GET /messages?key= asks about a key.

    A look-up counts as "not taken" only when the gateway says so in words ({"status": "unknown"}): a bare 404
    may as well mean that it has no look-up at all.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        read: float = 5.0,
        can_be_asked: bool = True,
        parallel: int = 4,
    ) -> None:
        self.client = Client(url, token=token, connect=CONNECT_SECONDS, read=read)
        self.can_be_asked = can_be_asked
        self.at_once = 100 if can_be_asked else 1
        self.parallel = parallel if can_be_asked else 1
        self.call_seconds = CONNECT_SECONDS + read

    def send(self, *, key: str, to: str, subject: str, body: str) -> str:
        try:
            answer = self.client.post(
                "/messages", json_body={"to": to, "body": body}, headers={"Idempotency-Key": key}
            )
        except NotReached as error:
            raise NotSent("unreachable") from error
        except NoAnswer as error:
            raise Unclear("no_answer") from error
        if 200 <= answer.status < 300:
            return str(answer.body.get("id", ""))[:120]
        if answer.status in REFUSED:
            raise NotSent(f"http_{answer.status}", for_good=True)
        if answer.status in BUSY or answer.status in NOT_OURS or 300 <= answer.status < 400:
            raise NotSent(f"http_{answer.status}")
        raise Unclear(f"http_{answer.status}")

    def lookup(self, key: str) -> str | None:
        try:
            answer = self.client.get("/messages", params={"key": key})
        except (NotReached, NoAnswer) as error:
            raise NoGateway from error
        if answer.status == 200 and answer.body.get("id"):
            return str(answer.body["id"])[:120]
        if answer.status == 404 and answer.body.get("status") == "unknown":
            return None
        raise NoGateway

    def close(self) -> None:
        self.client.close()
