"""How long a text message is to the networks: 160 characters of the GSM alphabet, or 70 of any other."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

# GSM 03.38, the characters that every phone network carries in seven bits.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")  # count twice
GSM = BASIC | EXTENDED
ONE_GSM, PART_GSM = 160, 153
ONE_UCS2, PART_UCS2 = 70, 67
ALIKE = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " ", "\u202f": " ", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "œ": "oe", "Œ": "OE", "ı": "i", "İ": "I"}
)  # fmt: skip


@dataclass(frozen=True)
class Length:
    """`units` are septets in GSM and UTF-16 code units otherwise; `segments` is what a network bills."""

    gsm: bool
    units: int

    @property
    def segments(self) -> int:
        one, part = (ONE_GSM, PART_GSM) if self.gsm else (ONE_UCS2, PART_UCS2)
        return 1 if self.units <= one else -(-self.units // part)

    @property
    def fits(self) -> bool:
        """True when one message is enough."""
        return self.segments == 1


def length(text: str) -> Length:
    """
    >>> length("See you at 10").units, length("Árbol").gsm
    (13, False)
    """
    if GSM.issuperset(text):
        return Length(True, len(text) + sum(map(text.count, EXTENDED)))
    return Length(False, len(text.encode("utf-16-le")) // 2)


def plain(text: str) -> str:
    """The text with letters the GSM alphabet lacks written without their marks (María -> Maria), where that is
    possible; those it has stay (José, Peña)."""
    if GSM.issuperset(text):
        return text
    result = []
    for c in unicodedata.normalize("NFC", text).translate(ALIKE):
        if c in GSM:
            result.append(c)
        else:
            result.append(
                "".join(d for d in unicodedata.normalize("NFKD", c) if not unicodedata.combining(d))
            )
    return "".join(result)
