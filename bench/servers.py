"""What a benchmark runs on: the embedded PostgreSQL and Valkey with stock settings, our web server, and the floor.

Everything lives in one folder (BENCH_DIR, by default `throughline-bench` beside the product's data folder) and on loopback. A generated
database is kept there as a template, so that a second run of the same size starts in seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psycopg2

from coordinator.devserver.accounts import SERVER_ACCOUNTS, unprivileged
from coordinator.devserver.fingerprint import ROOT, fingerprint
from coordinator.devserver.folder import Folder, default_path, free_port
from coordinator.devserver.postgres import APPLICATION, OWNER, SUPERUSER, Postgres
from coordinator.devserver.processes import Child
from coordinator.devserver.supervisor import Supervisor
from coordinator.devserver.valkey import Valkey

MIGRATIONS_IN = ("coordinator", "patients", "careplans", "referrals", "scheduling")


def bench_folder() -> Path:
    named = os.environ.get("BENCH_DIR")
    return Path(named).absolute() if named else default_path().with_name("throughline-bench")


class Servers:
    """Context manager: database and broker answer inside it and are gone after it."""

    def __init__(self, say: Any) -> None:
        self.say = say
        self.folder = Folder(bench_folder())
        account = unprivileged(SERVER_ACCOUNTS)
        self.supervisor = Supervisor(self.folder, lambda text: say(text))
        self.postgres = Postgres(self.folder, free_port(), account)
        self.valkey = Valkey(self.folder, free_port(), account)
        self.children: list[Child] = []

    def __enter__(self) -> Servers:
        self.supervisor.catch_signals()
        self.supervisor.stop_leftovers()
        self.postgres.make()
        self.postgres.clear_stale_lock()
        self.supervisor.start(self.valkey.child(), self.postgres.child())
        for server in (self.postgres, self.valkey):
            if not self.supervisor.watch(server.accepts, seconds=60):
                raise SystemExit(f"A server does not answer: see {self.folder.path}/logs.")
        self.postgres.ensure_roles()
        return self

    def __exit__(self, *_error: Any) -> None:
        self.supervisor.stop()

    # --- databases -------------------------------------------------------------------------------------

    def admin(self, *statements: str) -> None:
        with contextlib.closing(psycopg2.connect(self.postgres.url(SUPERUSER, "postgres"))) as connection:
            connection.autocommit = True
            for statement in statements:
                connection.cursor().execute(statement)

    def exists(self, name: str) -> bool:
        with contextlib.closing(psycopg2.connect(self.postgres.url(SUPERUSER, "postgres"))) as connection:
            cursor = connection.cursor()
            cursor.execute("select 1 from pg_database where datname = %s", [name])
            return cursor.fetchone() is not None

    def database(self, patients: int, copy: str = "") -> str:
        """A fresh copy of the generated database of this size; generated when it is not there yet. `copy` names another."""
        made_from = fingerprint(*MIGRATIONS_IN, only="migrations") + fingerprint("bench", only="bench")
        template = f"made_{patients}_{hashlib.sha256(made_from.encode()).hexdigest()[:10]}"
        name = f"bench_{patients}{copy}"
        if not self.exists(template):
            self._generate(patients, template)
        self.admin(
            f"drop database if exists {name} with (force)",
            f"create database {name} template {template} owner {OWNER}",
            f"grant connect on database {name} to {APPLICATION}",
        )
        return name

    def _generate(self, patients: int, template: str) -> None:
        self.say(f"making a database of {patients:,} patients")
        part = f"{template}_part"
        self.admin(f"drop database if exists {part} with (force)", f"create database {part} owner {OWNER}")
        env = self.environment(part, owner=True)
        self.python("manage.py", "migrate", "-v0", env=env)
        admin = env | {"DATABASE_URL": self.postgres.url(SUPERUSER, part)}
        self.python("-m", "bench.generate", "--patients", str(patients), env=admin, show=True)
        self.python("manage.py", "grant_app_role", APPLICATION, env=env)
        self.admin(f"alter database {part} rename to {template}")

    def environment(
        self, database: str, *, owner: bool = False, settings: str = "bench.settings"
    ) -> dict[str, str]:
        """For processes of ours: the full stack as in the demo, nothing leaves the machine."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        role = OWNER if owner else APPLICATION
        return kept | {
            "THROUGHLINE_ENV": "demo",
            "DJANGO_SETTINGS_MODULE": settings,
            "SECRET_KEY": self.folder.secret("secret_key"),
            "FIELD_KEY": self.folder.secret("field_key"),
            "DATABASE_URL": self.postgres.url(role, database),
            "REDIS_URL": self.valkey.url,
            "DATA_DIR": str(self.folder.path / "app"),
            "STATIC_ROOT": str(self.folder.path / "app" / "static"),
            "SMS_GATEWAY_TOKEN": self.folder.secret("sms_token"),
        }

    def python(self, *command: str, env: dict[str, str], show: bool = False) -> None:
        out = None if show else subprocess.DEVNULL
        done = subprocess.run([sys.executable, *command], cwd=ROOT, env=env, stdout=out, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed.")

    def static_files(self, env: dict[str, str]) -> None:
        """Hashed and compressed, as in production: pages name them."""
        stamp, wanted = Path(env["STATIC_ROOT"]) / ".stamp", fingerprint("static")
        if not stamp.exists() or stamp.read_text() != wanted:
            self.python("manage.py", "collectstatic", "--noinput", "-v0", "--clear", env=env)
            stamp.write_text(wanted)

    # --- web servers -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def gunicorn(
        self,
        name: str,
        application: str,
        env: dict[str, str],
        *,
        ready: str,
        workers: int = 2,
        threads: int = 4,
    ) -> Iterator[Web]:
        """A running web server of `workers` processes; `ready` is a path that answers when it is."""
        port = free_port()
        with self.folder.open_log(name) as log:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}", "--workers", str(workers),
                    "--threads", str(threads), "--preload", "--no-control-socket", "--log-level", "warning",
                    "--keep-alive", "30",
                ],
                cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        web = Web(f"http://127.0.0.1:{port}", process.pid)
        try:
            web.wait(ready)
            yield web
        finally:
            process.terminate()
            process.wait(20)


class Web:
    """A running web server: its address and its master process."""

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid

    def wait(self, path: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urlopen(self.url + path, timeout=10) as answer:
                    if answer.status < 500:
                        return
            except URLError as error:
                if getattr(error, "code", 0) and error.code < 500:  # type: ignore[attr-defined]
                    return
                time.sleep(0.1)
        raise SystemExit(f"{self.url}{path} does not answer.")
