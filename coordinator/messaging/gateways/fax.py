"""Fax: what a gateway offers, and the sandbox that keeps faxes in a folder and answers like one.

A fax is handed over with its key, and asked about by the key until the gateway knows how it ended. `send` may fail in
the two ways of every gateway (base.py): NotSent is certain, Unclear is a doubt that nobody ends by sending again.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from coordinator.messaging.gateways.base import NoGateway, NotSent, Unclear


class FaxState(StrEnum):
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    NOT_TAKEN = "not_taken"  # the gateway says that it never got it


@dataclass(frozen=True)
class FaxReport:
    """What became of a fax. `reason` of a failure: busy, no_answer, or the gateway's own short word, no person in it."""

    state: FaxState
    reference: str = ""
    reason: str = ""
    pages: int = 0


class FaxGateway(Protocol):
    """The way out for faxes. The same `key` comes with every try of the same delivery; `to` is E.164."""

    call_seconds: float  # the longest one call can take

    def send(self, *, key: str, to: str, content: bytes) -> str:
        """The gateway's reference for this PDF. Raises NotSent or Unclear."""

    def report(self, key: str) -> FaxReport:
        """How it stands now. Raises NoGateway when that cannot be told."""

    def close(self) -> None: ...


def fax_gateway() -> FaxGateway | None:
    """The gateway of the settings; None where there is none. Close it after use."""
    if settings.FAX_GATEWAY == "none":
        return None
    if settings.FAX_GATEWAY == "sandbox":
        return FaxSandbox(Path(settings.FAX_SANDBOX_FOLDER))
    try:
        made: FaxGateway = import_string(settings.FAX_GATEWAY)()
    except ImportError as error:
        raise ImproperlyConfigured("FAX_GATEWAY must be none, sandbox or the path of a class.") from error
    return made


def has_fax_gateway() -> bool:
    return bool(settings.FAX_GATEWAY != "none")


# Numbers that misbehave on purpose, by their last four digits. Every other number gets its fax.
REFUSED, DOWN, SILENT, BUSY, NO_ANSWER, LATE = "0001", "0002", "0003", "0004", "0005", "0006"
ENDED_BADLY = {BUSY: "busy", NO_ANSWER: "no_answer"}


class FaxSandbox:
    """Keeps each fax as <hash of the key>.pdf with a .json beside it. The same key twice is one fax.

    ...0001 is refused, ...0002 is down, ...0003 takes the fax, hangs up without an answer and cannot tell afterwards,
    ...0004 is busy, ...0005 does not answer, ...0006 hangs up too but tells later that it arrived.
    """

    call_seconds = 1.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, *, key: str, to: str, content: bytes) -> str:
        if to.endswith(REFUSED):
            raise NotSent("refused_number", for_good=True)
        if to.endswith(DOWN):
            raise NotSent("http_503")
        reference = self._keep(key, to, content)
        if to.endswith((SILENT, LATE)):
            raise Unclear("no_answer")
        return reference

    def report(self, key: str) -> FaxReport:
        kept = self._kept(key)
        if kept is None:
            return FaxReport(FaxState.NOT_TAKEN)
        if kept["to"].endswith(SILENT):
            raise NoGateway
        if bad := ENDED_BADLY.get(kept["to"][-4:]):
            return FaxReport(FaxState.FAILED, kept["reference"], bad)
        return FaxReport(FaxState.DELIVERED, kept["reference"])

    def close(self) -> None:
        """Nothing is kept open."""

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.pdf"

    def _keep(self, key: str, to: str, content: bytes) -> str:
        path = self._path(key)
        kept = self._kept(key)
        if kept is not None:
            return str(kept["reference"])
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        reference = f"FX-{path.stem[:8].upper()}"
        path.write_bytes(content)
        note = path.with_suffix(".part")
        note.write_text(json.dumps({"key": key, "to": to, "reference": reference}), encoding="utf-8")
        os.replace(note, path.with_suffix(".json"))
        return reference

    def _kept(self, key: str) -> dict[str, Any] | None:
        note = self._path(key).with_suffix(".json")
        return json.loads(note.read_text(encoding="utf-8")) if note.is_file() else None
