"""What a file is by its bytes, and which archives are not unpacked."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator import files


def archive(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name.replace("__", "/"), data)
    return held.getvalue()


def kind(data: bytes) -> str:
    return files.kind_of(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", files.PDF),
        (b"\x89PNG\r\n\x1a\n\x00\x00", files.PNG),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", files.JPEG),
        (b"II*\x00\x08\x00", files.TIFF),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", files.WEBP),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", files.HEIC),
        (b"\x1f\x8b\x08\x00", files.GZIP),
        (b"Family name,Given name\r\nOkonkwo,Ada\r\n", files.TEXT),
        (b"\xef\xbb\xbfFamilia\r\nN\xc3\xba\xc3\xb1ez\r\n", files.TEXT),
        (b"Familia\r\nN\xfa\xf1ez\r\n", files.TEXT),
        ("\ufeffFamily\tGiven\r\n".encode("utf-16-le"), files.TEXT),
        (b"a" * 4095 + "é".encode() * 10, files.TEXT),
        (b"<?xml version='1.0'?><note/>", files.XML),
        (b"<!DOCTYPE html><html></html>", files.HTML),
        (b"hello <script>alert(1)</script>", files.HTML),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", files.SVG),
        (archive(a=b"1"), files.ZIP),
        (b"", ""),
        (b"MZ\x90\x00", ""),
        (b"#!/bin/sh\nrm -rf /\n", ""),
        (b"\x7fELF\x02\x01", ""),
        (b"name\x00,born\r\n", ""),
        (b"PK\x03\x04 but no archive", ""),
        (b"undefined in Windows-1252: \x81\x8d", ""),
    ],
)
def test_the_bytes_say_what_a_file_is(data, expected):
    assert kind(data) == expected


def test_a_workbook_is_known_by_its_members_and_one_with_macros_is_not_accepted():
    parts = {"[Content_Types].xml": b"<Types/>", "xl__workbook.xml": b"<workbook/>"}
    assert kind(archive(**parts)) == files.XLSX
    assert kind(archive(**parts, xl__vbaProject__x=b"1")) == files.XLSX
    assert kind(archive(**parts, **{"xl__vbaProject.bin": b"1"})) == ""


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer_and_the_file_is_left_at_its_start(data):
    held = io.BytesIO(data)
    files.kind_of(held)
    assert held.tell() == 0


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(files.UnsafeArchive) as caught:
        files.check_archive(io.BytesIO(data), **{"most_bytes": 50_000_000, **limits})
    return str(caught.value)


def test_an_archive_that_grows_too_much_is_refused_before_it_is_unpacked():
    assert "unpack to more" in refusal(archive(a=bytes(60_000_000)))
    # Within the limit, but of a shape that no spreadsheet has.
    assert "unpack to more" in refusal(archive(a=bytes(20_000_000)))


def test_an_archive_with_too_many_members_or_no_directory_is_refused():
    assert "more parts" in refusal(archive(**{f"m{n}": b"" for n in range(30)}), most_members=20)
    assert "damaged" in refusal(b"PK\x03\x04 cut")


def test_an_ordinary_archive_passes():
    held = io.BytesIO(archive(a=b"abc" * 1000))
    files.check_archive(held, most_bytes=10_000)
    assert held.tell() == 0
