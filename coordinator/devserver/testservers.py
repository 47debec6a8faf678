"""Throw-away PostgreSQL and Valkey for a test run: started once, gone with the run however it ends.

The servers belong to a keeper process whose standard input is held open by the test run. When the run
ends, even by kill -9, the keeper reads the end of its input, stops the servers and removes the folder.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from coordinator.devserver.accounts import SERVER_ACCOUNTS, unprivileged
from coordinator.devserver.fingerprint import ROOT
from coordinator.devserver.folder import Folder, Refused, free_port
from coordinator.devserver.postgres import SUPERUSER, Postgres
from coordinator.devserver.supervisor import Stopped, Supervisor
from coordinator.devserver.valkey import Valkey


class TestServers:
    """The test run's side. `database_url` and `redis_url` are set when the servers answer (`wait`)."""

    __test__ = False

    def __init__(self, database: bool = True, broker: bool = True) -> None:
        wanted = [name for name, flag in (("--database", database), ("--broker", broker)) if flag]
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "coordinator.devserver.testservers", *wanted],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the test run; the keeper hears of it when its input ends.
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        self.database_url = self._keeper.stdout.readline().strip()
        self.redis_url = self._keeper.stdout.readline().strip()

    def wait(self) -> None:
        """Returns when both answer. Raises Refused with the keeper's sentence when they do not."""
        assert self._keeper.stdout is not None
        said = self._keeper.stdout.readline().strip()
        if said != "ready":
            raise Refused(said or "The test servers did not start.")

    def stop(self) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait()


def keep(database: bool, broker: bool) -> None:
    """The keeper: prints the two addresses at once, `ready` when they answer, and waits for the end of input."""
    path = Path(tempfile.mkdtemp(prefix="throughline-test-"))
    folder = Folder(path)
    account = unprivileged(SERVER_ACCOUNTS)
    supervisor = Supervisor(folder, lambda text: print(text, file=sys.stderr))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        postgres = Postgres(folder, free_port(), account, durable=False) if database else None
        valkey = Valkey(folder, free_port(), account, durable=False) if broker else None
        print(postgres.url(SUPERUSER) if postgres else "")
        print(valkey.url if valkey else "", flush=True)
        if valkey:
            supervisor.start(valkey.child())
        if postgres:
            postgres.make()
            supervisor.start(postgres.child())
        for server in (valkey, postgres):
            if server and not supervisor.watch(server.accepts, seconds=60):
                raise Refused(f"The test servers do not answer: {folder.log_tail('postgres')}")
        print("ready", flush=True)
        sys.stdin.read()
    except Stopped:
        pass
    except Refused as refusal:
        print(refusal, flush=True)
    finally:
        supervisor.stop()
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Servers for one test run.")
    parser.add_argument("--database", action="store_true")
    parser.add_argument("--broker", action="store_true")
    options = parser.parse_args()
    keep(options.database, options.broker)
