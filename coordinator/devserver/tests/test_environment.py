"""`.env.example` lists every setting that is read, and `.env` is read the way it looks."""

import os
import re
from pathlib import Path

import pytest

from coordinator.devserver.__main__ import load_dotenv
from coordinator.devserver.fingerprint import fingerprint

ROOT = Path(__file__).resolve().parents[3]
READ = re.compile(
    r"""\b(?:env(?:\.\w+)?|required|getenv|environ\.get)\(\s*['"]([A-Z][A-Z0-9_]+)['"]|environ\[['"]([A-Z_]+)['"]\]"""
)
# Set by the commands for their own children, never by a person; or the system's own.
OURS = {"THROUGHLINE_STARTED", "XDG_DATA_HOME", "HOME", "DJANGO_SETTINGS_MODULE", "PIP_CERT", "PIP_INDEX_URL"}


def sources() -> list[Path]:
    folders = ("coordinator", "patients", "careplans", "referrals", "scheduling", "bin/lib")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in found if "tests" not in path.parts]


def test_every_setting_that_is_read_is_listed() -> None:
    listed = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    read = {name for path in sources() for pair in READ.findall(path.read_text()) for name in pair if name}
    assert "SECRET_KEY" in read
    assert read - listed - OURS == set()


def test_a_dotenv_file_gives_way_to_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PORT": "9000"})
    file = tmp_path / ".env"
    file.write_text(
        "# a comment\nPORT=8001\n DATA_DIR = \"/data/with space\"\nREDIS_URL='redis://x=y'\n\n#INBOX_PORT=1\n"
    )
    load_dotenv(file)
    assert os.environ == {"PORT": "9000", "DATA_DIR": "/data/with space", "REDIS_URL": "redis://x=y"}
    load_dotenv(tmp_path / "absent")


def test_the_fingerprint_of_migrations_ignores_other_files() -> None:
    assert fingerprint("coordinator", only="migrations") != fingerprint("coordinator")
    assert fingerprint("patients", only="migrations") == fingerprint("patients", only="migrations")
