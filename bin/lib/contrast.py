"""Every pair of colors that meet on screen, light and dark, against WCAG 2.2 AA."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

TOKENS = Path(__file__).resolve().parent.parent.parent / "static" / "css" / "tokens.css"
TOKEN = re.compile(r"--([\w-]+):\s*light-dark\((#[0-9a-fA-F]{6}),\s*(#[0-9a-fA-F]{6})\)")
TEXT, SHAPE = 4.5, 3.0
SURFACES = ("bg", "surface", "surface-2", "surface-3")
TONES = ("danger", "warn", "ok", "info", "wait")


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb` as WCAG defines it, 0 to 1."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def pairs() -> Iterator[tuple[str, str, float]]:
    """(color, background, least ratio): text needs 4.5, shapes and focus rings 3."""
    for background in (*SURFACES, "accent-soft"):
        yield from ((text, background, TEXT) for text in ("text", "text-2", "accent"))
    for tone in TONES:
        yield from ((tone, background, TEXT) for background in (f"{tone}-soft", *SURFACES))
        yield from ((f"{tone}-solid", background, SHAPE) for background in ("surface", "surface-2"))
        yield from ((text, f"{tone}-soft", TEXT) for text in ("text", "text-2"))
    yield from (("on-accent", background, TEXT) for background in ("accent", "accent-hover"))
    yield from (
        ("focus", background, SHAPE) for background in (*SURFACES, "accent-soft", "danger-soft", "warn-soft")
    )
    yield from (("line-strong", background, SHAPE) for background in ("bg", "surface", "surface-2"))
    yield from ((chart, "surface", SHAPE) for chart in ("c1", "c2", "c3", "c4"))


def complaints(css: str | None = None) -> list[str]:
    """The pairs that are too close, and tokens that are gone."""
    tokens = {name: (light, dark) for name, light, dark in TOKEN.findall(css or TOKENS.read_text())}
    found = []
    for color, background, least in pairs():
        if missing := {color, background} - tokens.keys():
            found.append(f"tokens.css has no color {', '.join(sorted(missing))}")
            continue
        for theme, one, other in zip(("light", "dark"), tokens[color], tokens[background], strict=True):
            if (reached := ratio(one, other)) < least:
                found.append(f"{theme}: {color} on {background} reaches {reached:.2f}, needs {least}")
    return list(dict.fromkeys(found))
