"""What typed text may hold. Kept exactly as typed (names in Unicode's composed form), or refused with a sentence.

PostgreSQL cannot store the NUL character and UTF-8 cannot hold half of a surrogate pair, so these are
refused at the field instead of failing in the middle of a save or being dropped in silence.
"""

from __future__ import annotations

import unicodedata

from django.utils.translation import gettext as _

LONG_TEXT = 100_000  # characters of a note


class Unfit(ValueError):
    """The text cannot be kept. The sentence can be shown."""


def _storable(text: str) -> None:
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise Unfit(_("This holds a character that cannot be stored. Please type it again."))


def line(text: str, limit: int) -> str:
    """One line of text without blanks around it, composed (NFC). Raises Unfit."""
    _storable(text)
    text = unicodedata.normalize("NFC", text).strip()
    if any(unicodedata.category(c) == "Cc" or c in "\u2028\u2029" for c in text):
        raise Unfit(_("Please type this on one line, without control characters."))
    if len(text) > limit:
        raise Unfit(
            _("Please use at most %(limit)d characters; this has %(count)d.")
            % {"limit": limit, "count": len(text)}
        )
    return text


def name(text: str, limit: int) -> str:
    """A person's name: one line in which something can be seen. Raises Unfit."""
    text = line(text, limit)
    if text and not any(unicodedata.category(c)[0] in "LNPS" for c in text):
        raise Unfit(_("This name cannot be seen. Please type it again."))
    return text


def long_text(text: str, limit: int = LONG_TEXT) -> str:
    """A note: lines end with a newline, nothing else changes. Raises Unfit."""
    _storable(text)
    text = text.replace("\r\n", "\n").strip()
    if len(text) > limit:
        raise Unfit(
            _("This can hold %(limit)d characters; there are %(count)d. Please split it.")
            % {"limit": limit, "count": len(text)}
        )
    return text


# --- how text is compared ---------------------------------------------------------------------------------

# Letters that Unicode does not take apart, and how people type them on another keyboard.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i"}
    | dict.fromkeys("'’‘ʼʻ`´", "")
)


def fold(text: str) -> str:
    """Lower case without accents or punctuation, single spaces: what names are searched by.

    Vowel signs of scripts such as Devanagari or Thai stay: they are letters there, not accents.

    >>> fold("  García-LÓPEZ O’Brien ")
    'garcia lopez obrien'
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    kept = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c if _is_letter(c) else " " for c in kept).split())


def _is_letter(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in ("Mc", "Mn")
