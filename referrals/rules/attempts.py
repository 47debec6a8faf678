"""When somebody counts as not reachable. Pure: no ORM, no wall clock.

Three attempts on three different days and in at least two parts of the day, then a letter, then a lead may record
that nobody could be reached (product default; three attempts before closing: Unite Us, AmericaServes).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from careplans.rules import day_part

ATTEMPTS, DAYS, DAY_PARTS = 3, 3, 2
LETTER = "letter"


@dataclass(frozen=True)
class Try:
    """One attempt: when (UTC), how, and whether somebody was reached."""

    at: datetime
    channel: str
    reached: bool


@dataclass(frozen=True)
class Standing:
    """What was done since somebody was last reached, and what is still missing, as sentences."""

    made: int
    days: int
    parts: int
    has_letter: bool
    missing: tuple[str | Promise, ...]

    @property
    def is_enough(self) -> bool:
        return not self.missing


def standing(tries: Iterable[Try], zone: str, *, needs_letter: bool) -> Standing:
    """Days and their parts are those of `zone`. A letter counts as the letter, once the attempts are enough."""
    since: list[Try] = []
    for one in sorted(tries, key=lambda t: t.at):
        since = [] if one.reached else [*since, one]
    calls = [one for one in since if one.channel != LETTER]
    place = ZoneInfo(zone)
    days = {one.at.astimezone(place).date() for one in calls}
    parts = {day_part(one.at, zone) for one in calls}
    missing: list[str] = []
    if len(calls) < ATTEMPTS:
        short = ATTEMPTS - len(calls)
        missing.append(ngettext("%(n)d more attempt.", "%(n)d more attempts.", short) % {"n": short})
    if len(days) < DAYS:
        short = DAYS - len(days)
        missing.append(
            ngettext("An attempt on %(n)d more day.", "Attempts on %(n)d more days.", short) % {"n": short}
        )
    if len(parts) < DAY_PARTS:
        missing.append(_("An attempt in another part of the day."))
    letters = [one for one in since if one.channel == LETTER]
    has_letter = bool(letters) and not missing and letters[-1].at >= _enough_at(calls, zone)
    if needs_letter and not has_letter:
        missing.append(_("A letter, once the attempts are enough."))
    return Standing(len(calls), len(days), len(parts), has_letter, tuple(missing))


def _enough_at(calls: list[Try], zone: str) -> datetime:
    """The moment of the attempt with which the minimum was reached."""
    for number in range(ATTEMPTS, len(calls) + 1):
        found = standing(calls[:number], zone, needs_letter=False)
        if found.is_enough:
            return calls[number - 1].at
    raise AssertionError("asked before the attempts were enough")
