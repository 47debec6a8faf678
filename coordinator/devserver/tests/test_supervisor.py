"""Children come back, stop in order, and do not outlive a killed supervisor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.devserver.folder import Folder
from coordinator.devserver.processes import Child, started_at, stop_leftover
from coordinator.devserver.supervisor import Stopped, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# Ignores being asked, the way a stuck process does.
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


@pytest.fixture
def supervisor(folder: Folder) -> Iterator[Supervisor]:
    running = Supervisor(folder, lambda text: said.append(text))
    said: list[str] = []
    running.said = said  # type: ignore[attr-defined]
    yield running
    running.stop()


def make_child(folder: Folder, name: str = "web", command: list[str] = SLEEP, seconds: float = 5) -> Child:
    return Child(name, command, dict(os.environ), lambda: folder.open_log(name), stop_seconds=seconds)


def gone(pid: int | None) -> bool:
    return pid is None or not started_at(pid)


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_a_killed_child_is_back_at_once_and_again(folder: Folder, supervisor: Supervisor) -> None:
    child = make_child(folder)
    supervisor.start(child)
    for _ in range(2):
        before = child.pid
        os.kill(before or 0, signal.SIGKILL)
        assert supervisor.watch(lambda before=before: child.running() and child.pid != before, seconds=5)
    assert "killed by SIGKILL" in supervisor.said[0]  # type: ignore[attr-defined]


def test_what_a_killed_child_left_behind_is_ended_before_it_returns(
    folder: Folder, supervisor: Supervisor
) -> None:
    script = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    child = make_child(folder, command=[sys.executable, "-c", script])
    supervisor.start(child)
    assert eventually(lambda: folder.log_tail("web").isdecimal())
    grandchild = int(folder.log_tail("web"))
    before = child.pid
    os.kill(before or 0, signal.SIGKILL)
    assert supervisor.watch(lambda: child.pid != before, seconds=5)
    assert eventually(lambda: gone(grandchild))


def test_a_child_that_ends_at_once_does_not_spin(folder: Folder, supervisor: Supervisor) -> None:
    child = make_child(folder, command=[sys.executable, "-c", "raise SystemExit(3)"])
    supervisor.start(child)
    supervisor.watch(lambda: False, seconds=1.5)
    assert 2 <= len(supervisor.said) <= 4  # type: ignore[attr-defined]
    assert "exit code 3" in supervisor.said[0]  # type: ignore[attr-defined]


def test_servers_stop_after_what_uses_them_and_the_stubborn_are_killed(
    folder: Folder, supervisor: Supervisor
) -> None:
    database = make_child(folder, "postgres")
    web = make_child(folder, "web", STUBBORN, seconds=0.3)
    supervisor.start(database, web)
    assert eventually(lambda: folder.log_tail("web") == "up")
    supervisor.stop()
    assert gone(database.pid)
    assert gone(web.pid)
    assert supervisor.said == ["web did not stop in 0 s and was killed"]  # type: ignore[attr-defined]


def test_being_asked_to_stop_ends_the_watch(supervisor: Supervisor) -> None:
    supervisor._on_signal(signal.SIGINT, None)
    with pytest.raises(Stopped):
        supervisor.watch(lambda: False)


def test_a_killed_supervisor_leaves_nothing_running(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from coordinator.devserver.folder import Folder\n"
        "from coordinator.devserver.supervisor import Supervisor; from coordinator.devserver.processes import Child\n"
        "folder = Folder(Path(sys.argv[1])); supervisor = Supervisor(folder, print)\n"
        "supervisor.start(Child('web', ['sleep', '60'], {'PATH': '/usr/bin:/bin'}, lambda: folder.open_log('web')))\n"
        "print('up', flush=True); supervisor.watch(lambda: False)"
    )
    other = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert other.stdout
    assert other.stdout.readline() == b"up\n"
    other.kill()
    other.wait()
    other.stdout.close()
    folder = Folder(tmp_path)
    pid, _, _ = folder.read_json("children.json")["web"]
    Supervisor(folder, print).stop_leftovers()  # where the kernel does not do it
    assert eventually(lambda: gone(pid))


def test_a_leftover_is_told_from_a_stranger_with_its_number(folder: Folder) -> None:
    child = make_child(folder)
    child.start()
    pid = child.pid or 0
    assert not stop_leftover(pid, "another time", signal.SIGTERM)
    assert child.running()
    reaper = eventually(lambda: bool(started_at(pid)))
    assert reaper
    child.ask_to_stop()
    child.wait_stopped()
