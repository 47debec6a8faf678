"""Pictures of documents: drawn in a process that may fail alone, found again after a killed worker."""

from __future__ import annotations

import datetime
import os
import stat
import subprocess
import sys

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from coordinator.db import db_now
from patients import drawing
from patients.models import Document
from patients.services import previews
from patients.tests.factories import make_document, make_patient
from patients.tests.files import make_huge_png, make_locked_pdf, make_office, make_pdf, make_picture

pytestmark = pytest.mark.django_db


def waiting(content: bytes, content_type: str, **fields) -> Document:
    document = make_document(
        make_patient(),
        content_type=content_type,
        preview="pending",
        page_count=0,
        pages_shown=0,
        text="",
        **fields,
    )
    previews.page_path(document, 1).unlink()
    document.file.storage.delete(document.file.name)
    document.file.storage.save(document.file.name, ContentFile(content))
    return document


def drawn(content: bytes, content_type: str) -> Document:
    document = waiting(content, content_type)
    previews.make_waiting_previews()
    document.refresh_from_db()
    return document


def test_a_pdf_becomes_pictures_and_words():
    document = drawn(make_pdf("Ejection fraction", "Second page"), "application/pdf")
    assert (document.preview, document.page_count, document.pages_shown) == ("done", 2, 2)
    assert "Ejection fraction" in document.text
    assert "Second page" in document.text
    path = previews.page_path(document, 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Image.open(path) as picture:
        assert (picture.format, picture.width) == ("PNG", 1240)


@pytest.mark.parametrize(
    ("kind", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("TIFF", "image/tiff")]
)
def test_a_picture_is_made_anew_without_what_hung_on_it(kind, content_type):
    hidden = b"GPS of the patient's home"
    options = {"JPEG": {"comment": hidden}}.get(kind, {})
    document = drawn(make_picture(kind, **options), content_type)
    assert (document.preview, document.pages_shown) == ("done", 1)
    assert hidden not in previews.page_path(document, 1).read_bytes()


def test_text_and_word_files_give_their_words():
    assert drawn("Señora Ramírez\nfeet".encode(), "text/plain").text == "Señora Ramírez\nfeet"
    word = drawn(make_office(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
    assert (word.preview, word.pages_shown, word.text.strip()) == ("done", 0, "Swollen feet & ankles")


HOSTILE = {
    "locked": (make_locked_pdf(), "application/pdf", "locked"),
    "broken pdf": (b"%PDF-1.7 nothing else", "application/pdf", "unreadable"),
    "broken picture": (make_picture()[:40], "image/png", "unreadable"),
    "a bomb of pixels": (make_huge_png(), "image/png", "too_much"),
    "a picture that is something else": (make_pdf("x"), "image/png", "unreadable"),
    "a word file that is none": (b"PK\x03\x04", "application/vnd.word", "unreadable"),
}


@pytest.mark.parametrize(("content", "content_type", "problem"), HOSTILE.values(), ids=HOSTILE)
def test_a_bad_file_fails_its_own_row_only(content, content_type, problem):
    good = waiting(make_pdf("Fine"), "application/pdf")
    document = drawn(content, content_type)
    assert (document.preview, document.preview_problem) == ("failed", problem)
    good.refresh_from_db()
    assert good.preview == "done"


def test_a_file_that_takes_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr(previews, "SECONDS", 0.01)
    document = drawn(make_pdf("x"), "application/pdf")
    assert (document.preview, document.preview_problem) == ("failed", "too_much")


def test_the_drawing_process_limits_itself_and_has_no_secrets(tmp_path):
    code = (
        "import sys, resource; sys.path.insert(0, sys.argv[1]); import drawing; drawing.limit_myself();"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0], resource.getrlimit(resource.RLIMIT_CPU)[0])"
    )
    folder = drawing.__file__.rpartition("/")[0]
    out = subprocess.run(
        [sys.executable, "-I", "-c", code, folder], capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == [str(1024**3), "45"]


def test_memory_beyond_the_limit_is_an_answer_not_a_crash(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import drawing;"
        "drawing.draw = lambda *a: bytearray(4 * 1024**3); drawing.main('x', 'text/plain', sys.argv[2])"
    )
    folder = drawing.__file__.rpartition("/")[0]
    subprocess.run([sys.executable, "-I", "-c", code, folder, str(tmp_path)], check=True)
    assert '"too_much"' in (tmp_path / drawing.ANSWER).read_text()


# --- whose turn it is -----------------------------------------------------------------------------------------


def test_a_claimed_document_is_left_alone_until_its_worker_is_dead():
    document = waiting(make_pdf("x"), "application/pdf")
    assert previews.claim_preview().pk == document.pk
    assert previews.claim_preview() is None
    Document.objects.filter(pk=document.pk).update(
        preview_claimed_at=db_now() - previews.LEASE - datetime.timedelta(seconds=1)
    )
    assert previews.make_waiting_previews() == 1
    document.refresh_from_db()
    assert (document.preview, document.preview_attempts) == ("done", 2)


def test_a_document_that_kills_its_worker_three_times_is_given_up():
    document = waiting(make_pdf("x"), "application/pdf", preview_attempts=3)
    assert previews.claim_preview() is None
    document.refresh_from_db()
    assert (document.preview, document.preview_problem) == ("failed", "unreadable")


def test_an_answer_that_lies_is_not_believed():
    with pytest.raises(ValueError, match="5"):
        previews._checked({"pages": 5, "shown": 9, "text": ""})
    assert previews._checked({"problem": "<script>"}) == {"problem": "unreadable"}
    assert previews._checked({"pages": 1, "shown": 1, "text": "a\x00b"})["text"] == "ab"


def test_a_symlink_instead_of_a_picture_is_not_followed(tmp_path):
    document = waiting(make_pdf("x"), "application/pdf")
    (tmp_path / "1.png").symlink_to("/etc/passwd")
    assert previews.keep_pages(document, tmp_path, 1) is False


def test_what_a_killed_worker_left_behind_is_cleared_away():
    document = waiting(make_pdf("x"), "application/pdf")
    left = previews.page_path(document, 1).parents[1] / "drawing-of-a-dead-worker"
    left.mkdir()
    (left / "1.png").write_bytes(b"x")
    previews.forget_unfinished()
    assert left.exists()  # it may still be at work
    long_ago = db_now().timestamp() - previews.LEASE.total_seconds() - 60
    os.utime(left, (long_ago, long_ago))
    previews.forget_unfinished()
    assert not left.exists()
