"""Paper: a tagged PDF (PDF/UA-1) from one fixed typst file; what it shows goes in as JSON, never as source."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any


def typeset(source: Path, data: dict[str, Any]) -> bytes:
    """The PDF that `source` draws from `data`, with the fonts that ship with typst."""
    import typst

    return typst.compile(
        source.read_bytes(),
        format="pdf",
        sys_inputs={"data": json.dumps(data)},
        pdf_standards=["ua-1"],
        ignore_system_fonts=True,
    )


def plain(value: Any) -> str:
    """Text without characters that a page cannot hold (controls, marks that turn the direction of what follows)."""
    text = "" if value is None else str(value)
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
