"""`bin/manage`: manage.py with the settings of the product that `bin/run` keeps running beside it."""

import json
import os
import sys

from coordinator.devserver.__main__ import load_dotenv
from coordinator.devserver.folder import Refused, default_path
from coordinator.devserver.product import ROOT

ENVIRONMENT = "environment.json"


def environment() -> dict[str, str]:
    """What web and worker were given, read from the data folder. Raises Refused when there is none."""
    path = default_path()
    try:
        known: dict[str, str] = json.loads((path / ENVIRONMENT).read_text())
    except FileNotFoundError:
        raise Refused(
            f"There is no running clinic in {path}: start bin/run first, in another terminal, with the same DATA_DIR."
        ) from None
    except OSError as error:
        raise Refused(
            f"Cannot read {path} ({error.strerror}): run this as the account that ran bin/run."
        ) from None
    return known


def main(arguments: list[str]) -> None:
    load_dotenv(ROOT / ".env")
    # The paths that the caller gives are from where they stand, not from the checkout.
    os.chdir(os.environ.pop("CALLED_FROM", "."))
    os.execve(  # noqa: S606
        sys.executable,
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        {**os.environ, **environment()},
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refusal:
        sys.exit(str(refusal))
