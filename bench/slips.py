"""How people mistype: a slip of the finger, a name as it sounds, a birth date in eleven spellings."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def slip(chance: random.Random, word: str) -> str:
    """One typing error that is not in the first letter: two letters turned, one left out, doubled, or its neighbor."""
    at = chance.randrange(1, len(word) - 1)
    kind = chance.choice(("swap", "drop", "double", "neighbor"))
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[: at + 1] + word[at:]
    row = next(row for row in ROWS if word[at] in row)
    near = row.index(word[at]) + chance.choice((-1, 1))
    return word[:at] + row[near % len(row)] + word[at + 1 :]


BY_EAR = (
    ("z", "s"), ("s", "z"), ("v", "b"), ("b", "v"), ("ll", "y"), ("y", "i"), ("i", "y"), ("h", ""), ("ph", "f"),
    ("f", "ph"), ("ck", "k"), ("k", "ck"), ("c", "k"), ("k", "c"), ("w", "v"), ("th", "t"), ("sch", "sh"), ("sh", "sch"),
    ("ei", "ai"), ("ee", "i"), ("ou", "u"), ("oo", "u"), ("j", "h"), ("x", "ks"), ("qu", "k"), ("ce", "se"), ("ci", "si"),
    ("nn", "n"), ("n", "nn"), ("tt", "t"), ("t", "tt"), ("ss", "s"), ("rr", "r"), ("l", "ll"), ("gh", "g"), ("dt", "t"),
    ("d", "dt"), ("e", "eh"), ("mm", "m"), ("o", "oh"), ("er", "ar"), ("en", "an"), ("on", "en"),
)  # fmt: skip


def respelled(chance: random.Random, word: str) -> str:
    """As it sounds to somebody who has not seen it written: one or two groups of letters otherwise."""
    for _each in range(chance.choice((1, 1, 2))):
        fitting = [(old, new) for old, new in BY_EAR if old in word[:-1]]
        if not fitting:
            return word
        old, new = chance.choice(fitting)
        at = word.index(old)
        # What is doubled or made of a vowel group at the very beginning is not how people spell.
        if at == 0 and old not in ("h", "ph", "j", "c", "k", "v", "b", "w", "z", "s", "f", "sch", "sh", "qu"):
            continue
        word = word[:at] + new + word[at + len(old) :]
    return word


SPELLINGS: tuple[Callable[[date], str], ...] = (
    lambda d: f"{d.month}/{d.day}/{d.year}",
    lambda d: f"{d:%m/%d/%Y}",
    lambda d: f"{d.month}/{d.day}/{d:%y}",
    lambda d: f"{d.month}-{d.day}-{d.year}",
    lambda d: f"{d.day} {d:%b} {d.year}",
    lambda d: f"{d:%B} {d.day}, {d.year}",
    lambda d: f"{d:%b} {d.day} {d:%y}".lower(),
    lambda d: f"{d:%Y-%m-%d}",
    lambda d: f"{d:%m%d%Y}",
    lambda d: f"{d:%Y%m%d}",
    lambda d: f"{d.month} {d.day} {d.year}",
)


def us(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"
