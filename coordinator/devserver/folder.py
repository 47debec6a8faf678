"""The data folder: everything `bin/run` keeps, in one place that can be deleted to start over.

secrets.json   generated passwords and keys, 0600
lock           held while running; names the address
environment.json  what web and worker were given, for bin/manage, 0600
children.json  processes of the last start, so that leftovers of a crash can be stopped
logs/          one file per process, limited in size
postgres/      the embedded database        valkey/   the embedded broker
app/           what the application writes: files, static, beat schedule, inboxes
"""

import fcntl
import json
import os
import secrets
import socket
from base64 import urlsafe_b64encode
from errno import EACCES
from pathlib import Path
from typing import IO, Any

from coordinator.devserver.accounts import Account


class Refused(Exception):
    """One sentence that says what is wrong and what to do; shown without a traceback."""


def default_path() -> Path:
    """`DATA_DIR`, else the system's state folder for root, else the user's data folder."""
    if named := os.environ.get("DATA_DIR"):
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path(os.sep, "var", "lib", "throughline")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "throughline"


class Folder:
    """A data folder held by this process until it ends. Raises Refused when it cannot be had."""

    def __init__(self, path: Path, address: str = "") -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._check_ours()
            if not os.access(path, os.W_OK | os.X_OK):
                raise PermissionError(EACCES, os.strerror(EACCES))
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            self._hold(address)
            # As root, children with other accounts pass through; they own only their own folder in it.
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            self.folder("logs")
            self._secrets = self._load_secrets()
        except OSError as error:
            raise Refused(
                f"Cannot write to the data folder {path} ({error.strerror}): make it writable, or choose another"
                " with DATA_DIR=/some/folder bin/run."
            ) from None

    def _check_ours(self) -> None:
        """Permissions are set inside, so a folder with other things in it (a home, /tmp) is refused."""
        names = os.listdir(self.path)
        if names and "lock" not in names:
            raise Refused(
                f"The data folder {self.path} holds other files: choose an empty or new one with"
                " DATA_DIR=/some/folder bin/run."
            )

    def _hold(self, address: str) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = os.pread(self._lock, 1000, 0).decode() or "another address"
            raise Refused(
                f"Throughline is already running on {where} with the data folder {self.path}: stop it there with"
                " Ctrl-C, or give this one its own DATA_DIR and PORT."
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, address.encode(), 0)

    def folder(self, name: str, account: Account | None = None) -> Path:
        """A private folder inside, made when missing and owned by the account."""
        path = self.path / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account:
            account.give(path)
        return path

    def write(self, name: str, text: str) -> None:
        """Replaces a small file as a whole, so that a crash leaves the old or the new one; 0600."""
        part = self.path / f"{name}.new"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        part.replace(self.path / name)

    def read_json(self, name: str) -> Any:
        """The file's content, or an empty dict when it is missing or damaged."""
        try:
            return json.loads((self.path / name).read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def _load_secrets(self) -> dict[str, str]:
        known: dict[str, str] = self.read_json("secrets.json")
        wanted = ("postgres", "owner", "application", "valkey", "sms_token", "secret_key")
        made = {name: secrets.token_urlsafe(32) for name in wanted if name not in known}
        if "field_key" not in known:
            made["field_key"] = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        if made:
            known |= made
            self.write("secrets.json", json.dumps(known, indent=1))
        return known

    def secret(self, name: str) -> str:
        return self._secrets[name]

    def open_log(self, name: str) -> IO[bytes]:
        """The log file of one process, for appending; 0600."""
        path = self.folder("logs") / f"{name}.log"
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)

    def rotate_logs(self, limit: int = 5_000_000) -> None:
        """Keeps each log at most `limit` bytes plus one older part. Writers append, so they go on unharmed."""
        for log in (self.path / "logs").glob("*.log"):
            if log.stat().st_size > limit:
                older = log.with_suffix(".log.1")
                with open(os.open(older, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                    target.write(log.read_bytes()[-limit:])
                os.truncate(log, 0)

    def log_tail(self, name: str) -> str:
        """The last line of a log, to name a cause in one sentence."""
        try:
            lines = (self.path / "logs" / f"{name}.log").read_text(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(preferred: int = 0) -> int:
    """The preferred loopback port when nobody has it, else any free one."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
