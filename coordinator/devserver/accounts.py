"""Which account a child process runs as when the caller is root.

PostgreSQL refuses root, and a web server should not have it. Servers and application get different
accounts where the machine has them, so that a fault in a page cannot read the database's files.
"""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

SERVER_ACCOUNTS = ("postgres", "nobody")
APPLICATION_ACCOUNTS = ("throughline", "nobody")


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    def popen_options(self) -> dict[str, object]:
        """For `subprocess`: run as this account with no other groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Makes the path this account's own, with everything in it when it was somebody else's."""
        if path.lstat().st_uid != self.uid:
            for inside in (path, *path.rglob("*")):
                os.chown(inside, self.uid, self.gid, follow_symlinks=False)


def unprivileged(names: tuple[str, ...]) -> Account | None:
    """The first of these accounts that exists; None when we are not root and nothing needs dropping."""
    if os.geteuid() != 0:
        return None
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    return None


def can_read(account: Account, *paths: Path) -> bool:
    """Whether the account can open these files and enter these folders. Asked by trying, in a child process."""
    child = os.fork()
    if child == 0:
        answer = 1
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            answer = 0 if all(os.access(path, os.X_OK if path.is_dir() else os.R_OK) for path in paths) else 1
        finally:
            os._exit(answer)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
