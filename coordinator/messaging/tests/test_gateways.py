"""The ways out, against real sockets: the sandbox of `bin/run`, and servers that misbehave on purpose."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from coordinator.devserver.catchers import DOWN_NUMBER, REFUSED_NUMBER, SILENT_NUMBER, Catchers
from coordinator.messaging.client import Client
from coordinator.messaging.gateways import NoGateway, NotSent, Unclear, gateway_for
from coordinator.messaging.gateways.sms_http import HttpGateway
from coordinator.messaging.gateways.smtp import SmtpGateway, stable_id

TEXT = {"subject": "", "body": "Riverbend: Elena, visit Tue Nov 24"}


@pytest.fixture
def catchers(tmp_path: Path, settings: Any) -> Generator[Catchers]:
    with Catchers(tmp_path, token="secret") as running:
        settings.SMS_GATEWAY = "sandbox"
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{running.http_port}"
        settings.SMS_GATEWAY_TOKEN = "secret"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.smtp_port
        yield running


@contextmanager
def http_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[HttpGateway]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    gateway = HttpGateway(f"http://127.0.0.1:{server.server_address[1]}", "t", read=0.5)
    try:
        yield gateway
    finally:
        gateway.close()
        server.shutdown()
        server.server_close()


def say(status: int, body: bytes = b"{}", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


# --- text messages ------------------------------------------------------------------------------------------


def test_the_sandbox_takes_a_text_and_can_be_asked_about_it(catchers: Catchers) -> None:
    gateway = gateway_for("sms")
    assert gateway.lookup("k1") is None
    reference = gateway.send(key="k1", to="+16125550143", **TEXT)
    assert gateway.send(key="k1", to="+16125550143", **TEXT) == reference
    assert gateway.lookup("k1") == reference
    assert [m.body for m in catchers.store.latest("text")] == [TEXT["body"]]
    gateway.close()


def test_numbers_that_misbehave(catchers: Catchers) -> None:
    gateway = gateway_for("sms")
    with pytest.raises(NotSent) as refused:
        gateway.send(key="k1", to=REFUSED_NUMBER, **TEXT)
    assert refused.value.for_good
    with pytest.raises(NotSent) as down:
        gateway.send(key="k2", to=DOWN_NUMBER, **TEXT)
    assert not down.value.for_good
    with pytest.raises(Unclear):
        gateway.send(key="k3", to=SILENT_NUMBER, **TEXT)
    assert gateway.lookup("k3")
    gateway.close()


@pytest.mark.parametrize("status", [429, 503, 401, 404, 302])
def test_a_gateway_that_says_not_now_has_not_sent_it(status: int) -> None:
    with http_server(say(status, Location="http://127.0.0.1:1/")) as gateway, pytest.raises(NotSent) as error:
        gateway.send(key="k", to="+16125550143", **TEXT)
    assert (error.value.code, error.value.for_good) == (f"http_{status}", False)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_gateway_that_says_never_is_believed(status: int) -> None:
    with http_server(say(status)) as gateway, pytest.raises(NotSent) as error:
        gateway.send(key="k", to="+16125550143", **TEXT)
    assert error.value.for_good


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_gateway_that_broke_may_have_sent_it(status: int) -> None:
    with http_server(say(status)) as gateway, pytest.raises(Unclear):
        gateway.send(key="k", to="+16125550143", **TEXT)


def test_silence_is_doubt_and_no_connection_is_not_sent() -> None:
    with http_server(lambda handler: time.sleep(1)) as gateway, pytest.raises(Unclear):
        gateway.send(key="k", to="+16125550143", **TEXT)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = HttpGateway(f"http://127.0.0.1:{taken.getsockname()[1]}", "t")
        with pytest.raises(NotSent) as error:
            closed.send(key="k", to="+16125550143", **TEXT)
        assert error.value.code == "unreachable"
        with pytest.raises(NoGateway):
            closed.lookup("k")
        closed.close()


def test_only_a_gateway_that_says_unknown_in_words_has_not_taken_it() -> None:
    """A bare 404 may mean that it has no look-up at all; sending again would then be a guess."""
    with http_server(say(404, b'{"status": "unknown"}')) as gateway:
        assert gateway.lookup("k") is None
    for answer in (
        say(404, b"not found"),
        say(404),
        say(200),
        say(500),
        say(200, b"[1]"),
        say(200, b"x" * 100_000),
    ):
        with http_server(answer) as gateway, pytest.raises(NoGateway):
            gateway.lookup("k")


def test_the_key_and_the_token_go_along_and_redirects_are_not_followed() -> None:
    seen: list[tuple[str, str]] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.append((handler.headers["Idempotency-Key"], handler.headers["Authorization"]))
        say(201, b'{"id": "r1"}')(handler)

    with http_server(note) as gateway:
        assert gateway.send(key="visit:1", to="+16125550143", **TEXT) == "r1"
    assert seen == [("visit:1", "Bearer t")]


def test_only_https_or_this_machine() -> None:
    with pytest.raises(ImproperlyConfigured, match="https"):
        Client("http://gateway.example.test")
    Client("https://gateway.example.test")


def test_a_gateway_that_cannot_be_asked_gets_one_message_at_a_time(settings: Any) -> None:
    settings.SMS_GATEWAY, settings.SMS_GATEWAY_CAN_BE_ASKED = "http", False
    gateway = gateway_for("sms")
    assert (gateway.at_once, gateway.parallel) == (1, 1)
    settings.SMS_GATEWAY = "pigeon"
    with pytest.raises(ImproperlyConfigured, match="SMS_GATEWAY"):
        gateway_for("sms")


# --- e-mail -------------------------------------------------------------------------------------------------


def test_a_mail_has_the_same_message_id_on_every_try(catchers: Catchers) -> None:
    gateway = gateway_for("email")
    for _ in range(2):
        gateway.send(key="visit:1", to="elena@example.test", subject="Visit reminder", body="Hello Elena")
    gateway.close()
    first, second = catchers.store.latest("email")
    assert first.key == second.key == stable_id("visit:1")
    assert stable_id("visit:1") != stable_id("visit:2")
    assert (first.to, first.subject) == ("elena@example.test", "Visit reminder")


class MailServer:
    """Speaks just enough SMTP; `answers` replaces the reply to a command, None hangs up instead."""

    def __init__(self, **answers: str | None) -> None:
        self.answers = answers
        self.mails = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _address = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                peer.sendall(b"220 ready\r\n")
                self._talk(peer, lines)

    def _talk(self, peer: socket.socket, lines: Any) -> None:
        usual = {"EHLO": "250 hi", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", "RSET": "250 ok",
                 "NOOP": "250 ok", "QUIT": "221 bye", "DONE": "250 taken"}  # fmt: skip
        usual |= {k.upper(): v for k, v in self.answers.items()}
        in_data = False
        for line in lines:
            command = "DONE" if in_data and line == b".\r\n" else line[:4].decode().upper().strip()
            if in_data and command != "DONE":
                continue
            self.mails += command == "DONE"
            answer = usual.get(command, "500 what")
            in_data = command == "DATA" and (answer or "").startswith("354")
            if answer is None:
                return
            peer.sendall(answer.encode() + b"\r\n")

    def close(self) -> None:
        self.listener.close()


@pytest.fixture
def mail_server(settings: Any) -> Generator[Callable[..., tuple[MailServer, SmtpGateway]]]:
    running: list[MailServer] = []

    def start(**answers: str | None) -> tuple[MailServer, SmtpGateway]:
        server = MailServer(**answers)
        running.append(server)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 2
        return server, SmtpGateway()

    yield start
    for server in running:
        server.close()


MAIL = {"key": "k", "to": "elena@example.test", "subject": "s", "body": "b"}
Start = Callable[..., tuple[MailServer, SmtpGateway]]


@pytest.mark.parametrize(
    ("answers", "code", "for_good"),
    [
        ({"rcpt": "550 no such user"}, "smtp_rcpt_550", True),
        ({"rcpt": "450 greylisted, come back later"}, "smtp_rcpt_450", False),
        ({"mail": "451 busy"}, "smtp_mail_451", False),
        ({"data": "452 disk full"}, "smtp_data_452", False),
        ({"done": "554 looks like spam"}, "smtp_data_554", False),
        ({"mail": None}, "connection_lost", False),
    ],
)
def test_an_answer_before_or_instead_of_taking_it_means_not_sent(
    mail_server: Start, answers: dict[str, str | None], code: str, for_good: bool
) -> None:
    _server, gateway = mail_server(**answers)
    with pytest.raises(NotSent) as error:
        gateway.send(**MAIL)
    gateway.close()
    assert (error.value.code, error.value.for_good) == (code, for_good)


def test_the_answer_after_the_text_that_never_came_is_doubt(mail_server: Start) -> None:
    server, gateway = mail_server(done=None)
    with pytest.raises(Unclear):
        gateway.send(**MAIL)
    assert server.mails == 1
    with pytest.raises(NoGateway):
        gateway.lookup("k")


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(mail_server: Start) -> None:
    server, gateway = mail_server(noop=None)
    for _ in range(3):
        gateway.send(**MAIL)
    gateway.close()
    assert server.mails == 3


def test_no_mail_server_means_not_sent(settings: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", taken.getsockname()[1]
        with pytest.raises(NotSent, match="unreachable"):
            SmtpGateway().send(**MAIL)
