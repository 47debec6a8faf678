"""Small writers of FHIR data types: the way back of coordinator/fhir/values.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from coordinator.fhir.values import Json

CODES = "http://terminology.hl7.org/CodeSystem"
NUMBERS = f"{CODES}/v2-0203"


def pruned(value: Any) -> Any:
    """Without what is empty: FHIR knows no empty text, list or object."""
    if isinstance(value, dict):
        return {
            name: found for name, part in value.items() if (found := pruned(part)) not in (None, "", [], {})
        }
    if isinstance(value, list):
        return [found for part in value if (found := pruned(part)) not in (None, "", [], {})]
    return value


def urn(key: Any) -> str:
    return f"urn:uuid:{key}"


def ref(key: Any, display: str = "") -> Json | None:
    return {"reference": urn(key), "display": display} if key else None


def instant(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def concept(text: Any, code: str = "", system: str = "") -> Json | None:
    """Words and, when there is one, a code."""
    if not text and not code:
        return None
    return {"text": str(text or ""), "coding": [{"system": system, "code": code}] if code else []}


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def hyphened(status: str) -> str:
    """Our statuses are FHIR's with another mark between the words."""
    return status.replace("_", "-")
