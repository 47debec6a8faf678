"""Who a resource is: the keys it is known by, and which of our rows a reference means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from coordinator.fhir.bundles import CONDITIONAL, RELATIVE, Entry
from coordinator.fhir.problems import Unreadable
from coordinator.fhir.values import codes
from coordinator.imports.models import SourceRecord

Key = tuple[str, str, str]  # resource type, system, value
IDENTIFIED = ("Organization", "Location", "Practitioner")
UUID_TEXT = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
URN = "urn:uuid:"


def keys_of(entry: Entry, label: str) -> list[Key]:
    """The keys an entry is known by: its id, its fullUrl, and for people and places their identifiers.

    An id that is no UUID ("example") is only unique within its source, so the source's label is part of it.
    """
    kind, resource = entry.kind, entry.resource
    found: list[Key] = []
    if resource.get("id"):
        found.append(id_key(kind, resource["id"], label))
    if entry.full_url.startswith(URN):
        found.append((kind, "urn:uuid", entry.full_url.removeprefix(URN).lower()))
    for identifier in resource.get("identifier") or []:
        system, value = identifier.get("system", ""), identifier.get("value", "")
        if value and system and (kind in IDENTIFIED or (kind == "Patient" and is_record_number(identifier))):
            found.append((kind, system[:200], value[:250]))
    if entry.if_none_exist:
        match = re.match(r"^identifier=([^|&]*)\|([^&]+)$", entry.if_none_exist)
        if not match:
            raise Unreadable(f"ifNoneExist {entry.if_none_exist[:80]!r} is not understood", entry.place)
        found.append((kind, match[1], match[2]))
    return list(dict.fromkeys(found))


def is_record_number(identifier: dict[str, Any]) -> bool:
    """A clinic's own number for a patient. Others (license, social security) do not make two records one."""
    return "MR" in codes(identifier.get("type")) or not identifier.get("type")


def id_key(kind: str, resource_id: str, label: str) -> Key:
    if UUID_TEXT.match(resource_id):
        return (kind, "urn:uuid", resource_id.lower())
    return (kind, f"id:{label}", resource_id)


@dataclass
class Index:
    """Which of our rows a key means: what this file brings, then what is here already."""

    label: str
    local: dict[Key, UUID] = field(default_factory=dict)
    # Kept for a whole run: practitioners and places are asked for again in every file.
    known: dict[Key, UUID | None] = field(default_factory=dict)
    # Who a lost reference to a patient means, where whoever imports says that a file is about one patient.
    only_patient: UUID | None = None

    def start_file(self) -> None:
        self.local.clear()
        self.only_patient = None

    def load(self, keys: list[Key]) -> dict[Key, SourceRecord]:
        """The rows that are here already for these keys, in one query."""
        values = {key[2] for key in keys}
        wanted = set(keys)
        rows = SourceRecord.objects.filter(key__in=values) if values else []
        return {k: r for r in rows if (k := (r.resource_type, r.system, r.key)) in wanted}

    def find(self, key: Key) -> UUID | None:
        if key in self.local:
            return self.local[key]
        if key not in self.known:
            row = SourceRecord.objects.filter(resource_type=key[0], system=key[1], key=key[2]).first()
            if row is None:
                return None  # not remembered: a later file may bring it
            self.known[key] = row.object_id
        return self.known[key]

    def resolve(
        self, reference: dict[str, Any] | None, kinds: tuple[str, ...], required: bool
    ) -> UUID | None:
        """Our key of what a reference means, or None when it is of another type or names nobody we keep.

        A `urn:uuid` must be in the file and a conditional reference must have been loaded before: otherwise the
        file is refused, because half a record is worse than none.
        """
        address = (reference or {}).get("reference", "")
        if not address:
            return self._by_identifier(reference, kinds, required)
        if address.startswith(URN):
            return self._urn(address, kinds, required)
        if address.startswith("#"):
            return self._missing(f"{address[:60]} is inside another resource", required)
        if conditional := CONDITIONAL.match(address):
            return self._conditional(conditional, kinds, required)
        if "?" in address:
            raise Unreadable(f"the conditional reference {address[:80]!r} is not understood")
        relative = RELATIVE.search(address)
        if relative and relative["type"] in kinds:
            found = self.find(id_key(relative["type"], relative["id"], self.label))
            if found is None and relative["type"] == "Patient":
                found = self.only_patient
            return found or self._missing(
                f"{relative['type']}/{relative['id']} is neither here nor in this file", required
            )
        return self._missing(f"{address[:60]!r} is not a {kinds[0]}", required)

    def _urn(self, address: str, kinds: tuple[str, ...], required: bool) -> UUID | None:
        value = address.removeprefix(URN).lower()
        for kind in kinds:
            if found := self.find((kind, "urn:uuid", value)):
                return found
        if required or not any(key[2] == value for key in self.local):
            raise Unreadable(f"refers to {address[:60]}, which is not in this file")
        return None

    def _conditional(self, match: re.Match[str], kinds: tuple[str, ...], required: bool) -> UUID | None:
        if match["type"] not in kinds:
            return self._missing(f"a {match['type']} stands where a {kinds[0]} belongs", required)
        found = self.find((match["type"], match["system"], match["value"]))
        if found is None:
            raise Unreadable(
                f"refers to {match['type']}?identifier={match['system']}|…, which is not here yet:"
                f" import the file that brings this {match['type']} first"
            )
        return found

    def _by_identifier(
        self, reference: dict[str, Any] | None, kinds: tuple[str, ...], required: bool
    ) -> UUID | None:
        identifier = (reference or {}).get("identifier") or {}
        if identifier.get("value"):
            for kind in kinds:
                if found := self.find((kind, identifier.get("system", ""), identifier["value"])):
                    return found
        return self._missing(f"names no {kinds[0]}", required)

    @staticmethod
    def _missing(reason: str, required: bool) -> None:
        if required:
            raise Unreadable(reason)
