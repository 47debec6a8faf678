"""What the pages of a record are drawn from: plain texts, days and tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from coordinator.wording import day, day_time

# Scripts that the fonts shipped with typst can show. The rest is counted and said.
SHOWN = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "COMBINING", "MODIFIER")


def plain(value: Any) -> str:
    """Text without characters that a page cannot hold (controls, marks that turn the direction of what follows)."""
    text = "" if value is None else str(value)
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))


def shows(text: str) -> bool:
    return all(_shows(character) for character in set(text))


@lru_cache(maxsize=4096)
def _shows(character: str) -> bool:
    if ord(character) < 0x250:
        return True
    if unicodedata.category(character)[0] in "PZNS" and ord(character) < 0x2300:
        return True
    return unicodedata.name(character, "").startswith(SHOWN)


def texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from texts(part)


def day_of(value: date | None) -> str:
    return day(value) if value else ""


def moment(value: datetime | None) -> str:
    return day_time(value) if value else ""


def table(
    title: str,
    rows: Sequence[Any],
    columns: dict[str, tuple[int, Callable[[Any], Any]]],
    empty: str = "",
) -> dict[str, Any]:
    """A section: (relative width, what a row holds) by column."""
    return {
        "kind": "table",
        "title": title,
        "empty": empty or _("None recorded"),
        "columns": [str(name) for name in columns],
        "widths": [width for width, _read in columns.values()],
        "rows": [[plain(read(row)) for _width, read in columns.values()] for row in rows],
    }
