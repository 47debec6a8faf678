"""Wires the pieces together: which servers, which environment, in which order."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from coordinator.devserver.accounts import (
    APPLICATION_ACCOUNTS,
    SERVER_ACCOUNTS,
    Account,
    can_read,
    unprivileged,
)
from coordinator.devserver.external import check_broker, check_database
from coordinator.devserver.fingerprint import ROOT, fingerprint
from coordinator.devserver.folder import Folder, Refused, default_path, free_port, is_free
from coordinator.devserver.postgres import OWNER, Postgres
from coordinator.devserver.processes import Child
from coordinator.devserver.supervisor import Stopped, Supervisor
from coordinator.devserver.valkey import Valkey

STARTED = float(os.environ.get("THROUGHLINE_STARTED") or time.time())
# A change in any of these needs the preparation to end before the first page.
PREPARED_FROM = ("coordinator", "patients", "careplans", "referrals", "scheduling", "static")


def say(text: str) -> None:
    print(f"[{time.time() - STARTED:5.1f}s] {text}", flush=True)


def wanted_port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Refused(f"{name} is {text!r}: set it to a port number between 1 and 65535.")
    return int(text)


class Product:
    """The embedded servers, the catchers, web, worker and beat, for one data folder and one port."""

    def __init__(self) -> None:
        self.port = wanted_port("PORT", 8000)
        wanted_port("INBOX_PORT", 8025)
        self.address = f"http://127.0.0.1:{self.port}"
        # The lock comes first: a second start with the same data should hear that, not "port taken".
        self.folder = Folder(default_path(), self.address)
        if not is_free(self.port):
            raise Refused(
                f"Port {self.port} is taken by another program: stop it, or choose another with"
                f" PORT={self.port + 1} bin/run."
            )
        self.supervisor = Supervisor(self.folder, say)
        self.database: Postgres | None = None
        self.broker: Valkey | None = None
        self.account = self._application_account()
        self.home = self.folder.folder("app", self.account)
        self.inbox_port = self.smtp_port = 0
        self.env: dict[str, str] = {}

    def _application_account(self) -> Account | None:
        """As root: an account without rights, if it can read the code; in root's private home it cannot."""
        account = unprivileged(APPLICATION_ACCOUNTS)
        needed = (ROOT / "manage.py", Path(sys.executable), Path(os.__file__), self.folder.path)
        hidden = [path for path in needed if account and not can_read(account, path)]
        if account and hidden:
            say(
                f"the account {account.name} cannot reach {hidden[0]}, so web and worker run as root: for more than"
                " a look, start this as an ordinary user"
            )
            return None
        return account

    # --- servers ---------------------------------------------------------------------------------

    def start_servers(self) -> None:
        """The embedded servers that are wanted, ready to be used. A given URL replaces its server."""
        account = unprivileged(SERVER_ACCOUNTS)
        known = self.folder.read_json("ports.json")
        if url := os.environ.get("REDIS_URL"):
            check_broker(url)
        else:
            self.broker = Valkey(self.folder, free_port(known.get("valkey", 0)), account)
            self.supervisor.start(self.broker.child())
        if os.environ.get("DATABASE_URL"):
            for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
                if url := os.environ.get(name):
                    check_database(name, url)
        else:
            self.database = Postgres(self.folder, free_port(known.get("postgres", 0)), account)
            if not self.database.data.exists():
                say("making the embedded PostgreSQL database")
            self.database.make()
            if self.database.clear_stale_lock():
                say("removed a lock file that PostgreSQL left behind when it was killed")
            self.supervisor.start(self.database.child())
        servers = {"postgres": self.database, "valkey": self.broker}
        ports = {name: server.port for name, server in servers.items() if server}
        self.folder.write("ports.json", json.dumps(known | ports))
        for name, server in servers.items():
            if server and not self.supervisor.watch(server.accepts, seconds=60):
                raise self.silent(name, name)
        if self.database:
            self.database.ensure_roles()

    def log_path(self, name: str) -> Path:
        return self.folder.path / "logs" / f"{name}.log"

    def silent(self, what: str, log: str) -> Refused:
        """The sentence for a child that runs but does not answer."""
        return Refused(f"{what} does not answer ({self.folder.log_tail(log)}): see {self.log_path(log)}.")

    # --- application -----------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """What web, worker and beat get. Messages always go to the catchers, whatever the caller has set."""
        known = self.folder.read_json("ports.json")
        self.inbox_port = free_port(wanted_port("INBOX_PORT", 8025))
        self.smtp_port = free_port(known.get("smtp", 0))
        self.folder.write("ports.json", json.dumps(known | {"smtp": self.smtp_port}))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        own = self._own_environment()
        # For bin/manage, which speaks to the same database; as private as the secrets in it.
        self.folder.write("environment.json", json.dumps(own))
        return kept | own | {"PYTHONUNBUFFERED": "1", **self._other_account_environment()}

    def _own_environment(self) -> dict[str, str]:
        return {
            "THROUGHLINE_ENV": "demo",
            "SECRET_KEY": self.folder.secret("secret_key"),
            "FIELD_KEY": self.folder.secret("field_key"),
            "DATABASE_URL": self.database.url() if self.database else os.environ["DATABASE_URL"],
            "REDIS_URL": self.broker.url if self.broker else os.environ["REDIS_URL"],
            "DATA_DIR": str(self.home),
            "STATIC_ROOT": str(self.home / "static"),
            "BASE_URL": self.address,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.smtp_port),
            "EMAIL_HOST_USER": "",
            "EMAIL_USE_TLS": "0",
            "SMS_GATEWAY": "sandbox",
            "SMS_GATEWAY_URL": f"http://127.0.0.1:{self.inbox_port}",
            "SMS_GATEWAY_TOKEN": self.folder.secret("sms_token"),
        }

    def _other_account_environment(self) -> dict[str, str]:
        """An account that may not write into the checkout keeps Python's bytecode in the data folder."""
        if not self.account:
            return {}
        return {"PYTHONPYCACHEPREFIX": str(self.home / "bytecode"), "HOME": str(self.home)}

    def python(self, name: str, *command: str, **options: Any) -> Child:
        return Child(
            name=name,
            command=[sys.executable, "-m", *command],
            environment=options.pop("environment", self.env),
            log=lambda: self.folder.open_log(name),
            account=self.account,
            directory=ROOT,
            **options,
        )

    def web(self) -> Child:
        return self.python(
            "web",
            "gunicorn", "coordinator.wsgi:application", "--bind", f"127.0.0.1:{self.port}",
            "--workers", "2", "--threads", "4", "--preload", "--no-control-socket",
            "--graceful-timeout", "10", "--log-level", "warning",
            # The path without its query: a search holds names.
            "--access-logfile", "-", "--access-logformat", "%(t)s %(m)s %(U)s %(s)s %(L)ss",
            orphan_signal=signal.SIGQUIT,
        )  # fmt: skip

    def background(self) -> list[Child]:
        celery = ("celery", "-A", "coordinator")
        schedule = str(self.home / "beat-schedule")
        return [
            self.python(
                "worker", *celery, "worker", "-c", "2", "-l", "warning", orphan_signal=signal.SIGQUIT
            ),
            self.python("beat", *celery, "beat", "-l", "warning", "-s", schedule, "--pidfile="),
        ]

    def catchers(self) -> Child:
        return self.python(
            "catchers",
            "coordinator.devserver.catchers",
            "--folder", str(self.home / "inboxes"),
            "--http-port", str(self.inbox_port),
            "--smtp-port", str(self.smtp_port),
        )  # fmt: skip

    def prepare(self, what: str) -> Child:
        """A child that prepares `database` or `static` and ends; the first alone gets the owner's password."""
        owner = {}
        if what == "database" and self.database:
            owner["DATABASE_OWNER_URL"] = self.database.url(OWNER)
        self.log_path(what).unlink(missing_ok=True)
        return self.python(what, "coordinator.devserver.prepare", what, environment=self.env | owner)

    def start_application(self) -> dict[str, Any]:
        """Database, static files and web, ready. Returns what the preparation said (the sign-ins).

        The web server starts as soon as there are tables and files, beside the filling of the demo; at once
        when nothing changed since the last preparation here.
        """
        current = fingerprint(*PREPARED_FROM)
        unchanged = self.database and self.folder.read_json("prepared.json").get("from") == current
        web = self.web()
        database, static = self.prepare("database"), self.prepare("static")
        try:
            database.start()
            if not (unchanged and (self.home / "static" / ".stamp").exists()):
                static.start()
                self.supervisor.watch(lambda: self.done(static) and (self.done(database) or self.migrated()))
            self.supervisor.start(web)
            self.supervisor.watch(lambda: self.done(database))
        finally:
            for child in (database, static):
                child.ask_to_stop()
                child.wait_stopped()
        self.folder.write("prepared.json", json.dumps({"from": current}))
        if not self.supervisor.watch(self.web_is_ready, seconds=90):
            raise self.silent("The web server", "web")
        return dict(json.loads(self.folder.log_tail("database")))

    def migrated(self) -> bool:
        return self.folder.log_tail("database") == "migrated"

    def done(self, child: Child) -> bool:
        """Whether a preparation has ended. Raises Refused with its last words when it ended badly."""
        if child.process is None or child.running():
            return False
        if child.process.returncode:
            said = self.folder.log_tail(child.name)
            cure = f"see {self.log_path(child.name)}"
            if "ModuleNotFoundError" in said or "ImportError" in said:
                cure = "if a package is damaged, delete .venv and run bin/run again; otherwise " + cure
            raise Refused(f"The {child.name} could not be prepared ({said}): {cure}.")
        return True

    def web_is_ready(self) -> bool:
        try:
            with urlopen(f"{self.address}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    # --- the whole -------------------------------------------------------------------------------

    def run(self) -> None:
        """Starts everything and keeps it running until Ctrl-C. Raises Refused when it cannot start."""
        self.supervisor.catch_signals()
        try:
            self.supervisor.stop_leftovers()
            self.start_servers()
            self.env = self.environment()
            self.supervisor.start(self.catchers())
            say("preparing the database and static files")
            said = self.start_application()
            self.supervisor.start(*self.background())
            self.announce(said)
            self.supervisor.watch(lambda: False)
        except Stopped:
            say("stopping")
        finally:
            self.supervisor.stop()
        say("everything is stopped")

    def announce(self, said: dict[str, Any]) -> None:
        say("ready")
        print(f"\n  Open      {self.address}")
        print(
            f"  Inboxes   http://127.0.0.1:{self.inbox_port}   what the demo sends; nothing leaves this machine"
        )
        people = [[str(fact) for fact in sign_in] for sign_in in said["sign_ins"]]
        widths = [max(map(len, column)) for column in zip(*people, strict=True)]
        for number, facts in enumerate(people):
            row = "   ".join(fact.ljust(width) for fact, width in zip(facts, widths, strict=True))
            print(f"  {'' if number else 'Sign in':<9} {row.rstrip()}")
        print(f"  Data      {self.folder.path}   delete it to start over; logs are inside")
        print("\n  Ctrl-C stops everything.\n", flush=True)
