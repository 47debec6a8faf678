"""Workers are killed while they send reminders: afterwards none is lost and none was sent twice.

    python bench/reminder_kill.py                                  2,000 reminders, 10 kills, a Celery worker
    python bench/reminder_kill.py --workers 3 --plain              processes that call deliver_due, without a broker
    python bench/reminder_kill.py --asks-only                      a gateway that takes a key twice but can be asked

The gateway is the sandbox of `bin/run` on a bad day: 2 % of calls fail (500 or 503), 2 % are accepted and never
answered. Workers are killed with -9, group and all, while messages are on their way. What was sent is read from the
gateway's own acceptance log, not from the product. Everything is on loopback: DATABASE_URL and REDIS_URL name servers
to use (a scratch database is made there and dropped), else throw-away ones are started. Ends with 1 when a reminder was
lost, sent twice, or left without a final state.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
NAME = "throughline_reminder_kill"
PLAIN = """
import time, django
django.setup()
from coordinator.messaging.delivery import deliver_due
while True:
    deliver_due(seconds=60)
    time.sleep(0.2)
"""


def main() -> int:
    args = arguments()
    os.environ["DJANGO_SETTINGS_MODULE"] = "coordinator.settings"
    os.environ["THROUGHLINE_ENV"] = "test"
    with servers(), scratch_database(), tempfile.TemporaryDirectory(prefix="throughline-kill-") as folder:
        import django

        django.setup()
        from coordinator.messaging.tests.faulty_gateway import FaultyGateway

        gateway = FaultyGateway(
            Path(folder),
            honors_keys=not args.asks_only,
            errors=args.errors,
            silences=args.silences,
            seed=args.seed,
        )
        with gateway:
            os.environ.update(gateway.environment())
            return run(args, gateway)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reminders", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2, help="processes at the same time")
    parser.add_argument("--plain", action="store_true", help="no Celery: processes that call deliver_due")
    parser.add_argument(
        "--asks-only", action="store_true", help="the gateway does not honor keys, but can be asked"
    )
    parser.add_argument("--errors", type=float, default=0.02)
    parser.add_argument("--silences", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


# --- the stage ------------------------------------------------------------------------------------------


@contextmanager
def servers() -> Iterator[None]:
    """The servers that the environment names, else throw-away ones."""
    missing = {name: not os.environ.get(f"{name}_URL") for name in ("DATABASE", "REDIS")}
    if not any(missing.values()):
        yield
        return
    from coordinator.devserver.testservers import TestServers

    started = TestServers(database=missing["DATABASE"], broker=missing["REDIS"])
    try:
        started.wait()
        if missing["DATABASE"]:
            os.environ["DATABASE_URL"] = started.database_url
        if missing["REDIS"]:
            os.environ["REDIS_URL"] = started.redis_url
        yield
    finally:
        started.stop()


@contextmanager
def scratch_database() -> Iterator[None]:
    """A database of our own on that server, migrated; dropped at the end."""
    url = urlsplit(os.environ["DATABASE_URL"])
    if url.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise SystemExit("This driver kills processes and drops its database: loopback only.")
    admin(url, f"drop database if exists {NAME} with (force)")
    admin(url, f"create database {NAME}")
    os.environ["DATABASE_URL"] = url._replace(path=f"/{NAME}").geturl()
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
    try:
        yield
    finally:
        from django.db import connections

        connections.close_all()
        admin(url, f"drop database if exists {NAME} with (force)")


def admin(url: Any, statement: str) -> None:
    with closing(psycopg2.connect(url._replace(path="/postgres").geturl())) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def plan(number: int) -> None:
    """That many visits in three days, planned by the product and due now."""
    import datetime

    from django.utils import timezone

    from coordinator.accounts.models import Site
    from coordinator.messaging.models import Message
    from coordinator.workflow import System
    from patients.models import ContactPoint, Patient
    from scheduling.models import Appointment, Service
    from scheduling.services import plan_reminders

    now = timezone.now()
    site = Site.objects.create(name="Kill bench", short_name="Bench", phone="(612) 555-0100")
    service = Service.objects.create(name="Visit", minutes=30)
    people = Patient.objects.bulk_create(
        [
            Patient(site=site, mrn=f"K{n}", family_name="Kill", given_name="Ana", search_name="kill ana")
            for n in range(number)
        ]
    )
    ContactPoint.objects.bulk_create(
        ContactPoint(
            patient=person, kind="phone", use="mobile", ok_to_message=True,
            value=f"+1612{n:07d}", normalized=f"+1612{n:07d}",
        )
        for n, person in enumerate(people)
    )  # fmt: skip
    start = now + datetime.timedelta(days=3)
    Appointment.objects.bulk_create(
        Appointment(
            patient=person, site=site, service=service, start=start, zone=site.zone,
            end=start + datetime.timedelta(minutes=30), booked_at=now - datetime.timedelta(days=30),
        )
        for person in people
    )  # fmt: skip
    started = time.monotonic()
    planned = plan_reminders(now=now, by=System("bench"))
    print(f"planned {planned.planned} rows in {time.monotonic() - started:.1f} s")
    due = Message.objects.filter(status="scheduled", window="3d")
    due.update(send_after=now, close_at=None, expires_at=now + datetime.timedelta(days=1))
    Message.objects.exclude(window="3d").delete()


# --- workers --------------------------------------------------------------------------------------------


class Workers:
    """One process group of workers, killed as a whole and started again."""

    def __init__(self, number: int, plain: bool) -> None:
        self.number, self.plain = number, plain
        self.groups: list[subprocess.Popen[bytes]] = []
        self.kills = 0

    def start(self) -> None:
        commands = [[sys.executable, "-c", PLAIN]] * self.number if self.plain else [celery(self.number)]
        quiet = subprocess.DEVNULL
        self.groups = [
            subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet, start_new_session=True)
            for command in commands
        ]

    def kill(self) -> None:
        """kill -9 for every worker and its children, at once."""
        for group in self.groups:
            os.killpg(group.pid, signal.SIGKILL)
        for group in self.groups:
            group.wait()
        self.kills += 1


def celery(number: int) -> list[str]:
    options = [
        "-A",
        "coordinator",
        "worker",
        "-c",
        str(number),
        "-Q",
        NAME,
        "--without-mingle",
        "--without-gossip",
    ]
    return [sys.executable, "-m", "celery", *options]


def say_look(number: int) -> None:
    """What beat does every minute, here as often as workers are to be busy."""
    from coordinator.celery import app

    for _ in range(number):
        app.send_task("messaging.deliver_due", queue=NAME, ignore_result=True, expires=2)


# --- the run --------------------------------------------------------------------------------------------


def run(args: argparse.Namespace, gateway: Any) -> int:
    plan(args.reminders)
    workers = Workers(args.workers, args.plain)
    marks = kill_marks(args)
    started, first = time.monotonic(), 0.0
    workers.start()
    while (open_rows := waiting()) and time.monotonic() - started < 1500:
        if not args.plain:
            say_look(args.workers)
        accepted = len(gateway.server.calls)
        first = first or (time.monotonic() if accepted else 0.0)
        if marks and accepted >= marks[0]:
            marks.pop(0)
            workers.kill()
            workers.start()
        elif not marks:
            skip_pauses()
        time.sleep(0.05 if marks else 0.5)
    seconds = time.monotonic() - (first or started)
    workers.kill()
    return report(args, gateway, workers.kills - 1, seconds, open_rows)


def kill_marks(args: argparse.Namespace) -> list[int]:
    """At how many calls to kill: spread over the work, each at a random point of its part."""
    luck = random.Random(args.seed)
    part = args.reminders * 0.9 / max(args.kills, 1)
    return [int(part * n + luck.uniform(0.1, 0.9) * part) for n in range(args.kills)]


def waiting() -> int:
    from coordinator.messaging.models import Message

    return Message.objects.filter(status__in=("scheduled", "sending")).count()


def skip_pauses() -> None:
    """Nobody wants to wait for the minutes between tries."""
    from django.db.models.functions import Now

    from coordinator.messaging.models import Message

    Message.objects.filter(status="scheduled").update(send_after=Now())


def report(args: argparse.Namespace, gateway: Any, kills: int, seconds: float, open_rows: int) -> int:
    from collections import Counter

    from coordinator.messaging.models import Message

    accepted = gateway.accepted()
    rows = dict(Message.objects.values_list("key", "status"))
    lost = [key for key in rows if key not in accepted]
    twice = {key: n for key, n in accepted.items() if n > 1}
    tries = Counter(gateway.server.calls.values())
    print(
        f"{len(rows)} reminders, {kills} kills (-9) of {args.workers} workers, {seconds:.0f} s from the first call"
    )
    print(
        f"gateway: {sum(gateway.server.calls.values())} calls, {sum(accepted.values())} accepted, {len(accepted)} keys"
    )
    print(f"calls per key: {dict(sorted(tries.items()))}; states: {dict(Counter(rows.values()))}")
    print(f"lost {len(lost)}, sent twice {len(twice)}, without a final state {open_rows}")
    wrong = [key for key, status in rows.items() if (status == "sent") != (key in accepted)]
    if wrong:
        print(f"{len(wrong)} rows say something else than the gateway")
    return 1 if lost or twice or open_rows or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
