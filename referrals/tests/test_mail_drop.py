"""The mail drop and the fax drop: whatever lies there ends as papers, or aside with a reason; nothing is lost."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from careplans.models import Task
from coordinator.tests.factories import make_site, make_team, make_user
from coordinator.workflow import System
from patients.rules.text import Unfit
from patients.tests.factories import make_patient
from patients.tests.files import make_pdf
from referrals.inbound_sources import collect
from referrals.models import InboundDocument
from referrals.rules.mail import MOST_ATTACHMENTS, read_mail
from referrals.selectors.inbound import proposals
from referrals.tests.factories import make_referral

NOW = timezone.now()


def letter(subject: str = "Papers", text: str = "See attached", papers: int = 1) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Lakes Heart <desk@lakes.example>"
    message["Subject"] = subject
    message.set_content(text)
    for number in range(papers):
        message.add_attachment(
            make_pdf(f"Page {number}"), maintype="application", subtype="pdf", filename=f"p{number}.pdf"
        )
    return message


def nested(depth: int) -> EmailMessage:
    message = letter(f"Level {depth}")
    if depth:
        message.add_attachment(nested(depth - 1))
    return message


PLAIN_FILE = b"From: a@b.example\r\nContent-Type: application/pdf\r\n\r\n" + make_pdf("Alone")
# name: (bytes, names of the papers, whether something is set aside)
MAILS: dict[str, tuple[bytes, list[str], bool]] = {
    "one paper": (letter().as_bytes(), ["p0.pdf"], False),
    "words alone": (letter(papers=0).as_bytes(), ["message.txt"], False),
    "a file and nothing else": (PLAIN_FILE, ["attachment-1"], False),
    "no message": (b"\x00\x01\x02 nothing of the kind", [], True),
    "empty": (b"", [], True),
    "empty message": (b"From: a@b.example\r\n\r\n", [], True),
    "cut in the middle": (letter().as_bytes()[:400], [], True),
    "too many": (
        letter(papers=MOST_ATTACHMENTS + 3).as_bytes(),
        [f"p{n}.pdf" for n in range(MOST_ATTACHMENTS)],
        True,
    ),
    "a message inside": (nested(1).as_bytes(), ["p0.pdf", "p0.pdf"], False),
    "too deep": (nested(4).as_bytes(), ["p0.pdf", "p0.pdf", "p0.pdf"], True),
    "unknown charset": (
        b"From: a@b.example\r\nContent-Type: text/plain; charset=klingon\r\n\r\nR-000123 caf\xe9",
        ["message.txt"],
        False,
    ),
    "broken header": (b"From: \xff\xfe<@\r\nSubject: =?x?q?=\r\n\r\nwords", ["message.txt"], False),
    "a program": (
        letter().as_bytes().replace(b'filename="p0.pdf"', b'filename="p0.exe"'),
        [],
        True,
    ),
}


@pytest.fixture
def dana() -> Any:
    site = make_site()
    make_team(site=site)
    return make_user(site=site)


@pytest.fixture
def drop(dana: Any, settings: Any, tmp_path: Path) -> Path:
    settings.INBOUND_FOLDER = str(tmp_path)
    return tmp_path / str(dana.sites.get().pk)


def put(path: Path, content: bytes, age: float = 60) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age,) * 2)
    return path


def asked() -> int:
    return Task.objects.open().filter(title="An incoming file could not be kept").count()


@pytest.mark.django_db
@pytest.mark.parametrize("name", MAILS)
def test_every_message_ends_as_papers_or_aside_with_a_task(drop, name):
    content, papers, aside = MAILS[name]
    path = put(drop / "email" / "1.eml", content)
    assert collect(by=System("incoming"), now=NOW) == 1
    kept = InboundDocument.objects.order_by("key")
    assert sorted(kept.values_list("file_name", flat=True)) == sorted(
        "attachment-1" if paper == "attachment-1" else paper for paper in papers
    )
    assert (drop / "email" / ("refused" if aside else "taken") / "1.eml").read_bytes() == content
    assert (path.exists(), asked()) == (False, int(aside))


@pytest.mark.django_db
def test_a_mailbox_folder_is_read_and_the_words_stay_with_the_paper(drop, dana):
    patient = make_patient(site=dana.sites.get(), family_name="Ng", given_name="Bo")
    referral = make_referral(patient, status="sent", reference="R-955001")
    message = letter(subject="Your R-955001", text="Bo Ng will be seen on Monday.\nPat")
    put(drop / "email" / "new" / "1763.M1.host", message.as_bytes())
    put(drop / "email" / "cur" / "1764.M2.host:2,S", letter(subject="Second").as_bytes())
    put(drop / "email" / "tmp" / "half", b"From: x")
    assert collect(by=System("incoming"), now=NOW) == 2
    assert collect(by=System("incoming"), now=NOW) == 0
    paper = InboundDocument.objects.get(said__startswith="Your R-955001")
    assert paper.sender == "Lakes Heart <desk@lakes.example>"
    assert "will be seen on Monday" in paper.said
    assert [one.target for one in proposals(dana, paper)] == [referral]
    assert (drop / "email" / "tmp" / "half").exists()
    assert len(list((drop / "email" / "taken").iterdir())) == 2


@pytest.mark.django_db
def test_the_next_file_of_the_same_name_overwrites_nothing_and_is_told_as_well(drop):
    contents = {b"\x00\x01\x02 nothing of the kind", b"\x00\x01\x02 nothing either"}
    for content in contents:
        put(drop / "email" / "1.eml", content)
        assert collect(by=System("incoming"), now=NOW) == 1
    kept = {path.read_bytes() for path in (drop / "email" / "refused").iterdir()}
    assert kept == contents
    assert asked() == 2


@pytest.mark.django_db
def test_a_fax_comes_with_who_sent_it_and_when(drop):
    came = (NOW - timedelta(hours=3)).replace(microsecond=0)
    facts = {"from": "+16125550142", "received_at": came.isoformat(), "pages": 1}
    put(drop / "fax" / "a.json", json.dumps(facts).encode())
    put(drop / "fax" / "a.pdf", make_pdf("A fax"))
    put(drop / "fax" / "b.json", b"{", age=0)  # still being written: its fax waits
    put(drop / "fax" / "b.pdf", make_pdf("Another"))
    assert collect(by=System("incoming"), now=NOW) == 1
    fax = InboundDocument.objects.get()
    assert (fax.sender, fax.received_at) == ("+16125550142", came)
    assert {path.name for path in (drop / "fax" / "taken").iterdir()} == {"a.pdf", "a.json"}
    assert asked() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("facts", [b"{", b"[1]", b'{"from": "x", "received_at": "soon"}', b"\xff", b"null"])
def test_a_description_that_cannot_be_read_does_not_cost_the_fax(drop, facts):
    put(drop / "fax" / "a.json", facts)
    put(drop / "fax" / "a.pdf", make_pdf("A fax"))
    collect(by=System("incoming"), now=NOW)
    assert InboundDocument.objects.count() == 1
    assert asked() == 1


@pytest.mark.django_db
def test_a_description_without_its_fax_is_told_after_an_hour(drop):
    put(drop / "fax" / "a.json", b'{"from": "+16125550142"}')
    assert collect(by=System("incoming"), now=NOW) == 0
    put(drop / "fax" / "a.json", b'{"from": "+16125550142"}', age=4000)
    assert collect(by=System("incoming"), now=NOW) == 1
    assert (asked(), InboundDocument.objects.count()) == (1, 0)


WHOLE = nested(1).as_bytes()


@given(
    cut=st.integers(0, len(WHOLE)),
    at=st.integers(0, len(WHOLE)),
    noise=st.binary(max_size=40),
)
def test_no_message_breaks_the_reader(cut, at, noise):
    try:
        mail = read_mail(WHOLE[:at] + noise + WHOLE[at:cut])
    except Unfit:
        return
    assert mail.papers or mail.lost
    assert all(isinstance(content, bytes) and name for name, content in mail.papers)
    assert "\x00" not in mail.sender + mail.said
