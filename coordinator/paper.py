"""Paper: a tagged PDF (PDF/UA-1) from one fixed typst file; what it shows goes in as JSON, never as source."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def typeset(source: Path, data: dict[str, Any], pictures: dict[str, bytes] | None = None) -> bytes:
    """The PDF that `source` draws from `data` and `pictures` (by the names it uses), with the fonts that ship with typst."""
    import typst

    with TemporaryDirectory() as folder:  # readable by us alone, and gone with the file
        for name, content in {source.name: source.read_bytes(), **(pictures or {})}.items():
            Path(folder, name).write_bytes(content)
        return typst.compile(
            str(Path(folder, source.name)),
            root=folder,
            format="pdf",
            sys_inputs={"data": json.dumps(data)},
            pdf_standards=["ua-1"],
            ignore_system_fonts=True,
        )


def plain(value: Any) -> str:
    """Text without characters that a page cannot hold (controls, marks that turn the direction of what follows)."""
    text = "" if value is None else str(value)
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
