"""How well somebody fits what was typed, when not every letter or digit does, and why.

Pure: a `Wanted`, the names of one person and the birth date in; a cost and reasons in words out. The order of the
kinds is a product rule: a whole name before the beginning of one, before one that sounds alike, before a similar one.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from rapidfuzz.distance import JaroWinkler

from patients.rules.duplicates import edits
from patients.rules.finding import EARLIEST, Span, Wanted

ALIKE = 0.8  # Jaro and Winkler's likeness from which a name is similar
SOUNDING = 0.65  # and from which one of the same sound is worth showing: the codes keep only four consonants
MOST_READINGS = 4  # of one typed birth date: two orders, two centuries


class Fit(enum.Enum):
    """What a typed word is to a name."""

    WHOLE = "whole"
    BEGINS = "begins"
    INSIDE = "inside"
    SOUNDS = "sounds"
    LETTER = "letter"  # one letter put in, left out, exchanged, or two turned around
    SIMILAR = "similar"
    OTHER = "other"


COST = {
    Fit.WHOLE: 0,
    Fit.BEGINS: 1,
    Fit.INSIDE: 2,
    Fit.SOUNDS: 3,
    Fit.LETTER: 3,
    Fit.SIMILAR: 5,
    Fit.OTHER: 9,
}
SLIP_COST = 3  # of a birth date that fits but for a slip


class Slip(enum.Enum):
    """How a typed birth date misses the recorded one."""

    SWAPPED = "swapped"
    DIGIT = "digit"
    TURNED = "turned"


@dataclass(frozen=True, order=True)
class Likeness:
    """Lower is better: first the kinds of fit, then how many letters differ, then how many names there are."""

    cost: int
    apart: float
    names: int = 0
    reasons: tuple[str, ...] = ()


def likeness(
    wanted: Wanted, names: Sequence[str], sounding: Iterable[str] = (), slip: Slip | None = None
) -> Likeness | None:
    """None when it is not this person. `names` are folded words; `sounding` those typed words that sound like one;
    `slip` is how the typed birth date misses the recorded one."""
    alike = set(sounding)
    pool = list(_with_joined(names))
    fits = [(word, *_word(word, pool, word in alike)) for word in wanted.words]
    missed = [word for word, fit, _apart in fits if fit is Fit.OTHER and len(word) > 2]
    # A middle name that was never written down is no reason to show nobody.
    if len(missed) > 1 or (missed and len(fits) < 3):
        return None
    reasons = [words for word, fit, _apart in fits if (words := fit_words(fit, word))]
    if slip:
        reasons.append(slip_words(slip))
    cost = sum(COST[fit] for _word, fit, _apart in fits) + (SLIP_COST if slip else 0)
    return Likeness(cost, round(sum(apart for *_fit, apart in fits), 4), len(names), tuple(reasons))


def fit_words(fit: Fit, typed: str) -> str:
    """What a row says for it; "" for what is plain to see."""
    texts = {
        Fit.SOUNDS: _("sounds like “%(typed)s”"),
        Fit.LETTER: _("one letter from “%(typed)s”"),
        Fit.SIMILAR: _("similar to “%(typed)s”"),
        Fit.OTHER: _("without “%(typed)s”"),
    }
    return texts[fit] % {"typed": typed} if fit in texts else ""


def slip_words(slip: Slip) -> str:
    return {
        Slip.SWAPPED: _("birth date with day and month swapped"),
        Slip.DIGIT: _("birth date one digit apart"),
        Slip.TURNED: _("birth date with two digits turned around"),
    }[slip]


def _with_joined(names: Sequence[str]) -> Iterator[str]:
    """Each name, and neighbors written as one: "delacruz" is "de la cruz"."""
    for start in range(len(names)):
        for end in range(start + 1, min(start + 4, len(names) + 1)):
            yield "".join(names[start:end])


def _word(word: str, names: Sequence[str], sounds: bool) -> tuple[Fit, float]:
    """The best fit of a typed word, and how far it is from the nearest name."""
    if word in names:
        return Fit.WHOLE, 0.0
    if any(name.startswith(word) for name in names):
        return Fit.BEGINS, 0.0
    if len(word) > 2 and any(word in name for name in names):
        return Fit.INSIDE, 0.0
    apart, unlike = min(
        ((edits(word, n), 1 - JaroWinkler.similarity(word, n)) for n in names), default=(99, 1.0)
    )
    fit = Fit.OTHER
    if sounds and (1 - unlike >= SOUNDING or apart <= 1):
        fit = Fit.SOUNDS
    elif apart <= 1 and len(word) > 2:
        fit = Fit.LETTER
    elif (apart <= 2 and len(word) > 5) or 1 - unlike >= ALIKE:
        fit = Fit.SIMILAR
    return fit, apart + unlike


# --- birth dates ----------------------------------------------------------------------------------------


def near_dates(spans: Iterable[Span], today: datetime.date) -> dict[datetime.date, Slip]:
    """Birth dates that one slip of the finger makes of a single day: about forty; none of a part of a date."""
    found: dict[datetime.date, Slip] = {}
    days = [first for first, last in spans if first == last]
    if len(days) > MOST_READINGS:
        return {}
    for day in days:
        for slip, near in _slips(day):
            if EARLIEST <= near <= today and near not in days:
                found.setdefault(near, slip)
    return found


def _slips(day: datetime.date) -> Iterator[tuple[Slip, datetime.date]]:
    digits = f"{day:%Y%m%d}"
    tries = [(Slip.SWAPPED, digits[:4] + digits[6:] + digits[4:6])]
    tries += [
        (Slip.DIGIT, digits[:at] + other + digits[at + 1 :])
        for at in range(8)
        for other in "0123456789"
        if other != digits[at]
    ]
    tries += [
        (Slip.TURNED, digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]) for at in (0, 1, 2, 4, 6)
    ]
    for slip, text in tries:
        try:
            yield slip, datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            continue
