"""Runs every check, says how long each took, and fails at the end with what was found."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import contrast
import guard
import lock

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable
# A production set-up in every respect but its secrets, for Django's own deployment check.
PRODUCTION = {
    "THROUGHLINE_ENV": "production",
    "SECRET_KEY": "only-for-the-deployment-check-0123456789-abcdefghijklmnopqrstuvwxyz",
    "FIELD_KEY": "b25seS1mb3ItdGhlLWRlcGxveW1lbnQtY2hlY2stMDA=",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "throughline.example.org",
    "BASE_URL": "https://throughline.example.org",
    "BEHIND_PROXY": "1",
    "SMS_GATEWAY": "http",
    "SMS_GATEWAY_URL": "https://gateway.example.org",
    "SMS_GATEWAY_TOKEN": "only-for-the-deployment-check",
}
LOCAL = {
    "THROUGHLINE_ENV": "test",
    "DATABASE_URL": PRODUCTION["DATABASE_URL"],
    "REDIS_URL": PRODUCTION["REDIS_URL"],
}

# (passed, what to show)
Outcome = tuple[bool, str]


def command(*parts: str, env: dict[str, str] | None = None) -> Outcome:
    kept = {name: value for name, value in os.environ.items() if name not in PRODUCTION and name != "DEMO"}
    done = subprocess.run(parts, cwd=ROOT, env=kept | (env or LOCAL), capture_output=True, text=True)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def tool(name: str, *options: str) -> Callable[[], Outcome]:
    return lambda: command(PYTHON, "-m", name, *options)


def manage(*options: str, env: dict[str, str] | None = None) -> Outcome:
    return command(PYTHON, "-W", "ignore::RuntimeWarning", "manage.py", *options, env=env)


def listed(complaints: list[str]) -> Outcome:
    return not complaints, "\n".join(complaints)


def docs() -> Outcome:
    if not (ROOT / "coordinator" / "management" / "commands" / "write_docs.py").exists():
        return True, ""
    return manage("write_docs", "--check")


def hashes() -> Outcome:
    found = []
    for target in lock.LOCKS.values():
        text = (ROOT / target).read_text()
        found += [f"{target}: {name} has no hash" for name in lock.missing_hashes(text)]
        if "://" in text:
            found.append(f"{target}: names an address; packages come from whatever registry the machine uses")
    return listed(found)


def locks() -> Outcome:
    complaints, reachable = lock.stale_locks()
    if not reachable:
        return True, "not compared: the package registry cannot be reached from here"
    return listed(complaints)


STEPS: dict[str, Callable[[], Outcome]] = {
    "types": tool("mypy"),
    "format": tool("ruff", "format", "--check", "--quiet", "--output-format", "concise", "."),
    "lint": tool("ruff", "check", "--quiet", "--output-format", "concise", "."),
    "templates": tool("djlint", "templates", "--lint", "--quiet"),
    "migrations": lambda: manage("makemigrations", "--check", "--dry-run"),
    "deploy": lambda: manage("check", "--deploy", "--fail-level", "WARNING", env=PRODUCTION),
    "docs": docs,
    "words": lambda: command(PYTHON, "bin/lib/words.py", "--check"),
    "hashes": hashes,
    "locks": locks,
    "tree": lambda: listed(guard.complaints()),
    "contrast": lambda: listed(contrast.complaints()),
}


def timed(step: Callable[[], Outcome]) -> tuple[bool, str, float]:
    started = time.monotonic()
    passed, said = step()
    return passed, said, time.monotonic() - started


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in STEPS]
    if unknown:
        print(f"There is no step {', '.join(unknown)}; there are: {', '.join(STEPS)}.", file=sys.stderr)
        return 2
    steps = {name: step for name, step in STEPS.items() if name in wanted or not wanted}
    failed = {}
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {name: pool.submit(timed, step) for name, step in steps.items()}
        for name, future in running.items():
            passed, said, seconds = future.result()
            note = f"  {said}" if passed and name == "locks" and said else ""
            print(f"{'ok  ' if passed else 'FAIL'}  {name:<11}{seconds:5.1f} s{note}", flush=True)
            if not passed:
                failed[name] = said
    for name, said in failed.items():
        print(f"\n--- {name} ---\n{said}")
    seconds = time.monotonic() - started
    verdict = f"failed: {', '.join(failed)}" if failed else "all good"
    print(f"\n{len(steps)} checks in {seconds:.0f} s: {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
