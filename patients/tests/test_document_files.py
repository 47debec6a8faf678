"""What a file may be: read from its bytes, whatever its name and the browser say."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.rules.files import (
    EXCEL,
    JPEG,
    PDF,
    PNG,
    TEXT,
    TIFF,
    WORD,
    name_to_save,
    plain_name,
    read_file_facts,
)
from patients.rules.text import Unfit
from patients.tests.files import (
    WORD_PARTS,
    make_huge_png,
    make_locked_pdf,
    make_office,
    make_pdf,
    make_picture,
)

MEGABYTE = 1024 * 1024


def facts(name: str, data: bytes, limit: int = MEGABYTE):
    return read_file_facts(name, io.BytesIO(data), limit)


EXCEL_PARTS = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<x/>"}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (make_pdf("Report"), PDF),
        (make_locked_pdf(), PDF),
        (make_picture("PNG"), PNG),
        (make_picture("JPEG"), JPEG),
        (make_picture("TIFF"), TIFF),
        ("Señora Ramírez\r\nfeet swollen\n".encode(), TEXT),
        (make_office(), WORD),
        (make_office(EXCEL_PARTS), EXCEL),
    ],
)
def test_the_type_is_read_from_the_bytes(data, kind):
    found = facts("whatever.bin", data)
    assert (found.content_type, found.size, len(found.sha256)) == (kind, len(data), 64)


BAD = {
    "html": ("report.pdf", b"<!DOCTYPE html><html><body>hi</body></html>"),
    "html further on": ("report.txt", b"Dear colleague,\n" * 9000 + b"<script>alert(1)</script>"),
    "svg": ("scan.png", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    "xml": ("letter.txt", b'<?xml version="1.0"?><a/>'),
    "shell": ("letter.txt", b"#!/bin/sh\nrm -rf /\n"),
    "batch file by its name": ("letter.bat", b"del letter"),
    "script by its name": ("letter.js", b"alert(1)"),
    "pdf that calls itself a program": ("letter.pdf.exe", make_pdf("x")),
    "windows program": ("letter.pdf", b"MZ\x90\x00" + b"\x00" * 200),
    "linux program": ("letter.pdf", b"\x7fELF\x02\x01\x01" + b"\x00" * 200),
    "rtf": ("letter.txt", b"{\\rtf1 hello}"),
    "postscript": ("letter.txt", b"%!PS-Adobe-3.0\n"),
    "gif": ("scan.png", b"GIF89a" + b"\x00" * 100),
    "not utf-8": ("letter.txt", "Señora".encode("latin-1")),
    "cut utf-8": ("letter.txt", "Se\u00f1".encode()[:-1]),
    "nul in text": ("letter.txt", b"a\x00b"),
    "plain zip": ("letter.docx", make_office({"a.txt": b"hello"})),
    "broken zip": ("letter.docx", b"PK\x03\x04" + b"\x00" * 50),
    "word without types": ("letter.docx", make_office({"word/document.xml": b"<w/>"})),
}


@pytest.mark.parametrize(("name", "data"), BAD.values(), ids=BAD)
def test_what_is_no_paper_is_refused(name, data):
    with pytest.raises(Unfit, match="is none of these"):
        facts(name, data)


OFFICE = {
    "macros": {"word/vbaProject.bin": b"x"},
    "a program inside": {"word/embeddings/run.exe": b"x"},
    "a part outside": {"../../etc/cron.d/x": b"x"},
    "an absolute part": {"/etc/passwd": b"x"},
}


@pytest.mark.parametrize("extra", OFFICE.values(), ids=OFFICE)
def test_an_office_file_that_acts_is_refused(extra):
    with pytest.raises(Unfit, match="macros or hidden programs"):
        facts("letter.docx", make_office(WORD_PARTS | extra))


def test_a_zip_bomb_is_refused_without_being_opened():
    bomb = make_office(WORD_PARTS | {"word/media/zeros.bmp": b"\x00" * (20 * MEGABYTE)})
    assert len(bomb) < 100_000
    with pytest.raises(Unfit, match="grow far too large"):
        facts("letter.docx", bomb)


def test_many_small_parts_that_add_up_are_refused():
    parts = {f"word/media/{n}.bmp": bytes(range(256)) * 16_000 for n in range(60)}
    with pytest.raises(Unfit, match="grow far too large"):
        facts("letter.docx", make_office(WORD_PARTS | parts), limit=100 * MEGABYTE)


def test_a_file_with_a_password_inside_a_zip_is_refused():
    data = bytearray(make_office())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1  # the central directory says: encrypted
    with pytest.raises(Unfit, match="macros or hidden programs"):
        facts("letter.docx", bytes(data))


def test_an_empty_file_and_one_that_is_too_large_are_refused():
    with pytest.raises(Unfit, match="is empty"):
        facts("letter.txt", b"")
    with pytest.raises(Unfit, match="larger than 1 MB"):
        facts("letter.txt", b"a" * (MEGABYTE + 1))
    assert facts("letter.txt", b"a" * MEGABYTE).size == MEGABYTE


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\dana\\scan 1.pdf", "scan 1.pdf"),
        ("a\x00b\x1f\u202efdp.exe", "abfdp.exe"),
        ("", "file"),
        ("...", "file"),
        ("/", "file"),
        ("ü" * 300 + ".pdf", "ü" * 110 + ".pdf"),
    ],
)
def test_a_name_is_reduced_to_its_last_part(given_name, kept):
    assert plain_name(given_name) == kept


def test_a_download_ends_as_its_type_does():
    assert name_to_save("report.PDF", PDF) == "report.PDF"
    assert name_to_save("report.txt", PDF) == "report.txt.pdf"
    assert name_to_save("photo", JPEG) == "photo.jpg"


@given(st.binary(max_size=2000), st.text(max_size=80))
def test_any_bytes_under_any_name_are_kept_or_refused_with_a_sentence(data, name):
    try:
        found = facts(name, data)
    except Unfit:  # any other exception is a fault
        return
    assert found.size == len(data)
    assert found.name == plain_name(found.name)
    assert not set(found.name) & set("/\\\x00\n")


def test_a_picture_that_unfolds_is_kept_here_and_left_to_the_drawing():
    assert facts("scan.png", make_huge_png(), 10 * MEGABYTE).content_type == PNG
