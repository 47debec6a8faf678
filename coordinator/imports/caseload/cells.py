"""One row of a table as what a registration takes: values read by fixed rules, or refused by column and reason."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coordinator.imports.caseload.columns import LABELS
from coordinator.wording import LANGUAGES
from patients.models import Coverage, Patient
from patients.rules import text
from patients.rules.text import fold
from patients.services.contacts import written_forms
from patients.services.entries import clean

MDY, DMY = "mdy", "dmy"
ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]00:00(?::00)?)?$", re.ASCII)
YEAR_FIRST = re.compile(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})$", re.ASCII)
NUMBERED = re.compile(r"^(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{2}|\d{4})$", re.ASCII)
SEXES = {
    **dict.fromkeys(("f", "female", "woman", "mujer", "femenino", "femenina"), "female"),
    **dict.fromkeys(("m", "male", "man", "hombre", "masculino", "varon"), "male"),
    **dict.fromkeys(("o", "x", "other", "otro", "otra", "nonbinary", "non binary"), "other"),
    **dict.fromkeys(("", "u", "unknown", "desconocido", "no registrado", "not recorded"), "unknown"),
}
YES = frozenset({"y", "yes", "true", "t", "1", "x", "si", "s", "verdadero", "ok"})
NO = frozenset({"", "n", "no", "false", "f", "0", "falso"})
LANGUAGE_WORDS = {
    "amarico": "am", "arabe": "ar", "ingles": "en", "espanol": "es", "castellano": "es", "frances": "fr",
    "criollo haitiano": "ht", "creole": "ht", "coreano": "ko", "portugues": "pt", "ruso": "ru", "somali": "so",
    "tagalo": "tl", "vietnamita": "vi", "chino": "zh", "mandarin": "zh", "cantonese": "zh",
    "amharic": "am", "arabic": "ar", "english": "en", "spanish": "es", "french": "fr", "hmong": "hmn",
    "haitian creole": "ht", "korean": "ko", "oromo": "om", "portuguese": "pt", "russian": "ru",
    "tagalog": "tl", "vietnamese": "vi", "chinese": "zh",
}  # fmt: skip
CODE = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$", re.ASCII)
DETAILS = (
    "family_name",
    "given_name",
    "middle_name",
    "preferred_name",
    "birth_date",
    "sex",
    "language",
    "interpreter_needed",
    "address_line",
    "city",
    "state",
    "postal_code",
)
PHONES = {"mobile_phone": "mobile", "home_phone": "home", "work_phone": "work"}
FIRST_YEAR = 1900


class Refused(ValueError):
    """This value is not taken; the sentence says why and never repeats it."""


@dataclass
class Person:
    """A row that was read. `values` is what is kept of it (plain JSON); `problems` are (field, reason)."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Places:
    """What a row may name: sites by folded name, and who may coordinate at each, by e-mail."""

    default: str
    sites: Mapping[str, str]  # folded name or short name -> key
    coordinators: Mapping[tuple[str, str], int]  # (site's key, e-mail in lower case) -> user's key


def read_day(typed: str, order: str) -> datetime.date | None:
    """A calendar day: 1958-03-14, or numbers in the file's `order` ("mdy" or "dmy"). Raises Refused."""
    typed = typed.strip()
    if not typed:
        return None
    if match := ISO.match(typed) or YEAR_FIRST.match(typed):
        year, month, day = (int(part) for part in match.groups())
    elif match := NUMBERED.match(typed):
        one, two, last = match.groups()
        if len(last) == 2:
            raise Refused(_("Write the year with four digits."))
        if order not in (MDY, DMY):
            raise Refused(_("Say whether the month or the day comes first."))
        month, day = (int(one), int(two)) if order == MDY else (int(two), int(one))
        year = int(last)
    else:
        raise Refused(_("Write the date with numbers, such as 1958-03-14 or 3/14/1958."))
    try:
        return datetime.date(year, month, day)
    except ValueError:
        raise Refused(_("This date does not exist.")) from None


def date_order(values: Iterable[str]) -> tuple[str, str]:
    """(order that the values prove or "", an example that could be read both ways or "").

    A number above 12 proves what it is. Values that prove both orders prove none: then somebody has to choose.
    """
    proofs, example = set(), ""
    for value in values:
        match = NUMBERED.match(value.strip())
        if not match:
            continue
        one, two = int(match[1]), int(match[2])
        if one > 12 >= two:
            proofs.add(DMY)
        elif two > 12 >= one:
            proofs.add(MDY)
        elif one != two:
            example = example or value.strip()
    return (proofs.pop() if len(proofs) == 1 else ""), example


def read_row(
    line: int,
    cells: list[str],
    width: int,
    columns: Mapping[str, int],
    order: str,
    places: Places,
    today: datetime.date,
) -> Person:
    """Read one row. The same checks as a registration by hand: what fails is named by column and reason."""
    person = Person(line)
    if any(cell.strip() for cell in cells[width:]):
        person.problems.append(("", _("This row has more cells than the header.")))
    row = {name: cells[number] for name, number in columns.items()}
    _details(person, row, order, today)
    _contacts(person, row)
    _coverage(person, row)
    _where(person, row, places)
    _take(person, row, "next_contact", lambda typed: _coming_day(typed, order, today))
    return person


