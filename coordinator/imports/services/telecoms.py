"""Imported phones and e-mails in the form that is searched."""

from __future__ import annotations

from typing import Any

from patients.rules.telephones import NotANumber, last_four, normal_phone


def contact_points(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the form that is searched: E.164 for phones that are numbers, lower case for e-mail; each once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for point in points:
        normalized, last_four = point["value"].strip().lower(), ""
        if point["kind"] == "phone":
            normalized, last_four = _phone(point["value"])
        key = (point["kind"], normalized or point["value"])
        found.setdefault(key, {**point, "normalized": normalized, "last_four": last_four})
    return list(found.values())


def _phone(value: str) -> tuple[str, str]:
    """E.164 and its last four digits; of what is no number, only the digits it ends with."""
    try:
        e164 = normal_phone(value)
    except NotANumber:
        return "", last_four("".join(c for c in value if c.isdigit()))
    return e164, last_four(e164)
