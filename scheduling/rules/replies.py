"""What an answered text means. Pure.

Stop words count as the whole message, whatever the case, blanks and end marks; CANCEL and END are among them by
federal rule, so they never cancel a visit. A sentence that asks to stop is understood, too, but a person looks at it.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Meaning(StrEnum):
    STOP = "stop"
    START = "start"
    CONFIRM = "confirm"
    REBOOK = "rebook"
    ASKS_TO_STOP = "asks_to_stop"  # a sentence: sending pauses and a person reads it the same day
    OTHER = "other"


STOP = {
    "stop",
    "stopall",
    "quit",
    "end",
    "revoke",
    "opt out",
    "optout",
    "cancel",
    "unsubscribe",
    "alto",
    "parar",
}
START = {"start", "unstop", "empezar"}
CONFIRM = {"c", "confirm", "confirmed", "yes", "y", "confirmar", "confirmo", "si"}
REBOOK = {"r", "rebook", "reschedule", "otra fecha", "cambiar"}
WORDS = ((STOP, Meaning.STOP), (START, Meaning.START), (CONFIRM, Meaning.CONFIRM), (REBOOK, Meaning.REBOOK))
SENTENCE = re.compile(
    r"\b(stop|unsubscribe|opt out|optout)\b"
    r"|\b(do not|dont|never|no more|quit)\b.{0,30}\b(text|texts|texting|message|messages|messaging|contact|send)"
    r"|\b(remove|take) me\b|\bwrong (number|person)\b|\bno (me )?(mas )?(mensajes|mande|mandes|escriba|escriban|envie|envien)",
)


def meaning_of(text: str) -> Meaning:
    """
    >>> meaning_of(" Stop!!"), meaning_of("please don't text me")
    (<Meaning.STOP: 'stop'>, <Meaning.ASKS_TO_STOP: 'asks_to_stop'>)
    """
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c) and c not in "'’‘`")
    words = " ".join(re.sub(r"[^\w\s]|_", " ", plain).split())
    for known, meaning in WORDS:
        if words in known:
            return meaning
    return Meaning.ASKS_TO_STOP if SENTENCE.search(words) else Meaning.OTHER
