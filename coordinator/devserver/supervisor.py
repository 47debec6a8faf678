"""Keeps children running until told to stop; a killed one is back in seconds."""

import json
import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType

from coordinator.devserver.folder import Folder
from coordinator.devserver.processes import Child, started_at, stop_leftover

# Waits before the 1st, 2nd... restart of a child that keeps ending. The last one repeats.
RESTART_SECONDS = (0.0, 0.5, 1.0, 2.0, 3.0)
# After running this long a child is considered well again.
STEADY_SECONDS = 20.0
TICK_SECONDS = 0.2
LOG_CHECK_SECONDS = 10.0


class Stopped(Exception):
    """The user asked us to stop (Ctrl-C or SIGTERM)."""


class Supervisor:
    """Children are stopped in the reverse order of starting: the database last."""

    def __init__(self, folder: Folder, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.children: list[Child] = []
        self._began: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._stopping = False

    # --- signals ---------------------------------------------------------------------------------

    def catch_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def check_stop(self) -> None:
        """Raises Stopped once a stop was asked for."""
        if self._stopping:
            raise Stopped

    # --- leftovers -------------------------------------------------------------------------------

    def stop_leftovers(self) -> None:
        """Ends processes recorded by a start that was killed before it could stop them."""
        for name, (pid, began, number) in reversed(self.folder.read_json("children.json").items()):
            if stop_leftover(pid, began, number):
                self.say(f"stopped {name}, left over from a start that was killed")

    def _record(self) -> None:
        alive = {c.name: (c.pid, started_at(c.pid), int(c.stop_signal)) for c in self.children if c.pid}
        self.folder.write("children.json", json.dumps(alive))

    # --- running ---------------------------------------------------------------------------------

    def start(self, *children: Child) -> None:
        for child in children:
            self.children.append(child)
            child.start()
            self._began[child.name] = time.monotonic()
        self._record()

    def watch(self, until: Callable[[], bool], seconds: float | None = None) -> bool:
        """Keeps everything running until the condition holds (True) or the time is over (False)."""
        deadline = time.monotonic() + seconds if seconds else float("inf")
        next_log_check = 0.0
        while True:
            self.check_stop()
            for child in self.children:
                self._tend(child)
            if until():
                return True
            now = time.monotonic()
            if now > deadline:
                return False
            if now > next_log_check:
                self.folder.rotate_logs()
                next_log_check = now + LOG_CHECK_SECONDS
            time.sleep(TICK_SECONDS)

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child.running():
            if now - self._began[child.name] > STEADY_SECONDS:
                self._failures[child.name] = 0
            return
        if child.name not in self._due:
            failures = self._failures.get(child.name, 0)
            wait = RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)]
            self._failures[child.name] = failures + 1
            self._due[child.name] = now + wait
            child.clear_group()
            code = child.process.returncode if child.process else None
            self.say(f"{child.name} ended ({_describe(code)}); starting it again")
            if failures == len(RESTART_SECONDS):
                self.say(f"{child.name} keeps ending: {self.folder.log_tail(child.name)}")
        if now >= self._due[child.name]:
            del self._due[child.name]
            child.start()
            self._began[child.name] = time.monotonic()
            self._record()

    def stop(self) -> None:
        for group in _stop_order(self.children):
            for child in group:
                child.ask_to_stop()
            for child in group:
                if not child.wait_stopped():
                    self.say(f"{child.name} did not stop in {child.stop_seconds:.0f} s and was killed")
        self.folder.write("children.json", "{}")


def _stop_order(children: Iterable[Child]) -> list[list[Child]]:
    """Application processes together first, then the servers they need, latest started first."""
    servers = [child for child in children if child.name in ("postgres", "valkey")]
    others = [child for child in children if child not in servers]
    return [others, *([server] for server in reversed(servers))]


def _describe(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
