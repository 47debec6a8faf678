"""One database per test worker, copied from a template that was migrated once.

The template carries a hash of all migrations as its comment, so it is made again when they change and
kept with `--reuse-db`. A test with real transactions gets its database back by a fresh copy: nothing is
truncated, rows made by migrations survive, and append-only tables stay append-only.
"""

import os
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2 import sql

from coordinator.devserver.fingerprint import fingerprint

LOCK = 7_261_108  # advisory lock on the server: one worker makes the template, the others wait
MIGRATED = ("coordinator", "patients", "careplans", "referrals", "scheduling")


class TestDatabase:
    """The names, and the copying. Talks to the server's `postgres` database through its own connection."""

    __test__ = False

    def __init__(self, url: str) -> None:
        self.url = url
        base = f"test_{urlsplit(url).path.strip('/')}"
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        self.template = f"{base}_template"
        self.name = f"{base}_{worker}" if worker else base

    @contextmanager
    def _server(self) -> Generator[Any]:
        maintenance = urlsplit(self.url)._replace(path="/postgres").geturl()
        with closing(psycopg2.connect(maintenance)) as connection:
            connection.autocommit = True
            yield connection.cursor()

    @contextmanager
    def _alone(self) -> Generator[Any]:
        with self._server() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            yield cursor

    def make_template(self, migrate: Any) -> None:
        """Runs `migrate(name)` on a new database unless one with the same migrations is there."""
        # Of the clocks everything: a migration writes their register of rules into the database.
        wanted = fingerprint(*MIGRATED, only="migrations")[:32] + fingerprint("coordinator/clocks")[:32]
        with self._alone() as cursor:
            cursor.execute(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
                [self.template],
            )
            if cursor.fetchone() == (wanted,):
                return
            self._drop(cursor, self.template)
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(self.template))
            )
            migrate(self.template)
            statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
            cursor.execute(statement.format(sql.Identifier(self.template), sql.Literal(wanted)))

    def copy(self) -> None:
        """The worker's own database, as fresh as the template. Open sessions on the old one are ended."""
        with self._server() as cursor:
            self._drop(cursor, self.name)
            names = (sql.Identifier(self.name), sql.Identifier(self.template))
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))

    def drop(self, name: str) -> None:
        with self._server() as cursor:
            self._drop(cursor, name)

    @staticmethod
    def _drop(cursor: Any, name: str) -> None:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Generator[None]:
    """Replaces pytest-django's: same name, same promise (a migrated test database), from the template."""
    from django.core.management import call_command
    from django.db import connection, connections
    from django.test import TransactionTestCase

    database = TestDatabase(os.environ["DATABASE_URL"])

    def use(name: str) -> None:
        connections.close_all()
        connection.settings_dict["NAME"] = name

    def migrate(name: str) -> None:
        use(name)
        call_command("migrate", verbosity=0, interactive=False)
        connections.close_all()

    def restore(test: TransactionTestCase) -> None:
        connections.close_all()
        database.copy()

    with django_db_blocker.unblock():
        original = connection.settings_dict["NAME"]
        database.make_template(migrate)
        database.copy()
        use(database.name)
    usual = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    TransactionTestCase._fixture_teardown = restore  # type: ignore[attr-defined]
    yield
    TransactionTestCase._fixture_teardown = usual  # type: ignore[attr-defined]
    with django_db_blocker.unblock():
        use(original)
        database.drop(database.name)


def drop_template(url: str) -> None:
    """At the end of a run on a server that stays: nothing of ours is left there."""
    database = TestDatabase(url)
    with suppress(psycopg2.OperationalError):
        database.drop(database.template)
