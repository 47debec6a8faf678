"""Repairs what can be repaired without thinking: lint, format, generated documents, catalogues."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS = (
    ("-m", "ruff", "check", "--fix", "--quiet", "."),
    ("-m", "ruff", "format", "."),
    ("manage.py", "write_docs"),
    ("bin/lib/words.py",),
)


def main() -> int:
    env = os.environ | {"THROUGHLINE_ENV": "test"}
    codes = [subprocess.run([sys.executable, *step], cwd=ROOT, env=env).returncode for step in STEPS]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
