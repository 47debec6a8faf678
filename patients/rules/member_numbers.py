"""What a member number looks like, by payer. A number that looks wrong is doubted, never refused: cards differ."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from patients.rules.text import fold

DIGIT, DIGIT_NOT_0, LETTER, EITHER = "digit", "digit from 1 to 9", "letter", "letter or digit"
# CMS leaves out letters that look like digits: S, L, O, I, B, Z.
LETTERS = "ACDEFGHJKMNPQRTUVWXY"
KINDS = {
    DIGIT: "0123456789",
    DIGIT_NOT_0: "123456789",
    LETTER: LETTERS,
    EITHER: LETTERS + "0123456789",
}


@dataclass(frozen=True)
class Pattern:
    """How one payer writes its numbers, position by position. `payers` are folded names, `lines` kinds of plan."""

    name: str
    payers: frozenset[str]
    lines: frozenset[str]
    positions: tuple[str, ...]
    source: str


# Medicare Beneficiary Identifier. A Medicare Advantage card has the plan's own number, so only Original Medicare.
PATTERNS = (
    Pattern(
        name="Medicare",
        payers=frozenset(
            {"medicare", "original medicare", "medicare part a", "medicare part b", "cms medicare"}
        ),
        lines=frozenset({"medicare", "original medicare"}),
        positions=(
            DIGIT_NOT_0,
            LETTER,
            EITHER,
            DIGIT,
            LETTER,
            EITHER,
            DIGIT,
            LETTER,
            LETTER,
            DIGIT,
            DIGIT,
        ),
        source="CMS, Understanding the Medicare Beneficiary Identifier (MBI) Format",
    ),
)
SHORTEST, LONGEST = 4, 30  # product default for payers without a pattern
ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]*")


def pattern_for(payer_name: str, line_of_business: str = "") -> Pattern | None:
    payer, line = fold(payer_name), fold(line_of_business.replace("_", " "))
    return next((p for p in PATTERNS if payer in p.payers or (line and line in p.lines)), None)


def doubt(number: str, payer_name: str, line_of_business: str = "") -> str:
    """Why this number looks wrong, in a sentence; "" when it looks right or there is none."""
    if not number.strip():
        return ""
    pattern = pattern_for(payer_name, line_of_business)
    if pattern is None:
        return _doubt_any(number)
    bare = re.sub(r"[\s-]", "", number).upper()
    wanted = len(pattern.positions)
    if len(bare) != wanted:
        text = _("A %(payer)s number has %(wanted)d letters and digits; this one has %(n)d.")
        return text % {"payer": pattern.name, "wanted": wanted, "n": len(bare)}
    for place, (kind, character) in enumerate(zip(pattern.positions, bare, strict=True), 1):
        if character not in KINDS[kind]:
            return _wrong_place(pattern, place, kind, character)
    return ""


def _wrong_place(pattern: Pattern, place: int, kind: str, character: str) -> str:
    texts = {
        DIGIT: _("Character %(place)d of a %(payer)s number is a digit, not %(character)s."),
        DIGIT_NOT_0: _(
            "Character %(place)d of a %(payer)s number is a digit from 1 to 9, not %(character)s."
        ),
        LETTER: _(
            "Character %(place)d of a %(payer)s number is a letter (never S, L, O, I, B or Z), not %(character)s."
        ),
        EITHER: _(
            "Character %(place)d of a %(payer)s number is a digit or a letter (never S, L, O, I, B or Z), not %(character)s."
        ),
    }
    return texts[kind] % {"place": place, "payer": pattern.name, "character": character}


def _doubt_any(number: str) -> str:
    if not ALLOWED.fullmatch(number.strip()):
        return _("A member number has letters, digits, spaces and hyphens only.")
    if not SHORTEST <= len(number.strip()) <= LONGEST:
        text = _("Member numbers have %(least)d to %(most)d characters; this one has %(n)d.")
        return text % {"least": SHORTEST, "most": LONGEST, "n": len(number.strip())}
    return ""
