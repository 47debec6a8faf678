"""What the catchers keep: every acceptance by key, and the latest messages with their text.

Two files, both 0600 and written before the sender gets its answer:

    accepted.jsonl  one line per acceptance: at, id, channel, key. No names, no text. Only ever appended
                    to, so that anyone outside can count how often a key was accepted.
    inbox.jsonl     the messages themselves; all but the latest 5,000 are forgotten.
"""

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

KEEP = 5_000


@dataclass(frozen=True)
class Caught:
    """One caught message. `at` is UTC in ISO form; `channel` is `text` or `email`."""

    channel: str
    to: str
    body: str
    key: str = ""
    sender: str = ""
    subject: str = ""
    attachments: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: uuid4().hex)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


class Store:
    """Thread-safe. Survives kill -9: what was answered is on file, half a line is dropped at the next start."""

    def __init__(self, folder: Path, keep: int = KEEP) -> None:
        self.folder = folder
        self.keep = keep
        self._guard = threading.Lock()
        self._ids: dict[tuple[str, str], str] = {}
        self._messages: OrderedDict[str, Caught] = OrderedDict()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        accepted = set()
        for line in _lines(self._path("accepted")):
            accepted.add(line["id"])
            self._ids[line["channel"], line["key"]] = line["id"]
        for line in _lines(self._path("inbox")):
            # A message without its acceptance was never answered: the sender will come again.
            if line["id"] in accepted:
                self._messages[line["id"]] = Caught(**{**line, "attachments": tuple(line["attachments"])})
        self._forget()
        self._accepted = _append(self._path("accepted"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    def accept(self, message: Caught) -> tuple[str, bool]:
        """(id, new). A text whose key was accepted before is not stored again and answers the first id."""
        with self._guard:
            if message.channel == "text" and (known := self._ids.get(("text", message.key))):
                return known, False
            self._messages[message.id] = message
            _write(self._inbox, asdict(message))
            line = {"at": message.at, "id": message.id, "channel": message.channel, "key": message.key}
            _write(self._accepted, line)
            self._ids[message.channel, message.key] = message.id
            if len(self._messages) > self.keep * 2:
                self._forget()
            return message.id, True

    def find(self, channel: str, key: str) -> str | None:
        """The id a key was accepted under, or None."""
        with self._guard:
            return self._ids.get((channel, key))

    def get(self, message_id: str) -> Caught | None:
        with self._guard:
            return self._messages.get(message_id)

    def latest(self, channel: str = "") -> list[Caught]:
        """Newest first, at most `keep`."""
        with self._guard:
            found = [m for m in reversed(self._messages.values()) if channel in ("", m.channel)]
        return found[: self.keep]

    def _forget(self) -> None:
        """Drops all but the latest messages, from memory and from the file; acceptances stay."""
        while len(self._messages) > self.keep:
            self._messages.popitem(last=False)
        part = self._path("inbox").with_suffix(".part")
        part.unlink(missing_ok=True)
        descriptor = _append(part)
        for message in self._messages.values():
            _write(descriptor, asdict(message))
        part.replace(self._path("inbox"))
        self._inbox = descriptor


def _append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _write(descriptor: int, line: Mapping[str, object]) -> None:
    os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The file's whole lines. A last line cut off by a crash is cut from the file too."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    for line in content[:whole].splitlines():
        yield json.loads(line)
