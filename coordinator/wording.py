"""How dates, deadlines, people and telephone numbers are written, everywhere the same.

Pure functions: they take the value, the moment `now` where it matters, and use the active time zone
(the person's site). Nobody can misread "Nov 18, 2026", so nothing here writes 11/18/26.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

from django.conf import settings
from django.utils import dateformat, timezone
from django.utils.formats import get_format
from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

F = TypeVar("F", bound=Callable[..., Any])
HOUR = timedelta(hours=1)
SOON = timedelta(hours=48)  # a rule's deadline nearer than this is amber


# --- dates ------------------------------------------------------------------------------------------


def local(value: datetime) -> datetime:
    """The moment on the clock of the active zone; naive values are taken as they are."""
    return timezone.localtime(value) if timezone.is_aware(value) else value


def local_day(value: date | datetime) -> date:
    return local(value).date() if isinstance(value, datetime) else value


@lru_cache(maxsize=4096)
def _written(value: date | time, name: str, language: str | None) -> str:
    """A day or a time of day by the name of its format. A list writes the same few hundred times over."""
    wanted = get_format(name, language)
    if isinstance(value, time):
        return str(dateformat.time_format(value, wanted))
    return str(dateformat.format(value, wanted))


def as_kept(text: Any) -> str:
    """Words that are stored, in the clinic's language, whoever caused them; they are shown by `gettext`."""
    with override(settings.LANGUAGE_CODE):
        return str(text)


def in_clinic_language(function: F) -> F:
    """For what writes kept words made of parts: everything inside is said in the clinic's language."""

    @wraps(function)
    def saying(*args: Any, **kwargs: Any) -> Any:
        with override(settings.LANGUAGE_CODE):
            return function(*args, **kwargs)

    return cast("F", saying)


def day(value: date | datetime | None) -> str:
    """ "Nov 18, 2026" in the active zone and language; empty for None."""
    return _written(local_day(value), "DATE_FORMAT", get_language()) if value else ""


def _name_of(value: date | datetime) -> str:
    """ "Wed"."""
    return _written(local_day(value), "D", get_language())


def week_day(value: date | datetime | None) -> str:
    """ "Wed, Nov 18, 2026"."""
    return f"{_name_of(value)}, {day(value)}" if value else ""


def short_day(value: date | datetime | None, today: date) -> str:
    """ "Nov 16" within 90 days of today, where the year cannot be mistaken, else "Nov 16, 2026"."""
    if not value:
        return ""
    on = local_day(value)
    return day(on) if abs((on - today).days) > 90 else _written(on, "MONTH_DAY_FORMAT", get_language())


def near_day(value: date | datetime, today: date) -> str:
    """ "Mon, Nov 16" within 90 days of today, where the year cannot be mistaken, else "Mon, Nov 16, 2026"."""
    return f"{_name_of(value)}, {short_day(value, today)}"


def hour_words(hour: int) -> str:
    """ "9:00 AM" for 9; both 0 and 24 are midnight."""
    return _written(time(hour % 24), "TIME_FORMAT", get_language())


def hour_mark(hour: int) -> str:
    """ "9 AM" beside a calendar's line."""
    return _written(time(hour % 24), "HOUR_FORMAT", get_language())


def clock_time(value: datetime | None) -> str:
    """ "1:05 PM"; in the hour that autumn repeats, with the zone: "1:05 AM CST"."""
    if not value:
        return ""
    moment = local(value)
    # No format has seconds.
    text = _written(time(moment.hour, moment.minute), "TIME_FORMAT", get_language())
    twice = moment.tzinfo and moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    return f"{text} {moment.tzname()}" if twice else text


def day_time(value: datetime | None, zone: bool = False) -> str:
    """ "Nov 18, 2026, 1:05 PM"; with `zone` also "CST"."""
    if not value:
        return ""
    text = f"{day(value)}, {clock_time(value)}"
    name = local(value).tzname() or ""
    return f"{text} {name}" if zone and not text.endswith(name) else text


