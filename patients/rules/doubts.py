"""What looks wrong in an entry of the chart and may be right all the same: said once, kept when somebody says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from patients.rules.text import fold


class Doubt(ValidationError):
    """A refusal that a tick ("Keep it as typed") takes away. By field, with sentences."""


def days(born: date | None, died: date | None, given: Mapping[str, date | None]) -> dict[str, list[str]]:
    """Days before the birth or after the death, by field."""
    said: dict[str, list[str]] = {}
    for name, day in given.items():
        if day and born and day < born:
            said.setdefault(name, []).append(_("This day is before the patient was born."))
        if day and died and day > died:
            said.setdefault(name, []).append(_("This day is after the patient died."))
    return said


def same(name: str, code: str, others: Iterable[tuple[str, str]]) -> str:
    """The name of an entry (name, code) that says the same thing: the same code, or the same folded name; else ""."""
    folded = _bare(name)
    for other_name, other_code in others:
        if (code and code == other_code) or _bare(other_name) == folded:
            return other_name
    return ""


def _bare(name: str) -> str:
    return " ".join(fold(name).split())


def overlap(one: tuple[date | None, date | None], two: tuple[date | None, date | None]) -> bool:
    """Whether two periods (first day, last day; None is open) have a day in common."""
    return (one[1] is None or two[0] is None or two[0] <= one[1]) and (
        two[1] is None or one[0] is None or one[0] <= two[1]
    )


def refuse(said: Mapping[str, Any], keep: bool) -> None:
    """Raises Doubt with what was said by field, unless somebody keeps it."""
    found = {name: sentences for name, sentences in said.items() if sentences}
    if found and not keep:
        raise Doubt(found)
