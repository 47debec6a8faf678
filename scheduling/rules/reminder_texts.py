"""What a reminder says: practice, first name, day and time, telephone, and how to stop. Nothing else. Pure.

The wording is in templates/messages/. A template has named gaps only, and only those in GAPS: it cannot reach a
diagnosis, a specialty, a reason or a provider. `problems()` also reads the fixed words; a system check runs it over
every template, so a bad one stops the site from starting.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

from coordinator import wording
from coordinator.messaging.segments import length, plain

FOLDER = "messages"
LANGUAGES = ("en", "es")
FALLBACK = "en"
GAPS = frozenset({"practice", "first", "visit", "phone"})
# What a message must hold: who sends it, how to reach them, and the way out (or back).
NEEDED = {
    "visit_reminder": ("{practice}", "{phone}", "STOP"),
    "opt_out_confirmation": ("{practice}", "{phone}", "START"),
}
MOST_TIMES = 2  # times of day named when there are several visits

# Words that would tell a stranger who reads the screen what the visit is about.
TELLING = re.compile(
    r"\b(diagnos\w*|diabet\w*|cancer\w*|tumou?r\w*|oncolog\w*|cardiolog\w*|psychiatr\w*|psycholog\w*|psiquiatr\w*|"
    r"psicolog\w*|therap\w*|terapia\w*|counsel\w*|hiv|vih|aids|sida|std|sti|pregnan\w*|embaraz\w*|prenatal|obstetric\w*|"
    r"gynecolog\w*|ginecolog\w*|abort\w*|addict\w*|adicci\w*|substance|methadone|metadona|suboxone|alcohol\w*|drug\w*|"
    r"droga\w*|dialysis|dialisis|surger\w*|cirug\w*|screening|test|prueba|lab|labs|laboratori\w*|result\w*|vaccin\w*|"
    r"vacuna\w*|mammogra\w*|colonoscop\w*|biops\w*|x-ray|mri|medication\w*|medicament\w*|prescription\w*|receta|"
    r"dr|doctor\w*|nurse|enfermer\w*|specialist\w*|especialista|clinic for|reason|motivo|because|bill\w*|factura\w*|"
    r"pay\w*|pago|balance|insurance|seguro|https?|www)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Text:
    """A finished message. `subject` is for e-mail; `language` is the one it was written in."""

    subject: str
    body: str
    language: str


@dataclass(frozen=True)
class Sender:
    """The practice as a message names it. Without a telephone no lawful message can be written."""

    name: str
    short_name: str
    phone: str

    @property
    def is_complete(self) -> bool:
        return bool((self.short_name or self.name).strip() and self.phone.strip())


def reminder(
    *,
    channel: str,
    language: str,
    sender: Sender,
    first_name: str,
    starts: Sequence[datetime],
    zone: str,
    time_known: bool = True,
) -> Text:
    """The reminder of one or more visits on one local day (`starts` in order; the zone is the place's).

    A text message always fits one segment: 160 characters of the GSM alphabet.
    """
    spoken = language_for(language)
    phone = wording.phone(sender.phone)
    if channel == "email":
        return _email(spoken, sender, first_name, _visit_long(starts, zone, time_known, spoken), phone)
    template = load("visit_reminder", "sms", spoken)
    short = _visit_short(starts, zone, time_known, spoken)
    return Text("", _shortest_needed(template, sender, first_name, short, phone), spoken)


def notice(name: str, *, language: str, sender: Sender) -> Text:
    """A text message that names nobody, such as the one confirmation after STOP."""
    spoken = language_for(language)
    template = load(name, "sms", spoken)
    phone = wording.phone(sender.phone)
    return Text("", _shortest_needed(template, sender, "", "", phone), spoken)


def language_for(code: str) -> str:
    """ "es" for "es-MX"; English for a language without reviewed wording."""
    base = code.split("-")[0].lower()
    return base if base in LANGUAGES else FALLBACK


# --- text messages --------------------------------------------------------------------------------------


def _shortest_needed(template: str, sender: Sender, first_name: str, visit: str, phone: str) -> str:
    """The fullest wording that fits: long name of the practice, short name, without the first name, cut short."""
    first = single_line(first_name)
    names = [single_line(n) for n in (sender.name, sender.short_name or sender.name)]
    tries = [(name, given) for given in dict.fromkeys((first, "")) for name in names]
    tries += [(names[1][:size], "") for size in range(40, 0, -5)]
    text = ""
    for practice, given in tries:
        text = plain(_fill(template, practice=practice, first=given, visit=visit, phone=phone))
        if length(text).gsm and length(text).fits:
            return text
    # Letters that no plain spelling has (another script): what the gaps hold is dropped, the rest stays.
    kept = "".join(c for c in text if length(c).gsm)
    return kept[:160]


def _fill(template: str, **gaps: str) -> str:
    """Fill the gaps; an empty first name takes the comma after it along."""
    if not gaps["first"]:
        template = template.replace("{first}, ", "").replace(" {first}", "")
    return template.format_map(gaps).strip()


def _visit_short(starts: Sequence[datetime], zone: str, time_known: bool, language: str) -> str:
    local = [start.astimezone(ZoneInfo(zone)) for start in starts]
    day, one, many = local[0], *VISIT[language]
    weekday, month = WEEKDAYS[language][day.weekday()], MONTHS[language][day.month - 1]
    date = f"{weekday} {day.day} {month}" if language == "es" else f"{weekday} {month} {day.day}"
    noun = many if len(starts) > 1 else one
    return f"{noun} {date} {_times(local, language)}" if time_known else f"{noun} {date}"


def _times(local: Sequence[datetime], language: str) -> str:
    joined = {"en": " and ", "es": " y "}[language]
    return joined.join(dict.fromkeys(_time(moment, language) for moment in local[:MOST_TIMES]))


def _time(moment: datetime, language: str) -> str:
    if language == "es":
        return f"{moment.hour}:{moment.minute:02d}"
    return f"{(moment.hour + 11) % 12 + 1}:{moment.minute:02d} {'AM' if moment.hour < 12 else 'PM'}"


VISIT = {"en": ("visit", "visits"), "es": ("cita", "citas")}
WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "es": ("lun", "mar", "mie", "jue", "vie", "sab", "dom"),  # unmarked letters: they fit the GSM alphabet
}
MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
}

# --- e-mail -----------------------------------------------------------------------------------------------

LONG_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
LONG_MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "es": (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
        *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
}


def _email(language: str, sender: Sender, first_name: str, visit: str, phone: str) -> Text:
    template = load("visit_reminder", "email", language)
    subject, _newline, body = template.partition("\n")
    gaps = {
        "practice": single_line(sender.name),
        "first": single_line(first_name),
        "visit": visit,
        "phone": phone,
    }
    return Text(_fill(subject, **gaps)[:120], _fill(body, **gaps) + "\n", language)


def _visit_long(starts: Sequence[datetime], zone: str, time_known: bool, language: str) -> str:
    local = [start.astimezone(ZoneInfo(zone)) for start in starts]
    day = local[0]
    weekday, month = LONG_WEEKDAYS[language][day.weekday()], LONG_MONTHS[language][day.month - 1]
    if language == "es":
        date = f"cita el {weekday} {day.day} de {month} de {day.year}"
        return f"{date} a las {_times(local, language)}" if time_known else date
    date = f"visit on {weekday}, {month} {day.day}, {day.year}"
    return f"{date} at {_times(local, language)}" if time_known else date


# --- templates ----------------------------------------------------------------------------------------------


def single_line(value: str) -> str:
    """Without line breaks and control characters: a name must not be able to start a new line of a mail."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in value)
    return " ".join("".join(kept).split())


def folder() -> Path:
    return Path(settings.BASE_DIR) / "templates" / FOLDER


@cache
def load(name: str, channel: str, language: str) -> str:
    """The wording of one message. Raises FileNotFoundError when there is none."""
    return (folder() / f"{name}.{channel}.{language}.txt").read_text(encoding="utf-8").strip()


def has_wording(name: str, channel: str) -> bool:
    return (folder() / f"{name}.{channel}.{FALLBACK}.txt").is_file()


def problems(name: str, channel: str, text: str) -> Iterator[str]:
    """What is wrong with a template, in plain sentences; nothing when it may be used."""
    try:
        gaps = {name for _t, name, spec, conversion in string.Formatter().parse(text) if name is not None}
        odd = [1 for _t, name, spec, conversion in string.Formatter().parse(text) if spec or conversion]
    except ValueError:
        yield "A gap is not closed."
        return
    if odd or gaps - GAPS:
        yield f"Only these gaps are allowed: {', '.join(sorted(GAPS))}."
    for needed in NEEDED[name]:
        if needed not in text:
            yield f"{needed} is missing."
    if found := TELLING.search(re.sub(r"\{\w*\}", "", text)):
        yield f"“{found.group()}” tells too much about the visit."
    if channel == "sms":
        filled = plain(
            text.replace("{practice}", "Riverbend Care").replace("{first}", "Alexandra")
            .replace("{visit}", "visits Wed Nov 25 10:30 AM and 12:45 PM").replace("{phone}", "(612) 555-0143")
        )  # fmt: skip
        if not length(filled).fits or not length(filled).gsm:
            yield f"Filled in, it has {length(filled).units} characters and does not fit one text message."


def every_template() -> Iterator[tuple[str, str, str, str]]:
    """(name, channel, language, text) of every wording."""
    for path in sorted(folder().glob("*.*.*.txt")):
        name, channel, language, _txt = path.name.split(".")
        yield name, channel, language, path.read_text(encoding="utf-8")
