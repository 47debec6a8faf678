"""The set-up of the tests themselves: nothing leaves the machine, every worker has its own database."""

import socket
from urllib.request import urlopen

import pytest

from coordinator.tests.database import TestDatabase
from coordinator.tests.plugin import NetworkUsed, is_loopback


def test_a_test_that_leaves_the_machine_fails() -> None:
    with pytest.raises(NetworkUsed, match="looked up"):
        socket.create_connection(("example.org", 80))
    with pytest.raises(NetworkUsed, match="connected to"), socket.socket() as stream:
        stream.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkUsed), socket.socket(type=socket.SOCK_DGRAM) as packets:
        packets.sendto(b"x", ("192.0.2.1", 53))
    with pytest.raises(NetworkUsed):
        urlopen("http://example.org/")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("", True),
        (None, True),
        ("10.0.0.1", False),
        ("x", False),
    ],
)
def test_only_loopback_counts_as_this_machine(host: str | None, allowed: bool) -> None:
    assert is_loopback(host) is allowed


def test_each_worker_has_a_database_of_its_own_from_one_template(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for worker in ("gw0", "gw1", ""):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        database = TestDatabase("postgres://me@127.0.0.1:5432/mine?sslmode=disable")
        assert database.template == "test_mine_template"
        names.add(database.name)
    assert names == {"test_mine_gw0", "test_mine_gw1", "test_mine"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_with_real_transactions_leaves_nothing_behind(turn: int) -> None:
    from coordinator.accounts.models import Organization

    assert not Organization.objects.filter(name="left behind").exists()
    Organization.objects.create(name="left behind")
