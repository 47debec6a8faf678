"""What a file is by its bytes, whatever its name says; and whether an archive may be unpacked.

A name and a browser's content type are claims of the sender. Only what is listed here is recognized; anything else
answers "" and is refused by whoever asked.
"""

from __future__ import annotations

import re
import zipfile
from typing import IO

from django.utils.translation import gettext as _

PDF, PNG, JPEG, GIF, TIFF, WEBP, HEIC = (
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/tiff",
    "image/webp",
    "image/heic",
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ZIP, GZIP = "application/zip", "application/gzip"
TEXT, HTML, SVG, XML = "text/plain", "text/html", "image/svg+xml", "application/xml"

HEAD_BYTES = 4096  # as much as is looked at, besides an archive's directory

_MAGIC = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"\x1f\x8b\x08", GZIP),
)
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
# Programs that begin with printable characters.
_SCRIPTS = (b"#!", b"MZ")
_MARKUP = re.compile(
    r"<(!doctype html|html|head|body|script|iframe|svg|img|a|div|p|table|meta|link|style|title)[\s>/]",
    re.IGNORECASE,
)


class UnsafeArchive(ValueError):
    """The archive would grow beyond what we unpack, or is damaged; the text can be shown."""


def kind_of(file: IO[bytes]) -> str:
    """The media type that the bytes say, or "" for what is not in the list above. The file is left at its start.

    Text is what holds no control characters but tabs and line ends; text that a browser could run is HTML or SVG.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        return ""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return HEIC
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_archive(file)
    return "" if head.startswith(_SCRIPTS) else _kind_of_text(head)


def _kind_of_archive(file: IO[bytes]) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ""
    finally:
        file.seek(0)
    if "[Content_Types].xml" not in names:
        return ZIP
    if any(name.endswith("vbaProject.bin") for name in names):
        return ""  # holds macros
    return XLSX if "xl/workbook.xml" in names else DOCX if "word/document.xml" in names else ZIP


def _kind_of_text(head: bytes) -> str:
    text = _as_text(head)
    if text is None or any((c < " " and c not in "\t\n\r\f") or c == "\x7f" for c in text):
        return ""
    start = text.lstrip("\ufeff \t\r\n")
    markup = _MARKUP.search(text)
    if markup:
        return SVG if markup[1].lower() == "svg" else HTML
    return XML if start.startswith("<?xml") else TEXT


def _as_text(head: bytes) -> str | None:
    """The head as text; None when no encoding that we read explains it. A character may be cut at the end."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(head) == HEAD_BYTES and error.start >= HEAD_BYTES - 3:
            return head[: error.start].decode("utf-8-sig")
    try:
        return head.decode("cp1252")
    except UnicodeDecodeError:
        return None


def check_archive(
    file: IO[bytes], *, most_bytes: int, most_members: int = 2_000, most_ratio: int = 200
) -> None:
    """Raise UnsafeArchive for a ZIP that would unpack to too much, holds too many members, or cannot be listed.

    `most_bytes` is the sum of all members unpacked. The sizes are the directory's own: Python's zipfile never reads
    a member beyond them, so a directory that lies only cuts itself short. `most_ratio` is unpacked to packed, for
    archives of more than 10 MB. The file is left at its start.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnsafeArchive(_("This file is damaged: its list of contents cannot be read.")) from error
    finally:
        file.seek(0)
    if len(members) > most_members:
        raise UnsafeArchive(_("This file holds more parts than we unpack."))
    if any(member.flag_bits & 1 for member in members):
        raise UnsafeArchive(_("This file is protected by a password. Save it without one."))
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > most_bytes or (unpacked > 10 * 1024 * 1024 and unpacked > most_ratio * max(packed, 1)):
        raise UnsafeArchive(_("This file would unpack to more than we accept."))
