"""One child process: started in its own group, dies with the supervisor, stopped in good order."""

import ctypes
import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from coordinator.devserver.accounts import Account

PR_SET_PDEATHSIG = 1
LINUX = platform.system() == "Linux"
_libc = ctypes.CDLL(None) if LINUX else None


def _dies_with(parent: int, number: int) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends `number` when the parent is gone, even after kill -9 (Linux only)."""

    def prepare() -> None:
        if _libc is None:
            return
        _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


@dataclass
class Child:
    """What to run and how. Start it from the main thread: the kernel ties its life to the starting thread."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    log: Callable[[], IO[bytes]]
    account: Account | None = None
    directory: Path | None = None
    stdin: bytes = b""
    stop_signal: int = signal.SIGTERM
    # Sent by the kernel when the supervisor was killed: nobody waits then, so it is the quick way out.
    orphan_signal: int = signal.SIGTERM
    stop_seconds: float = 15
    before_start: Callable[[], object] = lambda: None
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        self.before_start()
        options: dict[str, Any] = self.account.popen_options() if self.account else {}
        with self.log() as log:
            self.process = subprocess.Popen(
                [str(part) for part in self.command],
                env=dict(self.environment),
                cwd=self.directory,
                stdin=subprocess.PIPE if self.stdin else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_dies_with(os.getpid(), self.orphan_signal),
                **options,
            )
        if self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.write(self.stdin)
                self.process.stdin.close()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def clear_group(self) -> None:
        """After the child itself is gone: ends what it left behind, so that a restart finds the port free."""
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def ask_to_stop(self) -> None:
        if self.process and self.running():
            self.process.send_signal(self.stop_signal)

    def wait_stopped(self) -> bool:
        """True when it ended by itself in `stop_seconds`; otherwise it is killed."""
        if not self.process:
            return True
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        finally:
            self.clear_group()
        return True


def ps(pid: int, what: str) -> str:
    """One fact about a process where there is no /proc; "" when there is no such process."""
    answer = subprocess.run(["ps", "-o", f"{what}=", "-p", str(pid)], capture_output=True, text=True)
    return answer.stdout.strip()


def command_line(pid: int) -> str:
    """The command a living process was started with; "" when there is none."""
    if not LINUX:
        return ps(pid, "command")
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def started_at(pid: int) -> str:
    """When a living process began, as the system tells it; "" when there is none. A reused pid differs."""
    if LINUX:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    return ps(pid, "lstart")


def stop_leftover(pid: int, began: str, number: int, seconds: float = 10) -> bool:
    """Ends a process of an earlier start, if it is still that very process. True when there was one."""
    if not began or started_at(pid) != began:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    deadline = time.monotonic() + seconds
    while started_at(pid) == began:
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        time.sleep(0.05)
    return True
