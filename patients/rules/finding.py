"""What somebody means who types into the one search box: name parts, a birth date, a number.

Pure: text and today's date in, a `Wanted` out. It says what to look for, not how (patients.selectors).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from patients.rules.text import fold

LONGEST = 100  # characters of a query that are read
EARLIEST = datetime.date(1870, 1, 1)  # no birth date is read as one before
Span = tuple[datetime.date, datetime.date]  # from and to, both included

MONTHS = {
    **dict.fromkeys(("jan", "january", "ene", "enero"), 1),
    **dict.fromkeys(("feb", "february", "febrero"), 2),
    **dict.fromkeys(("mar", "march", "marzo"), 3),
    **dict.fromkeys(("apr", "april", "abr", "abril"), 4),
    **dict.fromkeys(("may", "mayo"), 5),
    **dict.fromkeys(("jun", "june", "junio"), 6),
    **dict.fromkeys(("jul", "july", "julio"), 7),
    **dict.fromkeys(("aug", "august", "ago", "agosto"), 8),
    **dict.fromkeys(("sep", "sept", "september", "septiembre", "set", "setiembre"), 9),
    **dict.fromkeys(("oct", "october", "octubre"), 10),
    **dict.fromkeys(("nov", "november", "noviembre"), 11),
    **dict.fromkeys(("dec", "december", "dic", "diciembre"), 12),
}
_MONTH = "(" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_YEAR = r"(\d{4}|\d{2})"
DAY_MONTH_YEAR = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?[\s\-./]*(?:de\s+)?{_MONTH},?[\s\-./]*(?:de\s+)?{_YEAR}\b"
)
MONTH_DAY_YEAR = re.compile(rf"\b{_MONTH}[\s\-./]*(\d{{1,2}})(?:st|nd|rd|th)?,?[\s\-./]+{_YEAR}\b(?![-./]\d)")
YEAR_FIRST = re.compile(r"(?<![\d-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d-])")
YEAR_LAST = re.compile(
    r"(?<![\d-])(?P<a>\d{1,2})(?P<by>[-/.])(?P<b>\d{1,2})(?P=by)(?P<year>\d{4}|\d{2})(?![\d-])"
)
YEAR_LAST_BLANKS = re.compile(
    r"(?<![\d\s.-])\s*\b(?P<a>\d{1,2}) (?P<b>\d{1,2}) (?P<year>\d{4})\b(?!\s*[\d-])"
)
# Parts of a birth date, read only beside a name. A month that is a given name too stays one beside a year: "May 1958".
_SAFE_MONTH = rf"(?!(?:may|april|june|august|jan|abril|julio|mayo)\b){_MONTH}"
MONTH_OF_YEAR = re.compile(rf"\b{_SAFE_MONTH},?[\s\-./]*(?:de\s+)?(\d{{4}})\b")
DAY_OF_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?[\s\-./]*(?:de\s+)?{_MONTH}(?!\w)")
MONTH_AND_DAY = re.compile(rf"\b{_MONTH}[\s\-./]*(\d{{1,2}})(?:st|nd|rd|th)?\b")
TWO_PARTS = re.compile(r"(?<![\d/.-])(\d{1,2})[/-](\d{4}|\d{1,2})(?![\d/.-])")
OLDEST = 120  # years; for a day without a year

TELEPHONE = re.compile(r"\+?\(?\d[\d\s().\-/]{5,}\d")


@dataclass(frozen=True)
class Number:
    """Digits that may be several things: the end of a phone, a record or member number, a birth date."""

    digits: str
    codes: tuple[str, ...] = ()  # upper case, to be met exactly
    born: tuple[Span, ...] = ()

    @property
    def could_be_phone(self) -> bool:
        return self.digits.isdigit() and 4 <= len(self.digits) <= 15


@dataclass(frozen=True)
class Wanted:
    """Everything here must hold; inside `born` and inside each number one alternative is enough."""

    words: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    born: tuple[Span, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.numbers or self.born)

    @property
    def birth_spans(self) -> tuple[Span, ...]:
        """Every birth date that may be meant, written as a date or as bare digits."""
        return (*self.born, *[span for number in self.numbers for span in number.born])

    @property
    def birth_day(self) -> datetime.date | None:
        """The whole birth date that was typed, if one was; the later century of a year of two digits."""
        days = [first for first, last in self.birth_spans if first == last]
        return days[0] if 0 < len(days) <= 2 else None


def read_query(text: str, today: datetime.date) -> Wanted:
    """Read a query. Dates are read as in the United States (month first) unless that is impossible."""
    text = text.replace("\x00", " ")[:LONGEST].encode("utf-8", "ignore").decode().strip()
    rest, born = _take_dates(text.casefold(), today)
    if not born:
        rest, born = _take_part_of_date(rest, today)
    rest, numbers = _take_phones(rest)
    words: list[str] = []
    tokens = rest.split()
    for token in tokens:
        if any(c.isdigit() for c in token):
            numbers.append(_number(token, today, with_name=len(tokens) > 1))
        else:
            words += fold(token).split()
    if not words and (len(numbers) > 1 or born) and not (numbers and born):
        # "004 812 907" is one number written with blanks; a date may be somebody's record number.
        return Wanted(numbers=(Number("".join(n.digits for n in numbers), _codes(text), born),))
    return Wanted(tuple(dict.fromkeys(words)), tuple(numbers), born)


def _codes(text: str) -> tuple[str, ...]:
    plain = text.strip().upper()
    joined = re.sub(r"[\s\-.]", "", plain)
    # People leave out the zeros in front of a record number.
    padded = (
        [joined.zfill(n) for n in range(len(joined) + 1, 13)] if joined.isdigit() and len(joined) >= 6 else []
    )
    return tuple(dict.fromkeys((plain, joined, *padded)))


def _number(token: str, today: datetime.date, *, with_name: bool) -> Number:
    digits = re.sub(r"\D", "", token) if not re.search(r"[^\d().\-+/#]", token) else ""
    born: list[Span] = []
    if len(digits) == 4 and with_name and 1900 <= int(digits) <= today.year:
        born.append((datetime.date(int(digits), 1, 1), datetime.date(int(digits), 12, 31)))
    if len(digits) == 6 and with_name and token.isdigit():
        born += _spans(digits[4:], digits[:2], digits[2:4], today)
    if len(digits) == 8:
        born += _spans(digits[4:], digits[:2], digits[2:4], today)
        born += _spans(digits[:4], digits[4:6], digits[6:], today)
    return Number(digits, _codes(token.strip(".,;:#()")), tuple(born))


def _take_phones(text: str) -> tuple[str, list[Number]]:
    """Groups of digits that together are a telephone number: 7, 10 or 11 digits, or with a plus."""
    found: list[Number] = []

    def take(match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match[0])
        separated = len(digits) != len(match[0])
        if separated and (len(digits) in (7, 10, 11) or match[0].startswith("+")):
            found.append(Number(digits, _codes(match[0])))
            return " "
        return match[0]

    return TELEPHONE.sub(take, text), found


def _take_dates(text: str, today: datetime.date) -> tuple[str, tuple[Span, ...]]:
    """The text without its first date, and what that date may mean."""
    for match, readings in _readings(text):
        born = tuple(dict.fromkeys(span for reading in readings for span in _spans(*reading, today)))
        if born:
            return f"{text[: match.start()]} {text[match.end() :]}", born
    return text, ()


def _readings(text: str) -> Iterator[tuple[re.Match[str], list[tuple[str, str, str]]]]:
    """Each possible date with its readings as (year, month, day)."""
    plain = text if text.isascii() else _own_digits(text)
    if match := YEAR_FIRST.search(plain):
        yield match, [(match[1], match[3], match[4])]
    if match := DAY_MONTH_YEAR.search(plain):
        yield match, [(match[3], str(MONTHS[match[2]]), match[1])]
    if match := MONTH_DAY_YEAR.search(plain):
        yield match, [(match[3], str(MONTHS[match[1]]), match[2])]
    for pattern in (YEAR_LAST, YEAR_LAST_BLANKS):
        if match := pattern.search(plain):
            a, b, year = (match[name] for name in ("a", "b", "year"))
            # Month first; day first only when the other cannot be.
            yield match, [(year, a, b)] if int(a) <= 12 else [(year, b, a)]


def _take_part_of_date(text: str, today: datetime.date) -> tuple[str, tuple[Span, ...]]:
    """A month with a year, or a day with a month, when letters stand beside it: "garcia 3/1958", "garcia mar 14"."""
    plain = text if text.isascii() else _own_digits(text)
    for pattern, month_at, other_at in (
        (MONTH_OF_YEAR, 1, 2),
        (DAY_OF_MONTH, 2, 1),
        (MONTH_AND_DAY, 1, 2),
        (TWO_PARTS, 1, 2),
    ):
        match = pattern.search(plain)
        if match is None:
            continue
        rest = f"{text[: match.start()]} {text[match.end() :]}"
        month = MONTHS.get(match[month_at]) or int(match[month_at])
        born = _month_spans(month, match[other_at], today)
        if born and any(c.isalpha() for c in rest):
            return rest, born
    return text, ()


def _month_spans(month: int, other: str, today: datetime.date) -> tuple[Span, ...]:
    """That month of a year, or that day of it in every year; a number that is no day is a year of two digits."""
    if not 1 <= month <= 12:
        return ()
    if len(other) < 4 and 1 <= int(other) <= 31:
        years = range(today.year, today.year - OLDEST, -1)
        return tuple(span for year in years for span in _spans(str(year), str(month), other, today))
    years_meant = [int(other)] if len(other) == 4 else [2000 + int(other), 1900 + int(other)]
    spans = []
    for year in years_meant:
        if EARLIEST.year <= year <= today.year:
            last = (datetime.date(year, month, 28) + datetime.timedelta(days=4)).replace(day=1)
            spans.append((datetime.date(year, month, 1), last - datetime.timedelta(days=1)))
    return tuple(spans)


def _own_digits(text: str) -> str:
    """Digits of other scripts as ours, every other character one for one, so that positions stay."""
    return "".join(str(int(c)) if c.isdecimal() else c for c in text)


def _spans(year: str, month: str, day: str, today: datetime.date) -> list[Span]:
    """One day as a span; both centuries for a year of two digits; nothing when impossible or in the future."""
    years = [int(year)] if len(year) == 4 else [2000 + int(year), 1900 + int(year)]
    spans = []
    for each in years:
        try:
            on = datetime.date(each, int(month), int(day))
        except ValueError:
            continue
        if EARLIEST <= on <= today:
            spans.append((on, on))
    return spans


def name_in(text: str, today: datetime.date) -> tuple[str, str]:
    """(given, family) as typed in a query, for a new record: "Alvarez, Maria" or "maria alvarez 3/14/1958".

    Numbers and the date are left out; all-small letters get capitals.
    """
    rest, born = _take_dates(text[:LONGEST].casefold(), today)
    if not born:
        rest, born = _take_part_of_date(rest, today)
    left = set(rest.replace(",", " ").split()) if born else None
    tokens = [t for t in text[:LONGEST].replace(",", " , ").split() if not any(c.isdigit() for c in t)]
    tokens = [t for t in tokens if t == "," or left is None or t.casefold() in left]
    if "," in tokens:
        at = tokens.index(",")
        family, given = tokens[:at], [t for t in tokens[at:] if t != ","]
    else:
        given, family = tokens[:-1], tokens[-1:]
    return _capital(" ".join(given)), _capital(" ".join(family))


def _capital(name: str) -> str:
    return name.title() if name.islower() else name
