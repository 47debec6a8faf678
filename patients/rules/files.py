"""What a file is, read from its bytes. Neither its name nor the browser's word is believed.

Kept: PDF, JPEG, PNG, TIFF, plain text, Word and Excel without macros. Everything else is refused with a sentence.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from django.utils.translation import gettext as _

from coordinator.files import DOCX as WORD
from coordinator.files import JPEG, PDF, PNG, TEXT, TIFF, kind_of
from coordinator.files import XLSX as EXCEL
from patients.rules.text import Unfit

# The endings a file of each type may have; the first is given to a name that has none of them.
SUFFIXES = {
    PDF: (".pdf",),
    JPEG: (".jpg", ".jpeg"),
    PNG: (".png",),
    TIFF: (".tif", ".tiff"),
    TEXT: (".txt", ".text", ".csv", ".md", ".log"),
    WORD: (".docx",),
    EXCEL: (".xlsx",),
}
ACCEPT = ",".join(suffix for endings in SUFFIXES.values() for suffix in endings)
PICTURES = (JPEG, PNG, TIFF)
CHUNK = 64 * 1024

# Text that a browser, a shell or a printer would act on.
ACTIVE = re.compile(
    rb"<\s*(?:!doctype|html|head|body|script|svg|iframe|object|embed|meta|link|img|\?xml|\?php|%)|javascript:",
    re.IGNORECASE,
)
PROGRAMS = (b"#!", b"%!ps", b"{\\rtf", b"@echo", b"mz")
PROGRAM_SUFFIXES = frozenset(
    [
        ".apk",
        ".app",
        ".bat",
        ".cmd",
        ".com",
        ".cpl",
        ".dll",
        ".exe",
        ".hta",
        ".htm",
        ".html",
        ".jar",
        ".js",
        ".jse",
        ".lnk",
        ".mht",
        ".msi",
        ".php",
        ".pif",
        ".ps1",
        ".py",
        ".reg",
        ".scr",
        ".sh",
        ".shtml",
        ".svg",
        ".vb",
        ".vbe",
        ".vbs",
        ".wsf",
        ".xht",
        ".xhtml",
        ".xml",
    ]
)

MOST_PARTS = 2_000  # of a Word or Excel file
MOST_INFLATED = 200 * 1024 * 1024
MOST_TIMES = 200  # how often larger a part may be than its compressed bytes: text reaches about 50
SMALL = 1024 * 1024  # a part up to this size is never a bomb


@dataclass(frozen=True)
class FileFacts:
    """`size` in bytes, `sha256` in hex."""

    name: str
    content_type: str
    size: int
    sha256: str


def plain_name(given: str) -> str:
    """The last part of a name without control or direction characters, at most 120 characters, as text to show."""
    last = re.split(r"[\\/]", given)[-1]
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    stem, dot, suffix = kept.strip(" .").rpartition(".")
    if not stem or len(suffix) > 8:
        return kept.strip(" .")[:120] or "file"
    return f"{stem[:110]}{dot}{suffix}"


def name_to_save(name: str, content_type: str) -> str:
    """The name a download carries: it ends as its type does, whatever the name said."""
    endings = SUFFIXES.get(content_type, (".bin",))
    return name if name.lower().endswith(endings) else name + endings[0]


def read_file_facts(name: str, file: IO[bytes], limit: int) -> FileFacts:
    """What this file is. `limit` in bytes. Raises Unfit with the sentence why it is not kept."""
    name = plain_name(name)
    size, digest = _measure(file, limit)
    if not size:
        raise Unfit(_("“%(name)s” is empty.") % {"name": name})
    if size > limit:
        raise too_large(name, limit)
    if PurePosixPath(name.lower()).suffix in PROGRAM_SUFFIXES:
        raise _wrong(name)
    content_type = kind_of(file)
    if content_type != PDF and content_type not in PICTURES:
        # What may hide something is looked at as a whole, with a sentence for each reason.
        content_type = _office(name, file) if file.read(2) == b"PK" else _text(name, file)
    file.seek(0)
    return FileFacts(name, content_type, size, digest)


def too_large(name: str, limit: int) -> Unfit:
    return Unfit(
        _("“%(name)s” is larger than %(most)d MB.") % {"name": plain_name(name), "most": limit // 1024**2}
    )


def _wrong(name: str) -> Unfit:
    return Unfit(
        _("“%(name)s” is none of these: PDF, JPEG, PNG, TIFF, plain text, Word or Excel.") % {"name": name}
    )


def _measure(file: IO[bytes], limit: int) -> tuple[int, str]:
    """Size and hash; reading ends soon after the limit."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while size <= limit and (chunk := file.read(CHUNK)):
        size += len(chunk)
        digest.update(chunk)
    return size, digest.hexdigest()


def _text(name: str, file: IO[bytes]) -> str:
    """UTF-8 without control characters and without anything that acts."""
    decoder, before = codecs.getincrementaldecoder("utf-8")(), b""
    file.seek(0)
    if file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PROGRAMS):
        raise _wrong(name)
    file.seek(0)
    while chunk := file.read(CHUNK):
        try:
            read = decoder.decode(chunk)
        except UnicodeDecodeError:
            raise _wrong(name) from None
        if any(ord(c) < 32 and c not in "\t\n\r\f" for c in read) or ACTIVE.search(before + chunk):
            raise _wrong(name)
        before = chunk[-32:]
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _wrong(name) from None
    return TEXT


def _office(name: str, file: IO[bytes]) -> str:
    """Word or Excel: no macros, no passwords, no parts outside, and nothing that grows when it is opened."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, EOFError):
        raise _wrong(name) from None
    names = {part.filename for part in parts}
    kind = WORD if "word/document.xml" in names else EXCEL if "xl/workbook.xml" in names else ""
    if not kind or "[Content_Types].xml" not in names or len(parts) > MOST_PARTS:
        raise _wrong(name)
    if any(_acts(part) for part in parts):
        raise Unfit(_("“%(name)s” holds macros or hidden programs. Save it as PDF instead.") % {"name": name})
    grows = any(
        part.file_size > SMALL and part.file_size > MOST_TIMES * max(part.compress_size, 1) for part in parts
    )
    if grows or sum(part.file_size for part in parts) > MOST_INFLATED:
        raise Unfit(
            _("“%(name)s” would grow far too large when opened. Save it as PDF instead.") % {"name": name}
        )
    return kind


def _acts(part: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(part.filename.replace("\\", "/").lower())
    outside = path.is_absolute() or ".." in path.parts
    program = path.suffix in PROGRAM_SUFFIXES - {".xml"} or path.name.startswith("vbaproject")
    return outside or program or bool(part.flag_bits & 0x1) or "activex" in path.parts
