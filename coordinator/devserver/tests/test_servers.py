"""The embedded servers for real: made, reached with their password only, back after kill -9."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from coordinator.devserver.accounts import SERVER_ACCOUNTS, unprivileged
from coordinator.devserver.external import check_broker, check_database
from coordinator.devserver.folder import Folder, Refused, free_port
from coordinator.devserver.postgres import APPLICATION, OWNER, SUPERUSER, Postgres
from coordinator.devserver.supervisor import Supervisor
from coordinator.devserver.valkey import Valkey

pytestmark = pytest.mark.slow_start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("data")
    for parent in list(path.parents)[:3]:
        parent.chmod(
            parent.stat().st_mode | 0o011
        )  # pytest's folders are private; as root, postgres passes through
    return Folder(path)


@pytest.fixture(scope="module")
def supervisor(folder: Folder) -> Iterator[Supervisor]:
    running = Supervisor(folder, lambda text: None)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def postgres(folder: Folder, supervisor: Supervisor) -> Postgres:
    server = Postgres(folder, free_port(), unprivileged(SERVER_ACCOUNTS))
    server.make()
    supervisor.start(server.child())
    assert supervisor.watch(server.accepts, seconds=30), folder.log_tail("postgres")
    server.ensure_roles()
    return server


@pytest.fixture(scope="module")
def valkey(folder: Folder, supervisor: Supervisor) -> Valkey:
    server = Valkey(folder, free_port(), unprivileged(SERVER_ACCOUNTS))
    supervisor.start(server.child())
    assert supervisor.watch(server.accepts, seconds=30), folder.log_tail("valkey")
    return server


def answer(url: str, statement: str) -> object:
    connection = psycopg2.connect(url)
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchone()[0]
    finally:
        connection.close()


def test_the_database_is_durable_and_listens_on_loopback_with_passwords(postgres: Postgres) -> None:
    admin = postgres.url(SUPERUSER, "postgres")
    assert answer(admin, "SHOW data_checksums") == "on"
    assert answer(admin, "SHOW fsync") == "on"
    assert answer(admin, "SHOW listen_addresses") == "127.0.0.1"
    assert answer(admin, "SHOW unix_socket_directories") == ""
    assert answer(admin, "SELECT bool_and(auth_method = 'scram-sha-256') FROM pg_hba_file_rules") is True
    assert (
        answer(admin, "SELECT datcollate || datlocale FROM pg_database WHERE datname = 'throughline'")
        == "CC.UTF-8"
    )


def test_the_application_role_may_neither_make_tables_nor_see_other_databases(postgres: Postgres) -> None:
    postgres.ensure_roles()  # a second time changes nothing
    assert answer(postgres.url(APPLICATION), "SELECT has_schema_privilege('public', 'CREATE')") is False
    assert answer(postgres.url(OWNER), "SELECT has_schema_privilege('public', 'CREATE')") is True
    assert answer(postgres.url(OWNER), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_no_password_no_entry(postgres: Postgres, valkey: Valkey) -> None:
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(f"postgres://{SUPERUSER}@127.0.0.1:{postgres.port}/postgres", password="guess")
    stranger = redis.Redis(port=valkey.port)
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    stranger.close()


def test_both_servers_return_on_their_port_after_kill(
    postgres: Postgres, valkey: Valkey, supervisor: Supervisor
) -> None:
    for server, child in zip((postgres, valkey), supervisor.children, strict=True):
        before = child.pid or 0
        os.kill(before, signal.SIGKILL)
        assert supervisor.watch(lambda c=child, b=before, s=server: c.pid != b and s.accepts(), seconds=10)


def test_a_lock_file_naming_a_stranger_is_removed(postgres: Postgres, tmp_path: Path) -> None:
    other = Postgres.__new__(Postgres)
    other.data = tmp_path
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{tmp_path}\n")
    assert other.clear_stale_lock()
    assert not lock.exists()
    lock.write_text("")
    other.clear_stale_lock()
    assert not lock.exists()


def test_another_major_version_is_refused_with_both_numbers(
    folder: Folder, postgres: Postgres, tmp_path: Path
) -> None:
    other = Postgres.__new__(Postgres)
    other.data = tmp_path
    (tmp_path / "PG_VERSION").write_text("15\n")
    with pytest.raises(Refused, match="made by PostgreSQL 15 and this is 18"):
        other.make()


def test_lost_passwords_are_said_to_be_lost(postgres: Postgres, folder: Folder) -> None:
    kept = dict(folder._secrets)
    folder._secrets["postgres"] = "another"
    try:
        with pytest.raises(Refused, match="does not fit the database"):
            postgres.accepts()
    finally:
        folder._secrets.update(kept)


def test_a_named_server_that_cannot_be_used_is_one_sentence_without_its_password(
    postgres: Postgres, valkey: Valkey
) -> None:
    check_database("DATABASE_URL", postgres.url(SUPERUSER, "postgres"))
    check_broker(valkey.url)
    wrong = postgres.url(SUPERUSER, "postgres").replace(postgres.folder.secret("postgres"), "hunter2")
    for refused in (
        lambda: check_database("DATABASE_URL", wrong),
        lambda: check_database("DATABASE_OWNER_URL", f"postgres://x:hunter2@127.0.0.1:{free_port()}/x"),
        lambda: check_broker(f"redis://:hunter2@127.0.0.1:{valkey.port}/0"),
        lambda: check_broker("hunter2"),
    ):
        with pytest.raises(Refused, match=r"cannot be used .* unset it") as refusal:
            refused()
        assert "hunter2" not in str(refusal.value)
        assert "\n" not in str(refusal.value)
