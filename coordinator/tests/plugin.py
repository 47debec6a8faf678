"""pytest's set-up: servers for the run, a database per worker, no network. Loaded by `pytest.ini`.

With DATABASE_URL or REDIS_URL set, that server is used; what is missing is started for this run only.
"""

import ipaddress
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from coordinator.devserver.testservers import TestServers
from coordinator.tests import database

NO_TESTS_RUN = ("--help", "-h", "--version", "-V", "--collect-only", "--co", "--markers", "--fixtures")

servers = pytest.StashKey[TestServers]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-browser", action="store_true", help="leave out the tests marked `browser`")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None]:
    """Before Django reads its settings: the environment says where the servers are (or will be)."""
    os.environ["THROUGHLINE_ENV"] = "test"
    os.environ.pop("DEMO", None)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        base, _, number = os.environ["REDIS_URL"].rpartition("/")
        os.environ["REDIS_URL"] = f"{base}/{int(number) + int(worker.removeprefix('gw'))}"
    elif not any(argument in NO_TESTS_RUN for argument in args):
        start_missing(early_config)
    os.environ.setdefault("DATABASE_URL", "postgres://127.0.0.1/throughline")
    os.environ.setdefault("REDIS_URL", "redis://127.0.0.1/0")
    return (yield)


def start_missing(config: pytest.Config) -> None:
    """Starts what the environment does not name; they warm up while Django is imported."""
    missing = {name: not os.environ.get(f"{name.upper()}_URL") for name in ("database", "redis")}
    if not any(missing.values()):
        return
    started = TestServers(database=missing["database"], broker=missing["redis"])
    config.stash[servers] = started
    if missing["database"]:
        os.environ["DATABASE_URL"] = started.database_url
    if missing["redis"]:
        os.environ["REDIS_URL"] = started.redis_url


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: drives a real Chromium; left out with --no-browser")
    config.addinivalue_line("markers", "slow_start: starts real servers or whole processes; seconds each")
    # What a machine's load decides is no failure: examples have no deadline, and none is too slow to make.
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
    # Registered late on purpose: its database fixture then wins over pytest-django's.
    config.pluginmanager.register(database, "throughline-database")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if started := session.config.stash.get(servers, None):
        started.wait()
    sys.addaudithook(refuse_network)


def pytest_unconfigure(config: pytest.Config) -> None:
    if started := config.stash.get(servers, None):
        started.stop()
    elif "PYTEST_XDIST_WORKER" not in os.environ and not config.getoption("reuse_db"):
        database.drop_template(os.environ["DATABASE_URL"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`--no-browser`, and every test in a `browser` folder carries the marker by itself.

    These take the longest and come first, so that no worker waits for them at the end.
    """
    for item in items:
        if "browser" in Path(item.path).parent.parts:
            item.add_marker("browser")
    if config.getoption("--no-browser"):
        kept = [item for item in items if not item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.fixture(autouse=True, scope="session")
def own_files(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """What tests upload goes into a folder of this run."""
    from django.test import override_settings

    with override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("files")):
        yield


# --- no network ------------------------------------------------------------------------------------


class NetworkUsed(RuntimeError):
    """A test tried to leave the machine."""


def is_loopback(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: Python itself asks it before every connection and every name look-up."""
    if event == "socket.getaddrinfo" and not is_loopback(arguments[0]):
        raise NetworkUsed(f"A test looked up {arguments[0]!r}: replace what leaves the building.")
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not is_loopback(address[0]):
            raise NetworkUsed(f"A test connected to {address[0]!r}: replace what leaves the building.")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser for tests marked `browser`. Fails with what to do when there is none."""
    path = os.environ.get("CHROMIUM")
    if not path:
        pytest.fail("No Chromium named: run bin/test, set CHROMIUM=/path, or leave out with --no-browser.")
    return path
