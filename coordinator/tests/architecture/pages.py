"""Templates and scripts: nothing inline, nothing unescaped, polling that keeps no session alive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from coordinator.tests.architecture.source import ROOT

Check = Callable[[str, str], Iterator[str]]


def templates() -> list[Path]:
    return sorted(p for p in (ROOT / "templates").rglob("*") if p.suffix in (".html", ".txt"))


def scripts() -> list[Path]:
    return sorted((ROOT / "static" / "js").glob("*.js"))


def nothing_inline(path: str, text: str) -> Iterator[str]:
    """Our content policy would block it, and the page would break quietly."""
    for tag in re.findall(r"(?is)<script\b[^>]*>", text):
        if "src=" not in tag and 'type="application/json"' not in tag:
            yield "inline script"
    if re.search(r"(?i)<style\b", text):
        yield "inline style sheet"
    if re.search(r"(?i)\sstyle\s*=", text):
        yield "style attribute"
    if re.search(r"(?i)\son(click|change|submit|load|input|error|focus|blur|key\w+|mouse\w+)\s*=", text):
        yield "inline event handler"
    if re.search(r"(?i)(href|src|action)\s*=\s*[\"']\s*javascript:", text):
        yield "javascript: address"


def nothing_unescaped(path: str, text: str) -> Iterator[str]:
    if re.search(r"\|\s*safe(seq)?\b", text):
        yield "the safe filter"
    if re.search(r"{%\s*autoescape\s+off", text) and not path.endswith(".txt"):
        yield "autoescape off in HTML"


def nothing_from_elsewhere(path: str, text: str) -> Iterator[str]:
    """No other host is ever asked: not for scripts, styles, fonts or pictures."""
    for kind, address in re.findall(
        r"(?is)<(script|link|img|iframe)\b[^>]*?(?:src|href)=\"(https?:)?//", text
    ):
        yield f"{kind} from another host {address}"


def polling_is_marked(path: str, text: str) -> Iterator[str]:
    """A request that nobody asked for must not keep a session alive."""
    for tag in re.findall(
        r"(?is)<[a-z][^>]*hx-trigger=\"[^\"]*\b(?:every|load delay|revealed every)\b[^>]*>", text
    ):
        if "data-background" not in tag:
            yield "polls without data-background"


def components_say_what_they_need(path: str, text: str) -> Iterator[str]:
    page = path.endswith("/gallery.html")
    if path.startswith("templates/components/") and not page and not text.startswith("{% comment %}"):
        yield "a component opens with a comment that lists what it needs"


def forms_carry_the_token(path: str, text: str) -> Iterator[str]:
    for form in re.findall(r"(?is)<form\b[^>]*method=\"post\".*?</form>", text):
        if "csrf_token" not in form:
            yield "a POST form without csrf_token"


def scripts_are_short(path: str, text: str) -> Iterator[str]:
    if text.count("\n") >= 100:
        yield "100 lines or more: one behavior per file"
    if re.search(r"\beval\(|new Function\(|document\.write\(", text):
        yield "code made from text"
    if re.search(r"\b(local|session)Storage\b", text):
        yield "keeps something in the browser: patient data must not be there"


# (name, check, planted violation)
TEMPLATE_RULES: list[tuple[str, Check, str, str]] = [
    ("nothing inline", nothing_inline, "templates/x.html", "<script>alert(1)</script>"),
    ("nothing inline", nothing_inline, "templates/x.html", "<style>a{}</style>"),
    ("nothing inline", nothing_inline, "templates/x.html", '<p class="a" style="color:red">'),
    ("nothing inline", nothing_inline, "templates/x.html", '<button onclick="x()">'),
    ("nothing inline", nothing_inline, "templates/x.html", '<a href="javascript:x()">'),
    ("nothing unescaped", nothing_unescaped, "templates/x.html", "{{ name|safe }}"),
    ("nothing unescaped", nothing_unescaped, "templates/x.html", "{% autoescape off %}"),
    (
        "nothing from elsewhere",
        nothing_from_elsewhere,
        "templates/x.html",
        '<script src="https://cdn.test/x.js">',
    ),
    (
        "nothing from elsewhere",
        nothing_from_elsewhere,
        "templates/x.html",
        '<img alt="" src="//cdn.test/x.png">',
    ),
    ("polling is marked", polling_is_marked, "templates/x.html", '<div hx-get="/x" hx-trigger="every 60s">'),
    (
        "components say what they need",
        components_say_what_they_need,
        "templates/components/x.html",
        "<p></p>",
    ),
    ("forms carry the token", forms_carry_the_token, "templates/x.html", '<form method="post"></form>'),
]
SCRIPT_RULES: list[tuple[str, Check, str, str]] = [
    ("scripts are short", scripts_are_short, "static/js/x.js", "x()\n" * 100),
    ("scripts are short", scripts_are_short, "static/js/x.js", "eval('x')"),
    ("scripts are short", scripts_are_short, "static/js/x.js", "localStorage.x = 1"),
]
