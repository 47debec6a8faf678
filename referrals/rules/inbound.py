"""Which identifiers a paper shows. Pure: no ORM, no wall clock.

An identifier decides (ours first, then the payer's, then the patient's). A name with a birth date only proposes a
patient; a name alone, or a specialty, proposes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from patients.rules.text import fold

# Ours as printed on a packet; a fax may turn the O of "No" or lose the hyphen, never the digits.
REFERENCE = re.compile(r"\bR[-–— ]?(\d{6})\b")
# What follows a word that says which number it is.
LABELLED = re.compile(
    r"\b(?P<what>mrn|medical record(?: number| no)?|member(?: id| number| no)?|subscriber(?: id| number)?|policy(?: no| number)?"
    r"|auth(?:orization)?(?: number| no| #)?|reference(?: number| no)?|case(?: number| no)?)"
    r"\s*[.:#]*\s*(?P<number>[A-Z0-9][A-Z0-9-]{3,39})\b",
    re.IGNORECASE,
)
DATE = re.compile(r"\b(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}))\b")
LONGEST = 200_000  # characters of a paper that are searched


@dataclass(frozen=True)
class Identifiers:
    """`references` such as R-000123; `numbers` whatever a label named, in capitals; `dates` all that could be birth dates."""

    references: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    dates: tuple[date, ...] = ()
    words: frozenset[str] = frozenset()

    def names(self, family_name: str, given_name: str) -> bool:
        """The paper holds every part of both names, whatever their order and accents."""
        wanted = fold(f"{family_name} {given_name}").split()
        return bool(wanted) and all(word in self.words for word in wanted)


def identifiers_in(text: str) -> Identifiers:
    """Everything on the paper that may say whose it is, each once, in the order of the text."""
    text = text[:LONGEST]
    references = dict.fromkeys(f"R-{found[1]}" for found in REFERENCE.finditer(text))
    numbers = dict.fromkeys(
        found["number"].upper() for found in LABELLED.finditer(text) if any(map(str.isdigit, found["number"]))
    )
    dates = dict.fromkeys(day for found in DATE.finditer(text) if (day := _day(found)))
    words = frozenset(re.findall(r"\w+", fold(text)))
    return Identifiers(tuple(references), tuple(numbers), tuple(dates), words)


def _day(found: re.Match[str]) -> date | None:
    """Month before day, as on papers of this country."""
    year, month, day = (found[1], found[2], found[3]) if found[1] else (found[6], found[4], found[5])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
