"""A closed-loop HTTP load generator: standard library only, loopback only.

Each client sends a request, waits for the whole answer and sends the next, on a connection that is kept open when the
server allows it. One selector loop drives all clients, so the generator stays cheap beside the server it shares the
machine with.

    python -m bench.load --url http://127.0.0.1:8000/healthz --clients 16 --seconds 5 --pids 1234
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

GIVE_UP_SECONDS = 60.0
READ_SIZE = 1 << 18


@dataclass(frozen=True)
class Request:
    """What is sent, ready as bytes. `tag` names it in the results of a volley."""

    data: bytes
    tag: str = ""


@dataclass
class Result:
    """What one run gave. Latencies are milliseconds from the first byte sent to the last byte read."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)  # transport errors
    answers: list[tuple[str, int, bytes]] = field(default_factory=list)
    server_cpu_ms: float | None = None  # per request
    foreign_cpu: float = 0.0  # share of the machine that others used meanwhile

    @property
    def count(self) -> int:
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        return self.count / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def errors(self, fine: Iterable[int] = ()) -> int:
        """Answers of 500 and above or not in `fine` (default 2xx and 3xx), and transport errors."""
        allowed = set(fine)
        bad = sum(n for s, n in self.statuses.items() if not (200 <= s < 400 or s in allowed))
        return bad + sum(self.failures.values())


class Base:
    """A loopback server that requests are made for."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        if self.host not in ("127.0.0.1", "localhost", "::1"):
            raise SystemExit("The load generator talks to loopback addresses only.")
        self.family = socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        tag: str = "",
    ) -> Request:
        sent = {
            "Host": f"{self.host}:{self.port}",
            "Accept": "application/json, text/html;q=0.9",
            **(headers or {}),
        }
        payload = b""
        if body is not None:
            payload = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if payload or method not in ("GET", "HEAD"):
            sent["Content-Length"] = str(len(payload))
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return Request(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + payload, tag)

    def connect(self, blocking: bool = False) -> socket.socket:
        connection = socket.socket(self.family)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if blocking:
            connection.settimeout(GIVE_UP_SECONDS)
            connection.connect((self.host, self.port))
            connection.setblocking(False)
        else:
            connection.setblocking(False)
            connection.connect_ex((self.host, self.port))
        return connection


class Answer:
    """Collects the bytes of one answer until it is whole."""

    __slots__ = ("body", "chunked", "closing", "length", "raw", "status")

    def __init__(self) -> None:
        self.raw = bytearray()
        self.status = 0
        self.length: int | None = None
        self.chunked = self.closing = False
        self.body = b""

    def take(self, data: bytes) -> bool:
        """True when the answer is whole. Raises ConnectionError when the server closed before that."""
        if not data:
            if self.status and self.length is None and not self.chunked:
                self.closing, self.body = True, bytes(self.raw)
                return True
            raise ConnectionError("closed early")
        self.raw += data
        if not self.status and not self._head():
            return False
        if self.chunked:
            whole = self.raw.endswith(b"0\r\n\r\n")
        else:
            whole = self.length is not None and len(self.raw) >= self.length
        if whole:
            self.body = bytes(self.raw)
        return whole

    def _head(self) -> bool:
        end = self.raw.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = bytes(self.raw[:end]).lower().split(b"\r\n")
        self.status = int(first[9:12])
        self.closing = first.startswith(b"http/1.0")
        for line in lines:
            name, _sep, value = line.partition(b":")
            if name == b"content-length":
                self.length = int(value)
            elif name == b"transfer-encoding":
                self.chunked = b"chunked" in value
            elif name == b"connection":
                self.closing = b"close" in value
        if self.status in (204, 304):
            self.length = 0
        del self.raw[: end + 4]
        return True


class _Client:
    __slots__ = ("answer", "rest", "sent_at", "socket", "tag")

    def __init__(self) -> None:
        self.socket: socket.socket | None = None


def run(
    base: Base, requests: Iterator[Request], *, clients: int, seconds: float = 0.0, keep: bool = False
) -> Result:
    """Keep `clients` busy for `seconds`, or until the requests end. `keep` returns tag, status and body of each."""
    result, selector = Result(), selectors.DefaultSelector()
    began = time.perf_counter()
    ends = began + seconds if seconds else float("inf")
    idle = [_Client() for _ in range(clients)]
    busy: set[_Client] = set()
    while idle or busy:
        while idle:
            client = idle.pop()
            request = next(requests, None) if time.perf_counter() < ends else None
            if request is None:
                _drop(client, selector)
                continue
            _send(base, client, request, selector, result)
            busy.add(client)
        if not busy:
            break
        events = selector.select(1.0)
        if not events and time.perf_counter() - began > (seconds or 0) + GIVE_UP_SECONDS:
            result.failures["no answer"] += len(busy)
            break
        for key, mask in events:
            client = key.data
            if not _serve(client, mask, selector, result, keep):
                continue
            busy.discard(client)
            idle.append(client)
    result.seconds = time.perf_counter() - began
    for client in busy:
        _drop(client, selector)
    selector.close()
    return result


def _send(
    base: Base, client: _Client, request: Request, selector: selectors.BaseSelector, result: Result
) -> None:
    client.answer, client.rest, client.tag = Answer(), request.data, request.tag
    client.sent_at = time.perf_counter()
    if client.socket is None:
        client.socket = base.connect()
        selector.register(client.socket, selectors.EVENT_WRITE | selectors.EVENT_READ, client)
        return
    try:
        client.rest = client.rest[client.socket.send(client.rest) :]
    except OSError:
        # The server closed the kept connection in between: that is no error, a new one is made.
        _drop(client, selector)
        client.socket = base.connect()
        selector.register(client.socket, selectors.EVENT_WRITE | selectors.EVENT_READ, client)
        return
    wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.rest else 0)
    selector.modify(client.socket, wanted, client)


def _serve(client: _Client, mask: int, selector: selectors.BaseSelector, result: Result, keep: bool) -> bool:
    """Write or read what is possible; True when the client's request is over, well or badly."""
    assert client.socket is not None
    try:
        if mask & selectors.EVENT_WRITE and client.rest:
            client.rest = client.rest[client.socket.send(client.rest) :]
            if not client.rest:
                selector.modify(client.socket, selectors.EVENT_READ, client)
        if not mask & selectors.EVENT_READ:
            return False
        if not client.answer.take(client.socket.recv(READ_SIZE)):
            return False
    except BlockingIOError:
        return False
    except (OSError, ValueError) as error:
        result.failures[type(error).__name__] += 1
        _drop(client, selector)
        return True
    result.latencies.append((time.perf_counter() - client.sent_at) * 1000)
    result.statuses[client.answer.status] += 1
    if keep:
        result.answers.append((client.tag, client.answer.status, client.answer.body))
    if client.answer.closing:
        _drop(client, selector)
    return True


