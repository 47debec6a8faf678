"""Tells whether something changed since it was last prepared."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def fingerprint(*folders: str, only: str = "") -> str:
    """Hash of the requirements and of every file below these folders of the checkout.

    `only` keeps the files in folders of that name, such as `migrations`.
    """
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and (not only or only in path.parts):
                digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
