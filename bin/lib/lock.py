"""Recompiles the hash-pinned requirements, and tells whether they are what the .in files say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# In this order: the second reads the first.
LOCKS = {
    "bin/requirements/uv.in": "bin/requirements/uv.txt",
    "bin/requirements/base.in": "requirements.txt",
    "bin/requirements/dev.in": "bin/requirements/dev.txt",
}
NO_NETWORK = re.compile(
    r"error sending request|failed to fetch|dns error|could not connect|timed out", re.IGNORECASE
)
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==\S+(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def compile_lock(source: str, target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """One lock for Python 3.11 and later on every platform: wheels only, each file with its hash."""
    command = [
        Path(sys.executable).parent / "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--only-binary", ":all:", "--no-header", "--no-config", *options, source, "-o", target,
    ]  # fmt: skip
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True)


def missing_hashes(text: str) -> list[str]:
    """Names of pins without a hash."""
    return [name for name, rest in PIN.findall(text) if "--hash=sha256:" not in rest]


def stale_locks() -> tuple[list[str], bool]:
    """(complaints, reachable). Compiles beside the present locks, which stay as they are."""
    complaints = []
    with tempfile.TemporaryDirectory() as folder:
        for source, target in LOCKS.items():
            present = ROOT / target
            again = Path(folder) / present.name
            shutil.copy(present, again)  # its pins are kept unless the .in file forbids them
            done = compile_lock(source, again)
            if done.returncode and NO_NETWORK.search(done.stderr):
                return complaints, False
            if done.returncode:
                complaints.append(f"{source}: {done.stderr.strip().splitlines()[-1]}")
            elif again.read_text() != present.read_text():
                complaints.append(f"{target} is not what {source} says: run bin/lock")
    return complaints, True


def main(arguments: list[str]) -> int:
    for source, target in LOCKS.items():
        done = compile_lock(source, ROOT / target, *arguments)
        if done.returncode:
            print(done.stderr.strip(), file=sys.stderr)
            return 1
        print(f"{target}: {len(PIN.findall((ROOT / target).read_text()))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
