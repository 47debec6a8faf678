"""The sandbox gateway on a bad day: some calls end in an error, some are taken and then never answered.

`honors_keys` is what a good gateway does: the same key again is the same message. Without it every accepted call is
a message that somebody gets, and only asking first keeps it from coming twice. Its acceptance log is the judge.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from coordinator.devserver.catchers import GatewayHandler, GatewayServer
from coordinator.devserver.caught import Caught, Store


class EveryCallCounts(Store):
    """Takes a key again and again, as most gateways do."""

    def accept(self, message: Caught) -> tuple[str, bool]:
        with self._guard:
            self._ids.pop((message.channel, message.key), None)
        return super().accept(message)


class FaultyHandler(GatewayHandler):
    server: FaultyServer

    def _take(self, key: str, to: str, body: str) -> None:
        with self.server.guard:
            self.server.calls[key] += 1
            chance = self.server.luck.random()
        if chance < self.server.errors / 2:
            return self._json(503, {"error": "The carrier cannot be reached."})
        if chance < self.server.errors:
            return self._json(500, {"error": "Something broke."})
        if chance < self.server.errors + self.server.silences:
            self.server.store.accept(Caught(channel="text", to=to, body=body, key=key))
            time.sleep(self.server.silence_seconds)
            self.close_connection = True
            return None
        return super()._take(key, to, body)


class FaultyServer(GatewayServer):
    def __init__(
        self, store: Store, token: str, *, errors: float, silences: float, silence_seconds: float, seed: int
    ) -> None:
        super().__init__(0, store, token)
        self.RequestHandlerClass = FaultyHandler
        self.errors, self.silences, self.silence_seconds = errors, silences, silence_seconds
        self.luck = random.Random(seed)
        self.guard = threading.Lock()
        self.calls: Counter[str] = Counter()


class FaultyGateway:
    """Runs the server in a thread, on loopback. `errors` and `silences` are shares of all calls."""

    def __init__(
        self,
        folder: Path,
        *,
        honors_keys: bool = True,
        errors: float = 0.02,
        silences: float = 0.02,
        silence_seconds: float = 3.0,
        seed: int = 1,
    ) -> None:
        self.token = "sandbox"
        self.folder = folder
        store = (Store if honors_keys else EveryCallCounts)(folder)
        self.server = FaultyServer(
            store, self.token, errors=errors, silences=silences, silence_seconds=silence_seconds, seed=seed
        )
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def environment(self) -> dict[str, str]:
        """For workers that are to send through it: short limits, so that a test need not wait."""
        return {
            "SMS_GATEWAY": "sandbox",
            "SMS_GATEWAY_URL": self.url,
            "SMS_GATEWAY_TOKEN": self.token,
            "SMS_GATEWAY_TIMEOUT": "1",
            "MESSAGE_LEASE_SECONDS": "4",
        }

    def accepted(self) -> Counter[str]:
        """How often each key was accepted, read from the gateway's own log."""
        lines = (self.folder / "accepted.jsonl").read_text().splitlines()
        return Counter(json.loads(line)["key"] for line in lines)

    def __enter__(self) -> FaultyGateway:
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