def span(length: timedelta) -> str:
    """A length of time in at most two units: "12 min", "6 h 36 min", "1 d 2 h", "5 days"."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return _("%(n)d min") % {"n": minutes}
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        if not rest:
            return _("%(h)d h") % {"h": hours}
        return _("%(h)d h %(m)d min") % {"h": hours, "m": rest}
    days, hours = divmod(hours, 24)
    if days < 2 and hours:
        return _("%(d)d d %(h)d h") % {"d": days, "h": hours}
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


# --- deadlines ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """The words for a deadline: the relative first, the moment itself second."""

    text: str  # "2 days overdue", "Today 1:00 PM", "6 h 36 min left"
    absolute: str  # "Mon, Nov 16", "Wed, Nov 18, 1:00 PM"; with the year when it is not near
    tone: str  # "over", "soon", "plain" or ""
    icon: str  # symbol that says the same as the colour, or ""
    iso: str  # for <time datetime>


def _overdue(value: date | datetime, has_time: bool, days: int, now: datetime) -> str:
    if has_time and isinstance(value, datetime) and now - value < 24 * HOUR:
        late = now - value
        return _("%(span)s overdue") % {"span": span(late - late % HOUR if late > HOUR else late)}
    return ngettext("%(n)d day overdue", "%(n)d days overdue", max(days, 1)) % {"n": max(days, 1)}


def _ahead(value: date | datetime, has_time: bool, days: int) -> str:
    time = " " + clock_time(value) if has_time and isinstance(value, datetime) else ""
    if days == 0:
        return _("Today") + time
    if days == 1:
        return _("Tomorrow") + time
    return ngettext("In %(n)d day", "In %(n)d days", days) % {"n": days}


def _moment(value: date | datetime, has_time: bool, days: int, now: datetime, clock: bool) -> str:
    """The second line: the day, and the time unless the first line has said it."""
    on = near_day(value, local_day(now))
    if not (has_time and isinstance(value, datetime)):
        return on
    if clock and days == 0:
        return _("Today") + " " + clock_time(value)
    said = not clock and value >= now and days in (0, 1)
    return on if said else f"{on}, {clock_time(value)}"


def due_words(value: date | datetime, *, now: datetime, has_time: bool = False, clock: bool = False) -> Due:
    """Words for a deadline, in the active zone.

    `has_time` says that the hour counts; without it the deadline is the end of its local day.
    `clock` is for deadlines that a rule sets: they count down, and are amber when under 48 hours away
    (or due today or tomorrow, when the rule counts days).
    """
    timed = has_time and isinstance(value, datetime)
    days = (local_day(value) - local_day(now)).days
    late = value < now if timed and isinstance(value, datetime) else days < 0
    absolute = _moment(value, has_time, days, now, clock)
    iso = value.isoformat() if timed else local_day(value).isoformat()
    if late:
        return Due(_overdue(value, has_time, -days, now), absolute, "over", "alert", iso)
    if clock and timed and isinstance(value, datetime):
        left = value - now
        soon = left < SOON
        text = _("%(span)s left") % {"span": span(left)}
    elif clock:
        soon = days <= 1
        text = _("Today") if days == 0 else ngettext("%(n)d day left", "%(n)d days left", days) % {"n": days}
    else:
        return Due(_ahead(value, has_time, days), absolute, "" if days == 0 else "plain", "", iso)
    return Due(text, absolute, "soon" if soon else "plain", "timer" if soon else "clock", iso)


def left_when_held(ends: datetime, held_since: datetime) -> str:
    """ "Paused at 3 d 2 h": what was left of a clock when it stopped."""
    return _("Paused at %(span)s") % {"span": span(max(ends - held_since, timedelta(0)))}


# --- people -------------------------------------------------------------------------------------------


def family_first(person: Any) -> str:
    """ "RAMÍREZ, Elena “Lena”": family name in capitals, given name, the name they go by in quotes."""
    family = (getattr(person, "family_name", "") or "").upper()
    given = getattr(person, "given_name", "") or ""
    goes_by = getattr(person, "preferred_name", "") or ""
    name = ", ".join(part for part in (family, given) if part)
    if goes_by and goes_by.casefold() != given.casefold():
        name = _("%(name)s “%(goes_by)s”") % {"name": name, "goes_by": goes_by}
    return name


def age(born: date | None, today: date, died: date | None = None) -> str:
    """Whole years ("68"), under two years months ("8 mo"); at death for someone who has died."""
    if not born:
        return ""
    end = min(died, today) if died else today
    months = (end.year - born.year) * 12 + end.month - born.month - (end.day < born.day)
    if months < 24:
        return _("%(n)d mo") % {"n": max(months, 0)}
    return str(months // 12)


def sex_letter(sex: str) -> str:
    """F, M or X for what is recorded; nothing when unknown."""
    return {"female": "F", "f": "F", "male": "M", "m": "M", "other": "X", "x": "X"}.get(
        (sex or "").lower(), ""
    )


LANGUAGES = {
    "am": _lazy("Amharic"),
    "ar": _lazy("Arabic"),
    "en": _lazy("English"),
    "es": _lazy("Spanish"),
    "fr": _lazy("French"),
    "hmn": _lazy("Hmong"),
    "ht": _lazy("Haitian Creole"),
    "ko": _lazy("Korean"),
    "om": _lazy("Oromo"),
    "pt": _lazy("Portuguese"),
    "ru": _lazy("Russian"),
    "so": _lazy("Somali"),
    "tl": _lazy("Tagalog"),
    "vi": _lazy("Vietnamese"),
    "zh": _lazy("Chinese"),
}


def languages_by_name() -> list[tuple[str, str]]:
    """(code, name) of every language we name, in the order of the names on screen: "Árabe" stands under A."""
    named = [(code, str(name)) for code, name in LANGUAGES.items()]
    return sorted(named, key=lambda pair: unicodedata.normalize("NFKD", pair[1]).casefold())


def language_name(code: str) -> str:
    """ "Spanish" for "es" or "es-MX"; a language we have no name for keeps its code; empty stays empty."""
    return str(LANGUAGES.get((code or "").split("-")[0].lower(), code or ""))


def initials(name: str) -> str:
    """Two letters for an avatar: first and last word of a name, without what follows a comma."""
    words = name.split(",")[0].split()
    return "".join(word[0] for word in words[:1] + words[1:][-1:]).upper()


def phone(number: str | None) -> str:
    """ "(612) 555-0143" for a number of North America, anything else unchanged."""
    digits = "".join(c for c in number or "" if c.isdigit())
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    if len(digits) != 10:
        return number or ""
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"


def phone_uri(number: str | None) -> str:
    """ "tel:+16125550143"; empty when there are too few digits to call."""
    digits = "".join(c for c in number or "" if c.isdigit())
    if len(digits) < 7:
        return ""
    return f"tel:+1{digits}" if len(digits) == 10 else f"tel:+{digits}"
