"""Small reads of FHIR values that may be missing or of the wrong shape: nothing here raises."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from coordinator.imports.directory.files import Json
from patients.rules.telephones import NotANumber, normal_phone

NANP = re.compile(r"\+1[2-9][0-9]{9}")
WEB = URLValidator(schemes=["http", "https"])
ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?")
PLAN_NET = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/"
ACCEPTING = {"newpt": "new", "existptonly": "existing", "existptfam": "existing", "nopt": "none"}


def objects(value: Any) -> list[Json]:
    """The objects of a list, or the one that stands without a list."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def line(value: Any, limit: int) -> str:
    """One line of text without control characters, cut at the limit."""
    if not isinstance(value, str):
        return ""
    text = unicodedata.normalize("NFC", " ".join(value.split()))
    return "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff")[:limit].strip()


def codes(concepts: Any) -> set[str]:
    return {
        code
        for concept in objects(concepts)
        for coding in objects(concept.get("coding"))
        if (code := line(coding.get("code"), 60))
    }


def words(concepts: Any, limit: int = 120) -> list[str]:
    """What each concept is called, once each."""
    found = []
    for concept in objects(concepts):
        shown = (line(coding.get("display"), limit) for coding in objects(concept.get("coding")))
        name = next(filter(None, shown), "") or line(concept.get("text"), limit)
        if name and name not in found:
            found.append(name)
    return found


def extensions(body: Json, name: str) -> list[Json]:
    return [e for e in objects(body.get("extension")) if e.get("url") in (name, PLAN_NET + name)]


def references(value: Any) -> list[str]:
    found = (one.get("reference") for one in objects(value))
    return [ref for ref in found if isinstance(ref, str) and ref]


def number_of(body: Json) -> str:
    """What it gives as its NPI, checked by nobody yet."""
    for one in objects(body.get("identifier")):
        if str(one.get("system", "")).endswith("us-npi"):
            return line(one.get("value"), 40)
    return ""


def telecom(bodies: list[Json], system: str) -> tuple[str, bool]:
    """The first usable number or address of this system, and whether there was one that cannot be used."""
    spoiled = False
    for body in bodies:
        points = [p for p in objects(body.get("telecom")) if p.get("system") == system]
        for point in sorted(points, key=_rank):
            value = _usable(line(point.get("value"), 200), system)
            if value:
                return value, spoiled
            spoiled = True
    return "", spoiled


def _rank(point: Json) -> int:
    rank = point.get("rank")
    return rank if isinstance(rank, int) else 99


def _usable(value: str, system: str) -> str:
    if system in ("phone", "fax"):
        try:
            number = normal_phone(value)
        except NotANumber:
            return ""
        return number if NANP.fullmatch(number) else ""
    if system == "email":
        try:
            validate_email(value)
        except ValidationError:
            return ""
        return value.lower()
    try:
        WEB(value)
    except ValidationError:
        return ""
    return value


def address_of(bodies: list[Json]) -> dict[str, str]:
    """Street, city, state and ZIP of the first body that has an address."""
    found = next((a for body in bodies for a in objects(body.get("address"))), {})
    lines = found.get("line")
    street = ", ".join(filter(None, (line(one, 120) for one in lines))) if isinstance(lines, list) else ""
    state, code = line(found.get("state"), 40).upper(), line(found.get("postalCode"), 20)
    return {
        "address_line": street[:200],
        "city": line(found.get("city"), 80),
        "state": state if re.fullmatch(r"[A-Z]{2}", state) else "",
        "postal_code": code if ZIP.fullmatch(code) else "",
    }


def accepting_of(bodies: list[Json]) -> str:
    """Whether new patients are taken; "unknown" where nothing or different things are said."""
    said = {
        ACCEPTING[code]
        for body in bodies
        for extension in extensions(body, "newpatients")
        for part in objects(extension.get("extension"))
        for code in codes(part.get("valueCodeableConcept"))
        if code in ACCEPTING
    }
    return said.pop() if len(said) == 1 else "unknown"


def languages_of(bodies: list[Json]) -> list[str]:
    """BCP 47 codes of what is spoken there."""
    found = (code.lower() for body in bodies for code in sorted(codes(body.get("communication"))))
    return sorted(
        {code for code in found if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})?", code) and len(code) <= 12}
    )


def day_of(value: Any) -> str:
    """ "2026-11-03" of a FHIR date or dateTime that names a whole day; else empty."""
    text = value[:10] if isinstance(value, str) else ""
    try:
        return str(date.fromisoformat(text))
    except ValueError:
        return ""
