"""Every file of the shared data: what it says was written down by hand in docs/exchange.md, and the reader agrees."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.conf import settings

from coordinator.exchange.reading import read_file
from coordinator.fhir.problems import Unreadable

DATA = Path(os.environ.get("SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data"))
TABLE = settings.BASE_DIR / "docs" / "exchange.md"
ROW = re.compile(r"^\| ((?:fhir_davinci|x12)/[^|]+?) \| ([^|]+) \| ([^|]+) \|([^|]*)\|$", re.MULTILINE)
FOLDERS = ("fhir_davinci/pas_2.0.1", "x12", "x12/278", "x12/275")


def rows():
    return [
        tuple(part.strip() for part in found.groups())
        for found in ROW.finditer(TABLE.read_text(encoding="utf-8"))
    ]


def read(path):
    """What the reader answers, as the table says it."""
    try:
        messages = read_file(path.read_bytes())
    except Unreadable as error:
        return f"parked: {error.place}: {error.reason}"
    return " / ".join(message.summary() for message in messages)


def decision(said):
    """What a cell of the table decides; a parked file has a reason behind it."""
    return said.split(":")[0] if said.startswith("parked") else said


present = pytest.mark.skipif(
    not all((DATA / folder).is_dir() for folder in FOLDERS), reason="SHARED_DATA is not on this machine"
)


@present
def test_every_known_file_is_in_the_table_and_read_as_written_down():
    if os.environ.get("UPDATE_DOCS"):
        text = ROW.sub(
            lambda m: f"| {m[1]} | {m[2].strip()} | {m[3].strip()} | {read(DATA / m[1])} |", TABLE.read_text()
        )
        TABLE.write_text(text, encoding="utf-8")
    found = {str(p.relative_to(DATA)) for folder in FOLDERS for p in (DATA / folder).iterdir() if p.is_file()}
    known = {name: (expected, said) for name, _what, expected, said in rows()}
    assert set(known) == {name for name in found if not name.endswith(("SOURCES.md", ".csv"))}
    wrong = {name: said for name, (expected, said) in known.items() if decision(said) != expected}
    assert wrong == {}
    stale = {
        name: read(DATA / name) for name, (_expected, said) in known.items() if read(DATA / name) != said
    }
    assert stale == {}


def test_the_table_is_whole_without_the_files():
    assert len(rows()) == 68
    assert all(decision(said) == expected for _name, _what, expected, said in rows())
