"""Published figures from a CSV text: which column is what, and every row that cannot be used with its line and reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from referrals.models.referrals import Payer
from referrals.models.report_card import FIRST_YEAR, Metric
from referrals.services.report_card import Published, refusal

MOST_ROWS = 2_000
COLUMNS = {
    "payer": lazy("Payer"),
    "year": lazy("Year"),
    "line_of_business": lazy("Line of business"),
    "metric": lazy("Metric"),
    "value": lazy("Value"),
    "source": lazy("Source"),
}
OTHER_NAMES = {
    "payer": ("plan", "organization", "pagador"),
    "year": ("reporting year", "año"),
    "line_of_business": ("line", "lob", "program"),
    "metric": ("measure", "code"),
    "value": ("figure", "result", "valor"),
    "source": ("url", "link", "fuente"),
}


@dataclass(frozen=True)
class Problem:
    line: int  # in the file, the header is line 1
    reason: str


@dataclass
class Reading:
    """What a text holds: `header`, `mapping` (our column to the header's place), figures, and what is wrong by line."""

    header: list[str] = field(default_factory=list)
    mapping: dict[str, int] = field(default_factory=dict)
    given: list[Published] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def figures(self) -> int:
        return sum(len(one.values) for one in self.given)


def read(text: str, chosen: Mapping[str, str], payers: Mapping[str, UUID], this_year: int) -> Reading:
    """Read the whole text. `chosen` maps our columns to places of the header ("0"...); `payers` are names in lower case.

    Nothing is written. A reading with problems must not be saved.
    """
    reading = Reading()
    try:
        records = _records(text)
    except csv.Error as error:
        reading.problems.append(Problem(1, _("This is no CSV text: %(why)s") % {"why": error}))
        return reading
    if len(records) < 2 or len(records) > MOST_ROWS:
        why = _("Give a header and from 1 to %(most)d rows below it.") % {"most": MOST_ROWS}
        reading.problems.append(Problem(1, why))
        return reading
    reading.header = [cell.strip() for cell in records[0][1]]
    reading.mapping = _mapping(reading.header, chosen)
    if missing := [str(words) for key, words in COLUMNS.items() if key not in reading.mapping]:
        why = _("Choose the columns for: %(names)s") % {"names": ", ".join(missing)}
        reading.problems.append(Problem(1, why))
        return reading
    _collect(reading, records[1:], payers, this_year)
    return reading


def _records(text: str) -> list[tuple[int, list[str]]]:
    """Rows that are not empty, each with the line on which it begins."""
    lines = text.lstrip("\ufeff").replace("\x00", "")
    first = lines.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter, strict=True)
    found, line = [], 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            found.append((line, cells))
        line = reader.line_num + 1
    return found


def _mapping(header: Sequence[str], chosen: Mapping[str, str]) -> dict[str, int]:
    """What was chosen by hand, else what the names say."""
    names = [name.casefold().replace("_", " ") for name in header]
    found: dict[str, int] = {}
    for key in COLUMNS:
        given = chosen.get(key, "")
        if given.isascii() and given.isdigit() and int(given) < len(header):
            found[key] = int(given)
            continue
        for word in (key.replace("_", " "), *OTHER_NAMES[key]):
            if word in names:
                found[key] = names.index(word)
                break
    return found


def _collect(
    reading: Reading, records: Sequence[tuple[int, list[str]]], payers: Mapping[str, UUID], this_year: int
) -> None:
    """Group the rows by payer, year and line of business; note what is wrong with each."""
    grouped: dict[tuple[UUID, int, str], dict[str, Decimal]] = {}
    sources: dict[tuple[UUID, int, str], str] = {}
    for line, cells in records:
        row = {key: cells[at].strip() if at < len(cells) else "" for key, at in reading.mapping.items()}
        try:
            key, metric, value = _checked(row, payers, this_year)
            if metric in grouped.get(key, {}):
                raise ValueError(_("This figure stands in the file twice."))
        except ValueError as error:
            reading.problems.append(Problem(line, str(error)))
            continue
        grouped.setdefault(key, {})[metric] = value
        sources.setdefault(key, row["source"])
    reading.given = [Published(*key, source=sources[key], values=values) for key, values in grouped.items()]


def _checked(
    row: Mapping[str, str], payers: Mapping[str, UUID], this_year: int
) -> tuple[tuple[UUID, int, str], str, Decimal]:
    """The row's place, metric and value. Raises ValueError with a sentence."""
    payer = payers.get(row["payer"].casefold())
    if payer is None:
        raise ValueError(_("No payer has the name “%(name)s”.") % {"name": row["payer"][:80]})
    year = (
        int(row["year"]) if row["year"].isascii() and row["year"].isdigit() and len(row["year"]) == 4 else 0
    )
    if not FIRST_YEAR <= year <= this_year:
        words = {"first": FIRST_YEAR, "last": this_year, "given": row["year"][:20]}
        raise ValueError(_("“%(given)s” is no year from %(first)d to %(last)d.") % words)
    line = _code(Payer.Type, row["line_of_business"])
    if line is None:
        raise ValueError(
            _("“%(given)s” is no line of business that we know.") % {"given": row["line_of_business"][:80]}
        )
    metric = _code(Metric, row["metric"])
    if metric is None:
        raise ValueError(_("“%(given)s” is no metric that we know.") % {"given": row["metric"][:80]})
    try:
        value = Decimal(row["value"].removesuffix("%").strip())
        value = value.quantize(Decimal("0.01")) if value.is_finite() else Decimal(-1)
    except InvalidOperation:
        raise ValueError(_("“%(given)s” is no number.") % {"given": row["value"][:20]}) from None
    if why := refusal(metric, value):
        raise ValueError(why)
    if not row["source"] or len(row["source"]) > 200:
        raise ValueError(_("Give the source in at most 200 letters."))
    return (payer, year, line), metric, value


def _code(choices: Any, given: str) -> str | None:
    """The code of a choice, given as code or in its words."""
    wanted = given.casefold()
    return next((code for code, words in choices.choices if wanted in (code, str(words).casefold())), None)
