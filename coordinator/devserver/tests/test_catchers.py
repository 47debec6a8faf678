"""The sandbox honours keys, keeps its own log, and shows what it caught safely."""

import json
import smtplib
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests

from coordinator.devserver import inbox
from coordinator.devserver.catchers import DOWN_NUMBER, REFUSED_NUMBER, SILENT_NUMBER, Catchers
from coordinator.devserver.caught import Caught, Store

TOKEN = "sandbox-token"


@pytest.fixture
def catchers(tmp_path: Path) -> Iterator[Catchers]:
    with Catchers(tmp_path, TOKEN) as running:
        yield running


def post(catchers: Catchers, key: str = "k1", to: str = "+14155550101", **changes: Any) -> requests.Response:
    headers = {"Idempotency-Key": key, "Authorization": f"Bearer {TOKEN}"} | changes
    url = f"http://127.0.0.1:{catchers.http_port}/messages"
    return requests.post(url, json={"to": to, "body": "See you Tuesday"}, headers=headers, timeout=5)


def get(catchers: Catchers, path: str, **headers: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"} | headers
    return requests.get(f"http://127.0.0.1:{catchers.http_port}{path}", headers=headers, timeout=5)


def accepted_keys(folder: Path) -> Counter[str]:
    lines = (folder / "accepted.jsonl").read_text().splitlines()
    return Counter(json.loads(line)["key"] for line in lines)


def test_a_key_is_accepted_once_and_answers_the_same_id(catchers: Catchers, tmp_path: Path) -> None:
    first, again = post(catchers), post(catchers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert accepted_keys(tmp_path) == {"k1": 1}


def test_twenty_senders_of_one_key_at_once_are_one_message(catchers: Catchers, tmp_path: Path) -> None:
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(post(catchers).json()["id"])) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert len(set(answers)) == 1
    assert accepted_keys(tmp_path) == {"k1": 1}


def test_the_sender_can_ask_whether_a_key_was_accepted(catchers: Catchers) -> None:
    sent = post(catchers, key="appointment:7 3d").json()
    assert get(catchers, "/messages?key=appointment%3A7%203d").json() == sent
    assert get(catchers, "/messages?key=other").status_code == 404


def test_without_the_token_nothing_is_taken_or_told(catchers: Catchers) -> None:
    assert post(catchers, Authorization="Bearer wrong").status_code == 404
    assert get(catchers, "/messages?key=k1", Authorization="").status_code == 404


def test_a_message_without_key_or_text_is_refused(catchers: Catchers) -> None:
    assert post(catchers, key="").status_code == 400
    assert post(catchers, to="").status_code == 400


def test_numbers_that_misbehave_on_purpose(catchers: Catchers, tmp_path: Path) -> None:
    assert post(catchers, "a", REFUSED_NUMBER).status_code == 422
    assert post(catchers, "b", DOWN_NUMBER).status_code == 503
    with pytest.raises(requests.ConnectionError):
        post(catchers, "c", SILENT_NUMBER)
    assert accepted_keys(tmp_path) == {"c": 1}


def test_another_host_name_is_turned_away(catchers: Catchers) -> None:
    assert get(catchers, "/", Host="evil.example:8025").status_code == 421


def test_an_email_is_caught_with_its_key_and_attachment(catchers: Catchers, tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "clinic@example.org",
        "ana@example.org",
        "Your visit — Tuesday",
    )
    mail["Idempotency-Key"] = "visit:9:email"
    mail.set_content("See you Tuesday")
    mail.add_attachment(b"BEGIN", maintype="text", subtype="calendar", filename="visit.ics")
    with smtplib.SMTP("127.0.0.1", catchers.smtp_port, timeout=5) as smtp:
        smtp.send_message(mail)
    [caught] = catchers.store.latest("email")
    assert (caught.subject, caught.to, caught.body.strip()) == (
        "Your visit — Tuesday",
        "ana@example.org",
        "See you Tuesday",
    )
    assert caught.attachments == ("visit.ics",)
    assert accepted_keys(tmp_path) == {"visit:9:email": 1}


def test_what_was_caught_is_escaped_on_every_page(catchers: Catchers) -> None:
    attack = '<script>alert("x")</script>'
    message_id, _ = catchers.store.accept(
        Caught(channel="email", to=attack, body=attack, subject=attack, key=attack)
    )
    for path in ("/", "/?channel=email", f"/message/{message_id}"):
        answer = get(catchers, path)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "&lt;script" in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<style" not in answer.text
    assert " style=" not in answer.text


def test_files_are_private_and_survive_a_cut_off_line(tmp_path: Path) -> None:
    store = Store(tmp_path)
    message_id, _ = store.accept(Caught(channel="text", to="+14155550101", body="Hello", key="k"))
    for name in ("accepted", "inbox"):
        path = tmp_path / f"{name}.jsonl"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with path.open("a") as file:
            file.write('{"id": "half')
    again = Store(tmp_path)
    assert again.find("text", "k") == message_id
    assert [message.body for message in again.latest()] == ["Hello"]
    again.accept(Caught(channel="text", to="+14155550101", body="More", key="k2"))
    assert accepted_keys(tmp_path) == {"k": 1, "k2": 1}


def test_old_messages_are_forgotten_and_their_keys_are_not(tmp_path: Path) -> None:
    store = Store(tmp_path, keep=10)
    for number in range(25):
        store.accept(Caught(channel="text", to="+14155550101", body=f"No. {number}", key=str(number)))
    assert store.latest()[0].body == "No. 24"
    assert len(store.latest()) == 10
    assert len((tmp_path / "inbox.jsonl").read_text().splitlines()) <= 20
    assert Store(tmp_path, keep=10).find("text", "0")
    assert sum(accepted_keys(tmp_path).values()) == 25


def test_the_list_is_paged(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(60):
        store.accept(Caught(channel="text", to="+14155550101", body=f"No. {number}", key=str(number)))
    assert "Older messages" in inbox.list_page(store)
    second = inbox.list_page(store, page=2)
    assert "Older messages" not in second
    assert "No. 0<" in second


def test_only_addresses_of_this_machine_become_links() -> None:
    body = 'Go to http://127.0.0.1:8000/reset/a-b/?x=1&y="> or http://evil.example/ or javascript:alert(1)'
    page = inbox.message_page(Caught(channel="email", to="ana@example.org", body=body))
    assert '<a href="http://127.0.0.1:8000/reset/a-b/?x=1&amp;y=" rel="noreferrer">' in page
    assert page.count("<a href=") == 2  # that one and the way back
    assert 'href="http://evil' not in page
