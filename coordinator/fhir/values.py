"""Small readers of FHIR data types. Each takes JSON that has passed the shape check; none guesses."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from coordinator.fhir.problems import Unreadable

Json = dict[str, Any]


def first(values: Iterable[Any] | None) -> Any:
    return next(iter(values or ()), None)


def words(concept: Json | None) -> str:
    """The text of a CodeableConcept: its own, else its first display, else its first code."""
    if not concept:
        return ""
    codings = concept.get("coding") or []
    shown = [c.get("display") for c in codings if c.get("display")] or [
        c.get("code") for c in codings if c.get("code")
    ]
    return concept.get("text") or (shown[0] if shown else "")


def code_of(concept: Json | None) -> tuple[str, str]:
    """(code, system) of the first coding; blanks when there is none."""
    coding = first((concept or {}).get("coding")) or {}
    return coding.get("code", ""), coding.get("system", "")


def codes(concept: Json | None) -> set[str]:
    return {c.get("code", "") for c in (concept or {}).get("coding") or []}


def _is_date(value: Any) -> bool:
    """False for what names no day. The models let a number pass as a moment; FHIR does not."""
    if value is not None and not isinstance(value, str):
        raise Unreadable("a date must be text")
    return value is not None and len(value) >= 10


def day(value: str | None) -> dt.date | None:
    """The date of a FHIR date or dateTime; None for a year or month alone, which is no day."""
    if not _is_date(value):
        return None
    assert value is not None
    return dt.date.fromisoformat(value[:10])


def moment(value: str | None, zone: ZoneInfo) -> dt.datetime | None:
    """A FHIR dateTime or instant in UTC; a date alone is its local midnight, a month or year nothing."""
    if not _is_date(value):
        return None
    assert value is not None
    if len(value) == 10:
        return dt.datetime.combine(dt.date.fromisoformat(value), dt.time(), zone).astimezone(dt.UTC)
    found = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(dt.UTC)


def number(value: Any) -> decimal.Decimal | None:
    """A measured value to six places; None when it is too large for a column of our kind."""
    if value is None or isinstance(value, bool):
        return None
    found = decimal.Decimal(str(value))
    if abs(found) >= decimal.Decimal(10) ** 12:
        return None
    return found.quantize(decimal.Decimal("0.000001"))


def address_lines(address: Json | None) -> str:
    """An address as one text."""
    if not address:
        return ""
    town = " ".join(p for p in (address.get("city"), address.get("state"), address.get("postalCode")) if p)
    return ", ".join([*(address.get("line") or []), *([town] if town else [])])


def telecom(resource: Json, system: str) -> str:
    return next((t.get("value", "") for t in resource.get("telecom") or [] if t.get("system") == system), "")


def extension(resource: Json, url: str) -> Json:
    return next((e for e in resource.get("extension") or [] if e.get("url") == url), {})


def official_name(names: list[Json] | None) -> Json:
    """The official name, else the usual one, else the first that is not old or maiden."""
    names = names or []
    for use in ("official", "usual"):
        for name in names:
            if name.get("use") == use:
                return name
    return next((n for n in names if n.get("use") not in ("old", "maiden", "nickname")), first(names) or {})
