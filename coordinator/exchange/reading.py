"""A file of unknown kind and origin: what it is, and its messages. Bounded in size, depth and number."""

from __future__ import annotations

import re

from coordinator.exchange.messages import Message
from coordinator.exchange.nodes import read_json
from coordinator.exchange.pas import read_pas
from coordinator.exchange.services_review import read_278
from coordinator.fhir.problems import Unreadable

MAX_BYTES = 2 * 1024 * 1024
MAX_MESSAGES = 50
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1b\x7f]")


def read_file(data: bytes) -> list[Message]:
    """Its answers or requests in order. Raises Unreadable with a reason that quotes nothing of the file."""
    if len(data) > MAX_BYTES:
        raise Unreadable("is larger than 2 MB")
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:3]
    if not start:
        raise Unreadable("is empty")
    found = _read(data, start)
    if len(found) > MAX_MESSAGES:
        raise Unreadable(f"holds more than {MAX_MESSAGES} answers")
    return found


def _read(data: bytes, start: bytes) -> list[Message]:
    if start[:1] == b"<":
        raise Unreadable("is XML; FHIR is read as JSON only")
    if start[:1] in (b"{", b"["):
        return read_pas(read_json(data))
    if start == b"ISA":
        return read_278(_text(data))
    raise Unreadable("is neither X12 (ISA) nor FHIR as JSON")


def _text(data: bytes) -> str:
    """X12 in UTF-8, else in Latin-1 as older systems send it."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = text.lstrip()
    if CONTROL.search(text):
        raise Unreadable("holds control characters")
    return text
