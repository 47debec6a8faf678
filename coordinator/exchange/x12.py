"""X12 interchanges: separators from the ISA, segments with their numbers, envelopes checked. No 278 in here.

Read as they come: an ISA whose blanks were collapsed or broken over two lines, any separators, line breaks between
segments. Reasons name the segment's number and element, never what it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from coordinator.fhir.problems import Unreadable

MAX_SEGMENTS = 20_000
ISA_ELEMENTS = 16
NAME = re.compile(r"^[A-Z][A-Z0-9]{1,2}$")
KINDS = {
    "270": "holds an eligibility question (270)",
    "271": "holds an eligibility answer (271)",
    "275": "holds papers for a request (275)",
    "276": "holds a claim status question (276)",
    "277": "holds a claim status answer (277)",
    "278": "holds a services review (278)",
    "820": "holds a premium payment (820)",
    "834": "holds an enrollment (834)",
    "835": "holds a payment advice (835)",
    "837": "holds a claim (837)",
    "997": "holds an acknowledgment (997)",
    "999": "holds an acknowledgment (999)",
}


@dataclass(frozen=True)
class Separators:
    element: str = "*"
    component: str = ":"
    repetition: str = "^"
    terminator: str = "~"


@dataclass(frozen=True)
class Segment:
    """`number` counts from 1 in the file; `get(3)` is its third element, "" when there is none."""

    number: int
    name: str
    elements: tuple[str, ...]

    def get(self, position: int) -> str:
        return self.elements[position - 1].strip() if position <= len(self.elements) else ""

    def place(self, position: int = 0) -> str:
        element = f"{self.name}{position:02d}" if position else self.name
        return f"segment {self.number}, {element}"


@dataclass(frozen=True)
class Transaction:
    """One ST to SE: the kind (ST01), the guide it follows and the segments between."""

    kind: str
    guide: str
    segments: tuple[Segment, ...]
    separators: Separators


def read_transactions(text: str, kind: str) -> list[Transaction]:
    """Every transaction of an interchange, all of this kind (ST01); another one is refused by what it is.

    Raises Unreadable also for an envelope that was cut or mended badly.
    """
    separators = read_separators(text)
    found = split(text, separators)
    for segment in found:
        if segment.name == "ST" and segment.get(1) != kind:
            raise Unreadable(f"{kind_words(segment.get(1))}, and only {kind} is read", segment.place(1))
    return _transactions(found, separators)


def read_separators(text: str) -> Separators:
    """From the ISA: the character after its name, ISA11, ISA16 and what follows it."""
    if not text.startswith("ISA") or len(text) < 20:
        raise Unreadable("does not begin with an ISA segment")
    element = text[3]
    if element.isalnum() or element.isspace():
        raise Unreadable("has no element separator after ISA", "segment 1, ISA")
    parts = text[:400].split(element, ISA_ELEMENTS)
    if len(parts) <= ISA_ELEMENTS or len(parts[ISA_ELEMENTS]) < 2:
        raise Unreadable("has fewer than 16 elements", "segment 1, ISA")
    component, terminator = parts[ISA_ELEMENTS][0], parts[ISA_ELEMENTS][1]
    repetition = parts[11].strip()
    if parts[12].strip() != "00501":
        raise Unreadable("is of another version than 00501, which is the one read here", "segment 1, ISA12")
    if len(repetition) != 1:
        raise Unreadable("is not one character", "segment 1, ISA11")
    chosen = [element, component, repetition, terminator]
    if len(set(chosen)) != len(chosen) or any(c.isalnum() or c == " " for c in chosen):
        raise Unreadable("names separators that cannot be told apart", "segment 1, ISA")
    return Separators(element, component, repetition, terminator)


def split(text: str, separators: Separators) -> list[Segment]:
    """The segments in order. A line break inside one belongs to the paper it was copied from."""
    if text.count(separators.terminator) > MAX_SEGMENTS:
        raise Unreadable("holds more segments than any answer of a payer does")
    rows, rest = text.split(separators.terminator)[:-1], text.rsplit(separators.terminator, 1)[-1]
    if rest.strip():
        raise Unreadable("ends in the middle of a segment", f"segment {len(rows) + 1}")
    found = []
    for number, row in enumerate(rows, start=1):
        name, *elements = row.replace("\r", "").replace("\n", "").lstrip().split(separators.element)
        if not NAME.match(name):
            raise Unreadable("has no segment name", f"segment {number}")
        found.append(Segment(number, name, tuple(elements)))
    return found


def _transactions(found: list[Segment], separators: Separators) -> list[Transaction]:
    _check_interchange(found)
    group: Segment | None = None
    start: int | None = None
    transactions: list[Transaction] = []
    in_group = 0
    for index, segment in enumerate(found[1:-1], start=1):
        if segment.name in ("ISA", "IEA"):
            raise Unreadable("is a second interchange in one file", segment.place())
        if segment.name == "GS":
            _need(group is None, "opens a group inside a group", segment)
            group, in_group = segment, 0
        elif segment.name == "GE":
            _need(group is not None and start is None, "closes a group that is not open", segment)
            _need(group is not None and segment.get(2) == group.get(6), "names another group", segment, 2)
            _need(segment.get(1) == str(in_group), "counts other transactions than there are", segment, 1)
            group = None
        elif segment.name == "ST":
            _need(group is not None and start is None, "opens a transaction where none may begin", segment)
            start = index
        elif segment.name == "SE":
            _need(start is not None, "closes a transaction that is not open", segment)
            assert start is not None
            assert group is not None
            transactions.append(_transaction(found[start : index + 1], group, separators))
            start, in_group = None, in_group + 1
        elif start is None and segment.name != "TA1":
            raise Unreadable("stands outside a transaction", segment.place())
    _need(
        start is None and group is None, "comes before the transaction and its group were closed", found[-1]
    )
    _need(bool(transactions), "closes an interchange without a transaction", found[-1])
    return transactions


def _check_interchange(found: list[Segment]) -> None:
    if not found or found[-1].name != "IEA":
        raise Unreadable("ends before its closing IEA segment", f"segment {len(found)}")
    if len(found[0].elements) != ISA_ELEMENTS:
        raise Unreadable("does not have 16 elements", "segment 1, ISA")
    _need(found[-1].get(2) == found[0].get(13), "closes another interchange", found[-1], 2)


def _transaction(rows: list[Segment], group: Segment, separators: Separators) -> Transaction:
    start, end = rows[0], rows[-1]
    _need(end.get(2) == start.get(2), "closes another transaction", end, 2)
    _need(end.get(1) == str(len(rows)), "counts other segments than there are", end, 1)
    return Transaction(start.get(1), start.get(3) or group.get(8), tuple(rows[1:-1]), separators)


def _need(holds: bool, reason: str, segment: Segment, position: int = 0) -> None:
    if not holds:
        raise Unreadable(reason, segment.place(position))


def kind_words(kind: str) -> str:
    return KINDS.get(kind, "holds another transaction")


# --- elements -----------------------------------------------------------------------------------------


def read_day(value: str, place: str) -> date:
    """A date from CCYYMMDD, or the date of CCYYMMDDHHMM."""
    if not re.match(r"^\d{8}(\d{4})?$", value):
        raise Unreadable("is not a date (CCYYMMDD)", place)
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:8]))
    except ValueError as error:
        raise Unreadable("is not a date (CCYYMMDD)", place) from error


def read_period(segment: Segment) -> tuple[date, date | None]:
    """(first day, last day or None) of a DTP segment."""
    form, value, place = segment.get(2), segment.get(3), segment.place(3)
    if form in ("D8", "DT"):
        return read_day(value, place), None
    if form == "RD8":
        first, _dash, last = value.partition("-")
        period = (read_day(first, place), read_day(last, place))
        if period[1] < period[0]:
            raise Unreadable("ends before it begins", place)
        return period
    raise Unreadable("is a form of date that is not read (D8, RD8 or DT)", segment.place(2))


def read_quantity(segment: Segment, position: int, most: int) -> int | None:
    """A whole number, None when the element is empty."""
    value = segment.get(position)
    if not value:
        return None
    if not re.match(r"^\d{1,9}(\.0*)?$", value) or int(float(value)) > most:
        raise Unreadable("is not a whole number of units", segment.place(position))
    return int(float(value))