def _take(person: Person, row: Mapping[str, str], name: str, read: Any) -> None:
    if name not in row:
        return
    try:
        value = read(row[name])
    except (Refused, text.Unfit) as error:
        person.problems.append((name, str(error)))
    except ValidationError as error:
        person.problems.append((name, " ".join(error.messages)))
    else:
        if value not in (None, ""):
            person.values[name] = value.isoformat() if isinstance(value, datetime.date) else value


def _details(person: Person, row: Mapping[str, str], order: str, today: datetime.date) -> None:
    readers = {
        "birth_date": lambda typed: _birth_day(typed, order, today),
        "sex": read_sex,
        "language": read_language,
        "interpreter_needed": read_yes,
    }
    for name in DETAILS:
        plain = lambda typed, name=name: clean(Patient, {name: typed})[name]  # noqa: E731
        _take(person, row, name, readers.get(name, plain))
    _take(person, row, "mrn", lambda typed: clean(Patient, {"mrn": typed})["mrn"] if typed.strip() else "")
    named = {name for name, _reason in person.problems}
    if not {"family_name", "given_name"} & (set(person.values) | named):
        person.problems.append(("family_name", _("Enter a name.")))
    if not {"birth_date"} & (set(person.values) | named):
        person.problems.append(("birth_date", _("Enter the date of birth")))


def _birth_day(typed: str, order: str, today: datetime.date) -> datetime.date | None:
    day = read_day(typed, order)
    if day and day > today:
        raise Refused(_("The date of birth cannot be in the future."))
    if day and day.year < FIRST_YEAR:
        raise Refused(_("Check the year of birth."))
    return day


def _coming_day(typed: str, order: str, today: datetime.date) -> datetime.date | None:
    day = read_day(typed, order)
    if day and not today - datetime.timedelta(days=366) <= day <= today + datetime.timedelta(days=3 * 366):
        raise Refused(_("The next contact has to be within three years from now, or at most a year ago."))
    return day


def read_sex(typed: str) -> str:
    found = SEXES.get(fold(typed))
    if found is None:
        raise Refused(_("Write female, male, other or unknown."))
    return found


def read_yes(typed: str) -> bool:
    word = fold(typed)
    if word not in YES | NO:
        raise Refused(_("Write yes or no."))
    return word in YES


def read_language(typed: str) -> str:
    """A code such as es or es-MX, or a language's name in English or Spanish."""
    word = fold(typed)
    if not word:
        return ""
    names = {fold(str(name)): code for code, name in LANGUAGES.items()}
    code = LANGUAGE_WORDS.get(word) or names.get(word) or (typed.strip() if CODE.match(typed.strip()) else "")
    if not code:
        raise Refused(_("Write a language such as Spanish, or its code such as es."))
    return code


def _contacts(person: Person, row: Mapping[str, str]) -> None:
    for name in ("ok_to_message", "ok_to_leave_voicemail", "email_ok"):
        _take(person, row, name, read_yes)
    for name in (*PHONES, "email"):
        kind = "email" if name == "email" else "phone"
        _take(
            person,
            row,
            name,
            lambda typed, kind=kind: written_forms(kind, typed)["value"] if typed.strip() else "",
        )


def _coverage(person: Person, row: Mapping[str, str]) -> None:
    for name in ("payer_name", "plan_name", "member_id"):
        _take(
            person,
            row,
            name,
            lambda typed, name=name: clean(Coverage, {name: typed})[name] if typed.strip() else "",
        )
    if {"plan_name", "member_id"} & set(person.values) and "payer_name" not in person.values:
        person.problems.append(
            ("payer_name", _("Enter the payer that the plan or member number belongs to."))
        )


def _where(person: Person, row: Mapping[str, str], places: Places) -> None:
    site = places.default
    typed = fold(row.get("site", ""))
    if typed:
        site = places.sites.get(typed, "")
        if not site:
            person.problems.append(("site", _("You work at no place of this name.")))
    person.values["site"] = site
    email = row.get("coordinator", "").strip().lower()
    if email and site:
        user = places.coordinators.get((site, email))
        if user is None:
            person.problems.append(
                ("coordinator", _("Nobody with this e-mail address can coordinate care at this place."))
            )
        else:
            person.values["coordinator"] = user


def sentence(problems: Iterable[Any]) -> str:
    """All reasons of a row in one line, for the file of rows to mend."""
    return " ".join(
        f"{LABELS[name]}: {reason}" if name in LABELS else str(reason) for name, reason in problems
    )


def rows_in_words(count: int) -> str:
    return ngettext("%(count)d row", "%(count)d rows", count) % {"count": count}