def _drop(client: _Client, selector: selectors.BaseSelector) -> None:
    if client.socket is not None:
        selector.unregister(client.socket)
        client.socket.close()
        client.socket = None


def volley(base: Base, requests: list[Request]) -> Result:
    """All requests at one moment: every connection is open before the first byte is written."""
    sockets = [base.connect(blocking=True) for _ in requests]
    result, selector = Result(), selectors.DefaultSelector()
    began = time.perf_counter()
    for request, connection in zip(requests, sockets, strict=True):
        client = _Client()
        client.socket, client.answer, client.tag, client.rest = connection, Answer(), request.tag, b""
        client.sent_at = time.perf_counter()
        connection.sendall(request.data)
        selector.register(connection, selectors.EVENT_READ, client)
    waiting = len(requests)
    while waiting and time.perf_counter() - began < GIVE_UP_SECONDS:
        for key, mask in selector.select(1.0):
            if _serve(key.data, mask, selector, result, keep=True):
                waiting -= 1
                _drop(key.data, selector)
    result.failures["no answer"] += waiting
    result.failures += Counter()
    result.seconds = time.perf_counter() - began
    selector.close()
    return result


# --- what it costs the server ----------------------------------------------------------------------------


def family(roots: Iterable[int]) -> list[int]:
    """These processes and all their children that live now."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time these processes have used, their finished children included."""
    ticks = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(value) for value in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def machine_cpu_seconds() -> float:
    """Processor time used on the whole machine, without idling and waiting."""
    with open("/proc/stat", encoding="ascii") as file:
        values = [int(value) for value in file.readline().split()[1:9]]
    return (sum(values) - values[3] - values[4]) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        line = next(line for line in file if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def measured(base: Base, requests: Iterator[Request], *, pids: Iterable[int] = (), **options: Any) -> Result:
    """`run`, with the server's processor time per request and what others took of the machine."""
    roots = list(pids)
    servers = family(roots)
    own_before, machine_before = time.process_time(), machine_cpu_seconds()
    server_before = cpu_seconds(servers)
    result = run(base, requests, **options)
    server = cpu_seconds(servers) - server_before
    own, machine = time.process_time() - own_before, machine_cpu_seconds() - machine_before
    if roots and result.count:
        result.server_cpu_ms = 1000 * server / result.count
    capacity = result.seconds * (os.cpu_count() or 1)
    result.foreign_cpu = max(0.0, (machine - server - own) / capacity) if roots and capacity else 0.0
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="Load one loopback address and say how it does.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--method", default="GET")
    parser.add_argument("--body", help="JSON")
    parser.add_argument("--header", action="append", default=[], metavar="NAME: VALUE")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--pids", default="", help="the server's processes, comma separated; children count too"
    )
    options = parser.parse_args()
    base, parts = Base(options.url), urlsplit(options.url)
    headers = {
        name.strip(): value.strip() for name, _sep, value in (h.partition(":") for h in options.header)
    }
    body = json.loads(options.body) if options.body else None
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    request = base.request(options.method, path or "/", body=body, headers=headers)
    pids = [int(pid) for pid in options.pids.split(",") if pid]
    result = measured(
        base, iter(lambda: request, None), pids=pids, clients=options.clients, seconds=options.seconds
    )
    cpu = f", server CPU {result.server_cpu_ms:.2f} ms/request" if result.server_cpu_ms is not None else ""
    print(
        f"{result.count} answers, {result.per_second:.1f}/s, p50 {result.percentile(0.5):.1f} ms,"
        f" p95 {result.percentile(0.95):.1f} ms{cpu}, statuses {dict(result.statuses)}, failures {dict(result.failures)}"
    )


if __name__ == "__main__":
    main()
