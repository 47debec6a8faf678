"""Does this look like somebody we already have? A plain score with its reasons."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from patients.models import fold

# Product defaults, not validated on a clinic's own records yet.
SAME_BIRTH_DATE, SAME_PHONE, SAME_NAME, LIKE_NAME = 40, 25, 40, 25
SIMILAR_FROM = 0.45
WARN_FROM = 50


@dataclass(frozen=True)
class Likeness:
    """`score` 0 to 105; `reasons` are words for the screen."""

    score: int
    reasons: tuple[str, ...]
    shares_phone: bool = False

    @property
    def warns(self) -> bool:
        return self.shares_phone or self.score >= WARN_FROM


def trigrams(text: str) -> set[str]:
    """As PostgreSQL's pg_trgm cuts words: two blanks before, one after."""
    return {f"  {word} "[n : n + 3] for word in text.split() for n in range(len(word) + 1)}


def _overlap(one: set[str], two: set[str]) -> float:
    return len(one & two) / len(one | two) if one | two else 0.0


def similarity(a: str, b: str) -> float:
    """0 to 1. The order of words does not matter, and a second family name left out costs little."""
    one, two = sorted((fold(a).split(), fold(b).split()), key=len)
    whole = _overlap(trigrams(" ".join(one)), trigrams(" ".join(two)))
    if len(one) < 2:
        return whole
    best = [max(_overlap(trigrams(word), trigrams(other)) for other in two) for word in one]
    return max(whole, 0.99 * sum(best) / len(best))


def likeness(
    *,
    name: str,
    birth_date: datetime.date | None,
    phones: Collection[str],
    other: Any,
    other_phones: Collection[str],
) -> Likeness:
    """Compare what is being registered with one patient. `phones` are E.164 on both sides.

    A shared phone alone is common in families: it is shown, with a score that says it is weak.
    """
    score, reasons = 0, []
    shares_phone = bool(set(phones) & set(other_phones))
    if birth_date and birth_date == other.birth_date:
        score += SAME_BIRTH_DATE
        reasons.append(_("same birth date"))
    if shares_phone:
        score += SAME_PHONE
        reasons.append(_("same phone"))
    alike = max(
        similarity(name, f"{other.given_name} {other.family_name}"),
        similarity(name, f"{other.preferred_name} {other.family_name}"),
        similarity(name, f"{other.given_name} {other.former_family_name}"),
    )
    if alike == 1:
        score += SAME_NAME
        reasons.append(_("same name"))
    elif alike >= SIMILAR_FROM:
        score += LIKE_NAME
        reasons.append(_("similar name"))
    return Likeness(score, tuple(reasons), shares_phone)
