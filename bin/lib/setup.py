"""Makes the environment a command needs, then becomes that command. Standard library only.

Works without venv, pip caches, Node, Docker or system packages: uv (pinned by hash) is fetched with
pip and makes the virtual environment; where uv cannot be had, `python -m venv` and pip do the same.
A warm start only compares two hashes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = VENV / "throughline.json"
INSTALLING = VENV / "throughline.installing"
UV_HOME = ROOT / ".uv"
UV_LOCK = ROOT / "bin" / "requirements" / "uv.txt"
RUN_LOCK = ROOT / "requirements.txt"
DEV_LOCK = ROOT / "bin" / "requirements" / "dev.txt"

WRONG_HASH = "hash mismatch"

STARTED = time.time()


class Refused(Exception):
    """One sentence that says what is wrong and what to do; shown without a traceback."""


def say(text: str) -> None:
    print(f"[{time.time() - STARTED:5.1f}s] {text}", flush=True)


# --- is what we have good? ---------------------------------------------------------------------------


def fingerprint(kind: str) -> str:
    """Hash of the locks an environment of this kind ("run" or "dev") is made from."""
    locks = [RUN_LOCK] if kind == "run" else [RUN_LOCK, DEV_LOCK]
    return hashlib.sha256(b"\0".join(lock.read_bytes() for lock in locks)).hexdigest()


def venv_version() -> str | None:
    """`3.11` and so on when the environment's interpreter starts, else None."""
    try:
        answer = subprocess.run(
            [PYTHON, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def installed_entries(version: str) -> dict[str, int]:
    """What lies in site-packages: name -> number of direct entries (0 for a file).

    Cheap enough for every start, and it notices a package that was half removed.
    """
    entries = {}
    for entry in os.scandir(VENV / "lib" / f"python{version}" / "site-packages"):
        if entry.name == "__pycache__":
            continue
        inside = os.listdir(entry) if entry.is_dir() else []
        entries[entry.name] = sum(name != "__pycache__" for name in inside)
    return entries


def judge(kind: str) -> str:
    """`good`, `missing`, `outdated` (the locks changed) or `broken` (half installed)."""
    if not VENV.exists():
        return "missing"
    version = venv_version()
    if INSTALLING.exists() or version is None:
        return "broken"
    try:
        state = json.loads(STATE.read_text())
        present = installed_entries(version)
    except (OSError, ValueError):
        return "outdated"
    if state.get("python") != version:
        return "broken"
    if any(present.get(name, -1) < count for name, count in state["entries"].items()):
        return "broken"
    return "good" if state["kinds"].get(kind) == fingerprint(kind) else "outdated"


# --- making it good ----------------------------------------------------------------------------------


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two commands started at once install one after the other."""
    UV_HOME.mkdir(exist_ok=True)
    with open(UV_HOME / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another command is installing; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def quiet(*command: str | Path) -> tuple[bool, str]:
    """Runs a command; (worked, everything it said)."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=tool_env())
    except OSError as error:
        return False, str(error)
    return done.returncode == 0, done.stderr + done.stdout


def reason(said: str) -> str:
    """The one line of a tool's output that names the trouble."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.lower().startswith(("cause:", "error:"))]
    return (telling or lines or ["no reason given"])[-1].rstrip(".")


def tool_env() -> dict[str, str]:
    """The caller's environment; pip's own index and certificate settings hold for uv as well."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    env["UV_PYTHON_DOWNLOADS"] = "never"
    for pip_name, uv_name in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if env.get(pip_name):
            env.setdefault(uv_name, env[pip_name])
    return env


def find_uv(pip: Path | str = sys.executable) -> Path | None:
    """The pinned uv, fetched once into `.uv/` by the given interpreter's pip; None when that cannot be."""
    home = UV_HOME / hashlib.sha256(UV_LOCK.read_bytes()).hexdigest()[:12]
    if (home / "bin" / "uv").exists():
        return home / "bin" / "uv"
    part = home.with_name(f"{home.name}.{os.getpid()}")
    worked, _ = quiet(
        pip, "-m", "pip", "install", "-q", "--only-binary", ":all:", "--require-hashes",
        "--no-deps", "--target", part, "-r", UV_LOCK,
    )  # fmt: skip
    if worked and not home.exists():
        part.rename(home)
    shutil.rmtree(part, ignore_errors=True)
    return home / "bin" / "uv" if worked else None


def make_venv(uv: Path | None) -> None:
    """An empty virtual environment, by uv where possible (it needs neither python3-venv nor ensurepip)."""
    if uv:
        worked, said = quiet(uv, "venv", "-q", "--clear", "--python", sys.executable, VENV)
        if worked:
            return
    worked, said = quiet(sys.executable, "-m", "venv", "--clear", VENV)
    if not worked:
        raise Refused(
            f"Could not make a virtual environment ({reason(said)}): install pip or the venv module for"
            f" {sys.executable}, for example with `apt-get install python3-venv`, and run this again."
        )


def install(lock: Path, uv: Path | None) -> None:
    """Everything in the lock, each file checked against its hash; wheels only, so nothing runs at install."""
    if uv:
        worked, said = quiet(
            uv, "pip", "install", "-q", "--python", PYTHON, "--no-build", "--require-hashes", "-r", lock
        )
        if worked:
            return
        if WRONG_HASH in said.lower():
            raise Refused(
                f"A downloaded package is not the one that was pinned ({reason(said)}): nothing was started; find"
                " out what changed it, or take a correct requirements file."
            )
        say(f"uv could not install ({reason(said)}); trying pip")
    pip = [PYTHON] if (VENV / "bin" / "pip").exists() else [sys.executable, "-m", "pip", "--python", PYTHON]
    command = [*pip, "-m", "pip"] if len(pip) == 1 else pip
    worked, said = quiet(
        *command, "install", "-q", "--only-binary", ":all:", "--require-hashes", "--no-deps", "-r", lock
    )
    if not worked:
        raise Refused(
            f"Could not install the requirements ({reason(said)}): check that the package registry can be reached and run"
            " this again; it continues where it stopped."
        )


def ensure(kind: str) -> None:
    """Leaves `.venv` holding what the locks of this kind say; quick when it already does."""
    if judge(kind) == "good":
        return
    try:
        with only_one():
            repair(kind, judge(kind))
    except PermissionError as error:
        raise Refused(
            f"Cannot write to {error.filename}: make the checkout writable for this account."
        ) from None


def repair(kind: str, verdict: str) -> None:
    if verdict == "good":
        return
    if verdict == "broken":
        say("the Python environment in .venv is half-installed; building it again")
    elif verdict == "outdated":
        say("bringing the Python environment up to date with the requirements")
    uv = find_uv()
    if verdict in ("missing", "broken"):
        if verdict == "missing":
            say("making a Python environment in .venv")
        make_venv(uv)
    uv = uv or find_uv(PYTHON)
    INSTALLING.touch()
    lock = RUN_LOCK if kind == "run" else DEV_LOCK
    pins = sum("==" in line for line in lock.read_text().splitlines())
    say(f"installing up to {pins} pinned packages with {'uv' if uv else 'pip'}")
    install(lock, uv)
    version = venv_version() or ""
    kinds = {"run": fingerprint("run")} | ({"dev": fingerprint("dev")} if kind == "dev" else {})
    STATE.write_text(json.dumps({"python": version, "kinds": kinds, "entries": installed_entries(version)}))
    INSTALLING.unlink()
    say("Python environment ready")


# --- a browser for the tests -------------------------------------------------------------------------

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find_browser() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next((path for path in map(shutil.which, BROWSERS) if path), None)


def ensure_browser() -> str:
    """Path of a Chromium; Debian's is installed when there is none and this account may."""
    if path := find_browser():
        return path
    alone = (
        "install it with `apt-get install chromium`, name one with CHROMIUM=/path, or leave the browser tests"
    )
    alone += " out with bin/test --no-browser."
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (prefix and not shutil.which("sudo")):
        raise Refused(f"The browser tests need Chromium and this account cannot install it here: {alone}")
    say("installing Chromium for the browser tests")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    worked, said = quiet(*apt, "update")
    if worked:
        worked, said = quiet(*apt, "install", "--no-install-recommends", "chromium", "fonts-liberation")
    path = find_browser()
    if not path:
        raise Refused(
            f"The browser tests need Chromium and apt-get could not install it ({reason(said)}): {alone}"
        )
    return path


# --- the commands ------------------------------------------------------------------------------------


def become(*command: str | Path, **env: str) -> None:
    """Replaces this process by the environment's Python running the command, in the checkout."""
    os.chdir(ROOT)
    sys.stdout.flush()
    os.environ.update(env, THROUGHLINE_STARTED=str(STARTED))
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH"):
        os.environ.pop(name, None)
    os.execv(PYTHON, [str(PYTHON), *map(str, command)])


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def test(arguments: list[str]) -> None:
    env = {}
    if "--no-browser" not in arguments:
        env["CHROMIUM"] = ensure_browser()
    ensure("dev")
    chosen = any(a.startswith(("-n", "--numprocesses")) for a in arguments)
    # Who is done takes over from who is not: browser tests are few and slow.
    parallel = [] if chosen else ["-n", str(cores()), "--dist", "worksteal"]
    become("-m", "pytest", *parallel, *arguments, **env)


def main(command: str, *arguments: str) -> None:
    if command == "run":
        ensure("run")
        become("-m", "coordinator.devserver", *arguments)
    elif command == "test":
        test(list(arguments))
    elif command == "manage":
        ensure("run")
        become("-m", "coordinator.devserver.manage", *arguments, CALLED_FROM=os.getcwd())
    elif command == "bench":
        ensure("dev")
        become("-m", "bench.run", *arguments)
    else:
        ensure("dev")
        become(ROOT / "bin" / "lib" / f"{command}.py", *arguments)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit("Stopped before it was ready; run it again to continue.")
