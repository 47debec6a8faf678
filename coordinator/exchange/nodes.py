"""JSON that may be anything, read by asking for what is expected: a wrong type is refused with its path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from coordinator.fhir.problems import Unreadable
from coordinator.fhir.sources import read_documents

MAX_DEPTH = 60
MAX_VALUES = 200_000
MAX_MEMBERS = 500  # of one list: entries of a bundle, lines of an answer
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
BRACKET = re.compile(r"[\[\]{}]")


def read_json(data: bytes) -> Node:
    """The one JSON value of a file. Raises Unreadable for nesting, doubles and what is no JSON."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8 (byte {error.start})") from error
    _check_depth(text)
    [(_place, value)] = read_documents("file.json", text.encode())
    return Node(value, "")


def _check_depth(text: str) -> None:
    depth = 0
    for values, bracket in enumerate(BRACKET.finditer(STRING.sub("", text))):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH or values > MAX_VALUES:
            raise Unreadable("is nested too deep" if depth > MAX_DEPTH else "holds more than an answer does")


@dataclass(frozen=True)
class Node:
    """A JSON value and where it stands. Every reader returns the empty value for what is not there."""

    value: Any
    path: str

    def _is(self, kind: type, words: str) -> Any:
        if not isinstance(self.value, kind):
            raise Unreadable(f"must be {words}", self.path or "the file")
        return self.value

    def get(self, name: str) -> Node | None:
        """The member object, None when it is absent."""
        inner = self._member(name)
        if inner is not None:
            inner._is(dict, "an object")
        return inner

    def each(self, name: str) -> Iterator[Node]:
        """The members of a list of objects."""
        inner = self._member(name)
        values = inner._is(list, "a list") if inner else []
        if len(values) > MAX_MEMBERS:
            raise Unreadable(f"has more than {MAX_MEMBERS} members", inner.path if inner else name)
        for number, value in enumerate(values):
            node = Node(value, f"{inner.path if inner else name}[{number}]")
            node._is(dict, "an object")
            yield node

    def text(self, name: str, most: int = 500) -> str:
        inner = self._member(name)
        if inner is None:
            return ""
        found = str(inner._is(str, "text")).strip()
        if len(found) > most or "\x00" in found or not _is_unicode(found):
            raise Unreadable(f"is longer than {most} characters or holds what is no text", inner.path)
        return found

    def day(self, name: str) -> date | None:
        """The day of a FHIR date or dateTime, None when there is none or it names only a month."""
        value = self.text(name, 40)
        if not value or re.match(r"^\d{4}(-\d{2})?$", value):
            return None
        try:
            return date.fromisoformat(value[:10])
        except ValueError as error:
            raise Unreadable("is not a date", f"{self.path}.{name}".lstrip(".")) from error

    def whole(self, name: str, most: int) -> int | None:
        """A whole number from 0 to `most`; a decimal without a fraction is one."""
        inner = self._member(name)
        if inner is None:
            return None
        value = inner.value
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 <= value <= most or value != int(value):
            raise Unreadable(f"must be a whole number up to {most}", inner.path)
        return int(value)

    def extensions(self, *names: str) -> Iterator[Node]:
        """Extensions by the last part of their address, however the guide is versioned."""
        for extension in self.each("extension"):
            if extension.text("url").rsplit("/", 1)[-1] in names:
                yield extension

    def codes(self, name: str) -> list[str]:
        """The codes of a CodeableConcept, or its text when it has none."""
        concept = self.get(name)
        if concept is None:
            return []
        found = [coding.text("code", 60) for coding in concept.each("coding")]
        return [code for code in found if code] or [t for t in [concept.text("text")] if t]

    def _member(self, name: str) -> Node | None:
        value = self._is(dict, "an object").get(name)
        return None if value is None else Node(value, f"{self.path}.{name}".lstrip("."))


def _is_unicode(text: str) -> bool:
    """False for half a surrogate pair, which JSON can write and no database keeps."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def dump(value: Any) -> bytes:
    """JSON as we write it: stable, readable, UTF-8."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
