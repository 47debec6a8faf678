"""Catches what the demo sends: an SMTP server, a text-message gateway and their inboxes, on loopback.

The gateway ("sandbox") is what the product's HTTP adapter talks to:

    POST /messages         {"to", "body"} with `Idempotency-Key` and `Authorization: Bearer`
                           201 {"id", "status": "accepted"}; the same key again: 200 and the same id
    GET  /messages?key=K   200 {"id", "status": "accepted"}, or 404 {"status": "unknown"}

Numbers that misbehave on purpose: +15005550001 is refused (422), +15005550002 is down (503),
+15005550003 accepts and then hangs up without an answer.
"""

import argparse
import hmac
import json
import os
import signal
import sys
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from coordinator.devserver import inbox
from coordinator.devserver.caught import Caught, Store
from coordinator.devserver.folder import free_port

MAX_TEXT_BYTES = 64_000
MAX_MAIL_BYTES = 10_000_000
REFUSED_NUMBER = "+15005550001"
DOWN_NUMBER = "+15005550002"
SILENT_NUMBER = "+15005550003"
STYLE = Path(__file__).with_name("inbox.css")
HOST_NAMES = ("127.0.0.1", "localhost", "[::1]")


class MailCatcher:
    """aiosmtpd handler. The key of an e-mail is its `Idempotency-Key` header, else its Message-ID."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        parsed = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        part = parsed.get_body(preferencelist=("plain", "html"))
        self.store.accept(
            Caught(
                channel="email",
                to=", ".join(envelope.rcpt_tos),
                sender=envelope.mail_from or "",
                subject=str(parsed.get("Subject", "")),
                body=str(part.get_content()) if part else "",
                key=str(parsed.get("Idempotency-Key") or parsed.get("Message-ID") or "").strip(),
                attachments=tuple(a.get_filename() or "unnamed" for a in parsed.iter_attachments()),
            )
        )
        return "250 OK"


class GatewayHandler(BaseHTTPRequestHandler):
    """The text-message sandbox and the inbox pages."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes; the second must not wait for a receipt
    server_version = "Throughline-sandbox"
    timeout = 60
    server: "GatewayServer"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if not self._is_local():
            self._answer(421, "This server answers on this machine only.")
        elif url.path == "/":
            page = query.get("page", "1")
            number = int(page) if page.isdecimal() and 0 < int(page) < 1000 else 1
            self._html(inbox.list_page(self.server.store, query.get("channel", ""), number))
        elif url.path == "/inbox.css":
            self._answer(200, STYLE.read_bytes(), "text/css")
        elif url.path.startswith("/message/") and (message := self.server.store.get(url.path[9:])):
            self._html(inbox.message_page(message))
        elif url.path == "/messages" and self._has_token():
            found = self.server.store.find("text", query.get("key", ""))
            if found:
                self._json(200, {"id": found, "status": "accepted"})
            else:
                self._json(404, {"status": "unknown"})
        else:
            self._answer(404, "Not here.")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_TEXT_BYTES:
            self.close_connection = True
            return self._json(413, {"error": "Send a Content-Length of at most 64 kB."})
        raw = self.rfile.read(int(length))
        if not self._is_local() or urlsplit(self.path).path != "/messages" or not self._has_token():
            return self._answer(404, "Not here.")
        key = self.headers.get("Idempotency-Key", "").strip()
        try:
            wanted = json.loads(raw)
            to, body = wanted["to"], wanted["body"]
        except (ValueError, KeyError, TypeError):
            to = body = None
        if not (key and isinstance(to, str) and isinstance(body, str) and to and body):
            return self._json(400, {"error": "Send an Idempotency-Key header and JSON with to and body."})
        return self._take(key, to, body)

    def _take(self, key: str, to: str, body: str) -> None:
        if to == REFUSED_NUMBER:
            return self._json(422, {"error": "This number cannot receive text messages."})
        if to == DOWN_NUMBER:
            return self._json(503, {"error": "The carrier cannot be reached."})
        message_id, new = self.server.store.accept(Caught(channel="text", to=to, body=body, key=key))
        if to == SILENT_NUMBER:
            self.close_connection = True
            return None
        return self._json(201 if new else 200, {"id": message_id, "status": "accepted"})

    def _is_local(self) -> bool:
        """Refuses other host names, so that no web page elsewhere can read the inbox through the browser."""
        return self.headers.get("Host", "").rpartition(":")[0] in HOST_NAMES

    def _has_token(self) -> bool:
        wanted = f"Bearer {self.server.token}"
        return hmac.compare_digest(self.headers.get("Authorization", "").encode(), wanted.encode())

    def _json(self, status: int, content: dict[str, str]) -> None:
        self._answer(status, json.dumps(content), "application/json")

    def _html(self, content: str) -> None:
        self._answer(200, content, "text/html")

    def _answer(self, status: int, content: str | bytes, kind: str = "text/plain") -> None:
        body = content if isinstance(content, bytes) else content.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: a request line can hold a key, and the acceptance log says the rest."""


class GatewayServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, store: Store, token: str) -> None:
        super().__init__(("127.0.0.1", port), GatewayHandler)
        self.store = store
        self.token = token

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event; anything else goes to the log."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Catchers:
    """Both servers, each in its own thread; port 0 takes a free one. Also usable in a test, as a context."""

    def __init__(self, folder: Path, token: str, http_port: int = 0, smtp_port: int = 0) -> None:
        self.store = Store(folder)
        self.gateway = GatewayServer(http_port, self.store, token)
        self.http_port = self.gateway.server_address[1]
        self.smtp_port = smtp_port or free_port()
        self.mail = Controller(
            MailCatcher(self.store),
            hostname="127.0.0.1",
            port=self.smtp_port,
            data_size_limit=MAX_MAIL_BYTES,
            ident="Throughline sandbox",
        )

    def __enter__(self) -> "Catchers":
        self.mail.start()
        threading.Thread(target=self.gateway.serve_forever, args=(0.1,), name="gateway", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.gateway.shutdown()
        self.gateway.server_close()
        self.mail.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Catch e-mail and text messages of the demo.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    options = parser.parse_args()
    token = os.environ["SMS_GATEWAY_TOKEN"]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Catchers(options.folder, token, options.http_port, options.smtp_port):
        stop.wait()


if __name__ == "__main__":
    main()
