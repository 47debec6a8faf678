"""A record as a tagged PDF for people (PDF/UA-1, US Letter), in the reader's language.

typst sets it from one fixed file; what is in the record goes in as JSON and is never part of the source.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from coordinator.paper import plain, typeset
from coordinator.record.gather import Record
from coordinator.record.sections import day_words, moment_words, sections_of
from coordinator.wording import language_name

SOURCE = Path(__file__).with_name("record.typ")
# Scripts that the fonts shipped with typst can show. The rest is counted and said.
SHOWN = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "COMBINING", "MODIFIER")


def pdf_of(record: Record, purpose: str) -> bytes:
    """The PDF. `purpose` is said on the first page. Times are those of the patient's place."""
    with timezone.override(record.patient.site.tzinfo):
        data = pages_of(record, purpose)
    return typeset(SOURCE, data)


def pages_of(record: Record, purpose: str) -> dict[str, Any]:
    """What the typst file draws: plain texts, titles, tables."""
    p = record.patient
    who = _("%(name)s, born %(born)s, MRN %(mrn)s") % {
        "name": plain(str(p)),
        "born": day_words(p.birth_date) or _("not recorded"),
        "mrn": plain(p.mrn),
    }
    sections = list(sections_of(record))
    notices = [plain(text) for text in record.notices]
    if not all(shows(cell) for cell in _texts([sections, plain(str(p))])):
        notices.append(
            _(
                "Some characters of this record cannot be shown in this file and stand as empty boxes. They are in the electronic record."
            )
        )
    return {
        "title": _("Patient record"),
        "author": plain(p.site.name),
        "lang": (translation.get_language() or "en")[:2],
        "who": who,
        "warning": _("Contains patient information"),
        "made": _("Made %(when)s") % {"when": moment_words(record.now)},
        "page": _("Page"),
        "notices": notices,
        "identity": _identity(record, purpose),
        "sections": sections,
    }


def shows(text: str) -> bool:
    return all(_shows(character) for character in set(text))


@lru_cache(maxsize=4096)
def _shows(character: str) -> bool:
    if ord(character) < 0x250:
        return True
    if unicodedata.category(character)[0] in "PZNS" and ord(character) < 0x2300:
        return True
    return unicodedata.name(character, "").startswith(SHOWN)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _identity(record: Record, purpose: str) -> list[list[str]]:
    p = record.patient
    address = ", ".join(
        part for part in (p.address_line, p.city, f"{p.state} {p.postal_code}".strip(), p.country) if part
    )
    language = language_name(p.language) if p.language else _("Not recorded")
    interpreter = _("interpreter needed") if p.interpreter_needed else ""
    rows = [
        (
            _("Name"),
            " ".join(n for n in (p.prefix, p.given_name, p.middle_name, p.family_name, p.suffix) if n),
        ),
        (_("Goes by"), p.preferred_name),
        (_("Former family name"), p.former_family_name),
        (_("Date of birth"), day_words(p.birth_date) or _("Not recorded")),
        (_("Sex"), p.get_sex_display()),
        (_("Gender identity"), p.gender_identity),
        (_("MRN"), p.mrn),
        (
            _("Other numbers"),
            ", ".join(f"{n.kind} {n.value}".strip() for n in record.identifiers if n.value != p.mrn),
        ),
        (_("Language"), ", ".join(part for part in (language, interpreter) if part)),
        (_("Address"), address),
        (_("Standing"), p.get_status_display()),
        (_("Died"), day_words(p.deceased_on)),
        (_("Place"), p.site.name),
        (_("Coordinator"), p.coordinator or ""),
        (_("Primary care"), p.primary_care or ""),
        (_("Made for"), purpose),
        (_("Made by"), record.user),
    ]
    return [[str(label), plain(value)] for label, value in rows if str(value)]
