"""Everything the database and the static files need before the first page, in one process.

Django is imported once for all of it. Prints what the supervisor wants to know as JSON on the last line.
"""

import hashlib
import json
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent


def fingerprint(*folders: str, only: str = "") -> str:
    """Hash of the requirements and of every file below these folders of the checkout.

    `only` keeps the files in folders of that name, such as `migrations`.
    """
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and (not only or only in path.parts):
                digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def sign_ins() -> list[Any]:
    """What the demo offers to sign in with, from `coordinator.demo` when the seed brings it."""
    if find_spec("coordinator.demo") is None:
        return []
    return list(getattr(import_module("coordinator.demo"), "DEMO_SIGN_INS", []))


def main() -> None:
    # Tables belong to the owner; web and worker get a role that may not change them.
    application = urlsplit(os.environ["DATABASE_URL"]).username
    if owner := os.environ.get("DATABASE_OWNER_URL"):
        os.environ["DATABASE_URL"] = owner
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command, get_commands

    django.setup()
    commands = get_commands()
    call_command("migrate", verbosity=0, interactive=False)
    if owner and application:
        call_command("grant_app_role", application, verbosity=0)
    if settings.DEMO and "seed_demo" in commands:
        call_command("seed_demo", "--if-empty")
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    wanted = fingerprint("static")
    if not stamp.exists() or stamp.read_text() != wanted:
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(wanted)
    print(json.dumps({"sign_ins": sign_ins()}, default=list))


if __name__ == "__main__":
    main()
