"""What has to be there before the first page: `database` (tables, rights, demo) and `static` (files).

Each is a process of its own, so that a first start uses two cores.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command

from coordinator.demo import DEMO_SIGN_INS
from coordinator.devserver.fingerprint import fingerprint


def prepare_database() -> None:
    """Tables, rights and the demo. Says `migrated` as soon as pages can be served, and the sign-ins at the end."""
    # Tables belong to the owner; web and worker get a role that may not change them.
    application = urlsplit(os.environ["DATABASE_URL"]).username
    owner = os.environ.get("DATABASE_OWNER_URL")
    if owner:
        os.environ["DATABASE_URL"] = owner
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    if owner and application:
        call_command("grant_app_role", application, verbosity=0)
    print("migrated", flush=True)
    if settings.DEMO:
        call_command("seed_demo", "--if-empty")
    print(json.dumps({"sign_ins": DEMO_SIGN_INS if settings.DEMO else []}))


def prepare_static() -> None:
    """Hashed and compressed copies of the static files, made again when a file or a package changed."""
    django.setup()
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    wanted = fingerprint("static")
    if not stamp.exists() or stamp.read_text() != wanted:
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        stamp.write_text(wanted)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
    {"database": prepare_database, "static": prepare_static}[sys.argv[1]]()
