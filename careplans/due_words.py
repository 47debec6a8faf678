"""A day as people type it: "tomorrow", "mon", "+3d", "in 2 weeks", "nov 30 3pm". Pure: no clock on the wall."""

from __future__ import annotations

import re
from datetime import date, time, timedelta

from django.utils.translation import gettext as _

from coordinator.clocks.rules import add_months

# English and Spanish side by side: people mix them, and no word means two things.
DAYS = {"today": 0, "hoy": 0, "tomorrow": 1, "tmr": 1, "tom": 1, "mañana": 1, "manana": 1}
WEEKDAYS = (
    ("mon", "monday", "lun", "lunes"),
    ("tue", "tues", "tuesday", "martes"),
    ("wed", "wednesday", "mié", "mie", "miércoles", "miercoles"),
    ("thu", "thur", "thurs", "thursday", "jue", "jueves"),
    ("fri", "friday", "vie", "viernes"),
    ("sat", "saturday", "sáb", "sab", "sábado", "sabado"),
    ("sun", "sunday", "dom", "domingo"),
)
MONTHS = (
    ("jan", "january", "ene", "enero"),
    ("feb", "february", "febrero"),
    ("mar", "march", "marzo"),
    ("apr", "april", "abr", "abril"),
    ("may", "mayo"),
    ("jun", "june", "junio"),
    ("jul", "july", "julio"),
    ("aug", "august", "ago", "agosto"),
    ("sep", "sept", "september", "septiembre"),
    ("oct", "october", "octubre"),
    ("nov", "november", "noviembre"),
    ("dec", "december", "dic", "diciembre"),
)
UNITS = {
    "d": ("d", "day", "days", "día", "dia", "días", "dias"),
    "w": ("w", "wk", "wks", "week", "weeks", "sem", "semana", "semanas"),
    "m": ("m", "mo", "month", "months", "mes", "meses"),
}
ONE = ("a", "an", "one", "un", "una")
AHEAD = re.compile(r"(?:\+|in |en )?\s*(\d{1,3}|a|an|one|un|una)\s*([a-zí]+)")
CLOCK = re.compile(r"(?:^|\s)(?:at |a las )?(?:(\d{1,2}):(\d{2})\s*(am|pm)?|(\d{1,2})\s*(am|pm))$")
FURTHEST = timedelta(days=730)


def read_due(text: str, today: date) -> tuple[date, time | None]:
    """The day that was typed, and the hour if one was. `today` is the local day.

    A weekday is the next one, never today; "next" before it changes nothing. A day without a year is the next such
    day. Raises ValueError with a sentence for what is not understood, is past, or is more than two years ahead.
    """
    words = " ".join(text.casefold().replace(",", " ").replace(".", " ").split())
    clock, found = CLOCK.search(words), None
    hour = _hour(clock) if clock else None
    rest = words[: clock.start()].strip() if clock else words
    if not rest and hour is not None:
        found = today
    for read in (_word, _weekday, _ahead, _written):
        found = found or read(rest, today)
    if found is None or (clock and hour is None):
        raise ValueError(
            _("“%(text)s” is not understood. Try tomorrow, mon, +3d, in 2 weeks or Nov 30.") % {"text": text}
        )
    if found < today:
        raise ValueError(_("That day is past. Choose today or a later day."))
    if found - today > FURTHEST:
        raise ValueError(_("Choose a day within two years of today."))
    return found, hour


def _hour(found: re.Match[str]) -> time | None:
    hour, minute, half = int(found[1] or found[4]), int(found[2] or 0), found[3] or found[5]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _word(text: str, today: date) -> date | None:
    return today + timedelta(days=DAYS[text]) if text in DAYS else None


def _weekday(text: str, today: date) -> date | None:
    word = re.sub(r"^(next|on|el|próximo|proximo) ", "", text)
    number = next((n for n, names in enumerate(WEEKDAYS) if word in names), None)
    return None if number is None else today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)


def _ahead(text: str, today: date) -> date | None:
    match = AHEAD.fullmatch(text)
    if match is None:
        return None
    count = 1 if match[1] in ONE else int(match[1])
    unit = next((unit for unit, names in UNITS.items() if match[2] in names), "")
    if unit == "m":
        return add_months(today, count)
    return today + timedelta(days=count * {"d": 1, "w": 7}[unit]) if unit else None


def _written(text: str, today: date) -> date | None:
    """2026-11-30, 11/30, 11/30/2026, nov 30, 30 de nov, 30 nov 2026."""
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    if match := re.fullmatch(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?", text):
        return _next(match[3], int(match[1]), int(match[2]), today)
    for pattern, month_at, day_at in (
        (r"([a-z]+) (\d{1,2})(?: (\d{4}))?", 1, 2),
        (r"(\d{1,2}) (?:de )?([a-z]+)(?: (?:de )?(\d{4}))?", 2, 1),
    ):
        if match := re.fullmatch(pattern, text):
            month = next((n for n, names in enumerate(MONTHS, 1) if match[month_at] in names), None)
            return _next(match[3], month, int(match[day_at]), today) if month else None
    return None


def _next(year: str | None, month: int, day: int, today: date) -> date | None:
    """That day of the named year, else the next one that exists."""
    if year:
        return _date(int(year), month, day)
    found = (_date(today.year + ahead, month, day) for ahead in range(9))
    return next((one for one in found if one and one >= today), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
