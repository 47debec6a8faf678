"""The catalogues of other languages: gathers what is to be translated, compiles what was, and says what is missing.

words.py           brings coordinator/locale/*/LC_MESSAGES/django.po and .mo up to date with the sources
words.py --check   changes nothing; fails when they are not, or when a text has no translation
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent.parent
LOCALE = ROOT / "coordinator" / "locale"
SOURCES = ("coordinator", "patients", "careplans", "scheduling", "referrals", "templates")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    **dict.fromkeys(("_", "lazy", "_lazy", "gettext", "gettext_lazy", "gettext_noop"), None),
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%[sd]|\{(\w*)\}|</?(\w+)")


# --- what the sources say ----------------------------------------------------------------------------


def sources() -> Iterator[Path]:
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and "tests" not in path.relative_to(ROOT).parts:
                yield path


def as_python(path: Path) -> str:
    """A template as the calls it makes; Django writes them, indented as the template is."""
    text = path.read_text()
    if path.suffix == ".py":
        return text
    from django.utils.translation.template import templatize

    return "\n".join(line.strip() for line in templatize(text, origin=str(path)).splitlines())


def template() -> Catalog:
    found = Catalog()
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        content = io.BytesIO(as_python(path).encode())
        for _line, texts, _comments, context in extract(
            "python", content, KEYWORDS, options={"encoding": "utf-8"}
        ):
            if texts and texts != "":
                found.add(texts, locations=[(name, 0)], context=context, flags=flags(texts))
    return found


def flags(texts: str | tuple[str, ...]) -> list[str]:
    joined = texts if isinstance(texts, str) else " ".join(texts)
    return ["python-format"] if re.search(r"%\(\w+\)[sd]|%[sd]", joined) else []


# --- the catalogues ----------------------------------------------------------------------------------


def catalogues() -> dict[Path, Catalog]:
    """Each present catalogue, with what the sources now say and without what they no longer do."""
    wanted, found = template(), {}
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        with path.open("rb") as file:
            present = read_po(file, locale=path.parts[-3])
        present.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
        present.obsolete.clear()
        found[path] = present
    return found


def written(catalogue: Catalog) -> dict[str, bytes]:
    """By suffix, the text and the compiled form."""
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, width=110, sort_output=True, include_lineno=False, ignore_obsolete=True)
    write_mo(compiled, catalogue)
    return {".po": text.getvalue(), ".mo": compiled.getvalue()}


def faults(message: Message) -> Iterator[str]:
    """What is wrong with one translation."""
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    if not all(texts) or message.fuzzy:
        yield "has no translation" if not message.fuzzy else "has an unsure translation"
        return
    allowed = [sorted(PLACEHOLDER.findall(text)) for text in ids]
    for text in texts:
        if sorted(PLACEHOLDER.findall(text)) not in allowed:
            yield "has other placeholders or tags than its source"
    for edge in ("startswith", "endswith"):
        if {getattr(text, edge)("\n") for text in (*ids, *texts)} == {True, False}:
            yield "begins or ends with a line break where its source does not"


def complaints() -> list[str]:
    found = []
    for path, catalogue in catalogues().items():
        name = path.relative_to(ROOT).as_posix()
        found += [
            f"{name}: {message.id!r} {fault}"
            for message in catalogue
            if message.id
            for fault in faults(message)
        ]
        for suffix, content in written(catalogue).items():
            file = path.with_suffix(suffix)
            if not file.exists() or file.read_bytes() != content:
                found.append(f"{file.relative_to(ROOT)} is not what the sources say: run bin/fix")
    return found


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
    if arguments == ["--check"]:
        found = complaints()
        print("\n".join(found), file=sys.stderr)
        return 1 if found else 0
    for path, catalogue in catalogues().items():
        for suffix, content in written(catalogue).items():
            path.with_suffix(suffix).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
