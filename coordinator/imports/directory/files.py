"""From uploaded files to resources: one resource, a bundle, or one resource a line. What cannot be read has its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from coordinator.fhir.problems import Unreadable
from coordinator.fhir.sources import read_documents

MOST_BYTES = 10 * 1024 * 1024  # all files together
MOST_RESOURCES = 5000
SUFFIXES = (".json", ".ndjson")
Json = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource and where it stood: the file's given name, and a line or entry of it."""

    file: str
    place: str
    body: Json
    url: str = ""  # its address inside a bundle, by which others refer to it

    @property
    def kind(self) -> str:
        return self.body["resourceType"]

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.body.get('id') or self.url or f'{self.file} {self.place}'}"[:200]


@dataclass(frozen=True)
class Parked:
    """What was not read, and why. The reason never holds what stood there."""

    file: str
    place: str
    kind: str
    key: str
    reason: str


def read_files(files: Iterable[tuple[str, bytes]]) -> tuple[list[Resource], list[Parked]]:
    """Every resource of the files in their order. Raises Unreadable when there are too many."""
    read: list[Resource] = []
    parked: list[Parked] = []
    for name, data in files:
        for place, found in _documents(name, data):
            if isinstance(found, Unreadable):
                parked.append(Parked(name, place, "", "", str(found.reason)))
                continue
            for resource in _resources(name, place, found):
                (read if isinstance(resource, Resource) else parked).append(resource)  # type: ignore[arg-type]
        if len(read) > MOST_RESOURCES:
            raise Unreadable(_("holds more than %(most)s resources; split it") % {"most": MOST_RESOURCES})
    return read, parked


def _documents(name: str, data: bytes) -> Iterator[tuple[str, Any]]:
    """JSON values, or Unreadable in place of one. A bad line of an NDJSON file spoils only itself."""
    lines = [("", data)]
    if name.lower().endswith(".ndjson"):
        lines = [(f"line {n}", line) for n, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    for place, text in lines:
        try:
            [(_place, value)] = read_documents("one.json", text)
            yield place, value
        except Unreadable as error:
            yield place or error.place, error


def _resources(name: str, place: str, found: Any) -> Iterator[Resource | Parked]:
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        yield Parked(name, place, "", "", _("This is no FHIR resource."))
        return
    if found["resourceType"] != "Bundle":
        yield Resource(name, place, found)
        return
    entries = found.get("entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        where = f"{place} entry[{number}]".strip()
        body = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(body, dict) or not isinstance(body.get("resourceType"), str):
            yield Parked(name, where, "", "", _("This entry holds no resource."))
        else:
            url = entry.get("fullUrl")
            yield Resource(name, where, body, url if isinstance(url, str) else "")
