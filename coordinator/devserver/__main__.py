"""`bin/run`: the whole product on this machine, with an invented clinic."""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

from coordinator.devserver.folder import Refused
from coordinator.devserver.product import ROOT, Product

STORAGE_TROUBLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
HELP = """usage: bin/run

Starts the whole product with an invented clinic and prints where to open it. Ctrl-C stops everything.

Environment (or a .env file in the checkout; see .env.example):
  PORT          where to serve the pages (8000)
  INBOX_PORT    where to read caught e-mail and text messages (8025)
  DATA_DIR      where everything is kept; delete it to start over
  DATABASE_URL  use this PostgreSQL instead of the embedded one
  REDIS_URL     use this Redis instead of the embedded one"""


def load_dotenv(path: Path) -> None:
    """Adds the settings of a `.env` file; what the environment already says wins."""
    with suppress(FileNotFoundError):
        for line in path.read_text().splitlines():
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith("#"):
                os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def main(arguments: list[str]) -> None:
    if arguments:
        print(HELP)
        sys.exit(0 if arguments[0] in ("-h", "--help") else 2)
    load_dotenv(ROOT / ".env")
    Product().run()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("Stopped before it was ready.")
    except Refused as refusal:
        sys.exit(str(refusal))
    except OSError as error:
        if error.errno not in STORAGE_TROUBLE:
            raise
        sys.exit(
            f"Cannot write {error.filename or 'the data folder'} ({error.strerror}): mend that and start again."
        )
