"""The whole of `bin/run`, started the way a person starts it, on the test run's servers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from django.db import connections

from coordinator.devserver.folder import free_port
from coordinator.devserver.processes import started_at
from coordinator.tests.database import TestDatabase
from patients.tests.factories import make_patient

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.slow_start


@dataclass
class Running:
    process: "subprocess.Popen[str]"
    data: Path
    port: int
    said: list[str]

    def answers(self, path: str = "/readyz") -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False

    def children(self) -> dict[str, int]:
        recorded = json.loads((self.data / "children.json").read_text())
        return {name: pid for name, (pid, _, _) in recorded.items()}


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def running(tmp_path: Path, transactional_db: None) -> Iterator[Running]:
    """`python -m coordinator.devserver` on a database of its own, ready.

    The database is migrated and holds one patient, so the demo is not filled in: its own tests do that.
    """
    make_patient()
    connections.close_all()
    database = TestDatabase(os.environ["DATABASE_URL"])
    database.template, database.name = database.name, f"{database.name}_run"
    database.copy()
    port = free_port()
    environment = os.environ | {
        "PORT": str(port),
        "INBOX_PORT": str(free_port()),
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": urlsplit(database.url)._replace(path=f"/{database.name}").geturl(),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator.devserver"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    assert process.stdout
    for line in process.stdout:
        said.append(line.rstrip())
        if "Ctrl-C stops everything" in line:
            break
    else:
        pytest.fail("\n".join(said))
    yield Running(process, tmp_path / "data", port, said)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    database.drop(database.name)


def test_it_serves_signs_in_comes_back_and_stops(running: Running) -> None:
    text = "\n".join(running.said)
    assert f"Open      http://127.0.0.1:{running.port}" in text
    assert "Sign in   Care coordinator" in text
    assert running.answers("/accounts/login/")
    children = running.children()
    assert sorted(children) == ["beat", "catchers", "web", "worker"]

    os.kill(children["web"], signal.SIGKILL)
    os.kill(children["catchers"], signal.SIGKILL)
    assert eventually(lambda: running.children()["web"] != children["web"])
    assert eventually(running.answers), (running.data / "logs" / "web.log").read_text()[-2000:]

    children = running.children()
    running.process.send_signal(signal.SIGINT)
    rest, _ = running.process.communicate(timeout=60)
    assert running.process.returncode == 0
    assert rest.rstrip().endswith("everything is stopped")
    assert not any(started_at(pid) for pid in children.values())
