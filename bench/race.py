"""Many people want the same hour, over HTTP, against a real gunicorn: exactly one may get it.

    python bench/race.py                          100 at once, 20 rounds, 2 workers
    python bench/race.py --people 50 --rounds 100 --workers 8
    python bench/race.py --free                   50 people, 50 free times of one clinician: all get theirs
    python bench/race.py --storm 10000            mixed booking, moving and cancelling on few resources

Uses the database that DATABASE_URL names (migrated already); adds a site of its own with invented people to it and
leaves it there. Signs in by sessions written straight to the database; everything else goes over the wire. Ends with
1 when a promise is broken: a second success, a refusal without the next free times, a 5xx, an overlap in the table.
"""

from __future__ import annotations

import argparse
import datetime
import http.client
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coordinator.settings")
os.environ.setdefault("THROUGHLINE_ENV", "test")

CSRF = "r" * 32
Answer = tuple[int, float, bool, str]  # status, seconds, offers the next free times, where it leads


def main() -> int:
    args = arguments()
    import django

    django.setup()
    clinic = Clinic(args.people if not args.storm else 24)
    with Server(args.workers, args.threads) as port:
        warm_up(port, clinic)
        if args.storm:
            return storm(port, clinic, args.storm, args.people)
        if args.free:
            return all_free(port, clinic, args.people)
        return one_slot(port, clinic, args.people, args.rounds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--people", type=int, default=100, help="simultaneous requests (clients of the storm)"
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2, help="gunicorn processes")
    parser.add_argument("--threads", type=int, default=4, help="threads of each")
    parser.add_argument("--free", action="store_true", help="as many free times as people")
    parser.add_argument("--storm", type=int, default=0, metavar="N", help="N mixed operations")
    return parser.parse_args()


class Clinic:
    """A site with one clinician, a room's worth of patients, and a signed-in lead coordinator."""

    def __init__(self, people: int) -> None:
        from coordinator.tests.factories import make_practitioner, make_site, make_user
        from patients.tests.factories import make_patient
        from scheduling.tests.factories import make_availability

        self.site = make_site(name=f"Race {time.time_ns()}")
        self.clinician = make_practitioner(site=self.site, family_name="Race")
        make_availability(self.clinician)
        self.new_service()
        stamp = time.time_ns()
        self.patients = [make_patient(site=self.site, mrn=f"R{stamp}-{n}") for n in range(people)]
        self.user = make_user("lead", site=self.site, email=f"race{stamp}@example.test")
        self.session = self._session()
        self.day = self._first_monday()

    def new_service(self) -> None:
        """A visit type for each round: who won one is then not asked whether the next is needed as well."""
        from scheduling.tests.factories import make_service

        self.service = make_service(name=f"Race {time.time_ns()}")

    def _session(self) -> str:
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        store = SessionStore()
        store[SESSION_KEY] = str(self.user.pk)
        store[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
        store[HASH_SESSION_KEY] = self.user.get_session_auth_hash()
        store["second_factor_ok"] = True
        store.save()
        return str(store.session_key)

    @staticmethod
    def _first_monday() -> datetime.date:
        from coordinator.clocks.selectors import as_calendar, federal_calendar

        today = datetime.datetime.now(datetime.UTC).date()
        day = today + datetime.timedelta(days=28 - today.weekday())
        while not as_calendar(federal_calendar()).is_open(day):
            day += datetime.timedelta(days=7)
        return day

    def starts(self, days: int = 1, step: int = 30) -> list[datetime.datetime]:
        """Free times from 8:00 local, on working days from the first Monday four weeks ahead."""
        from coordinator.clocks.selectors import as_calendar, federal_calendar

        found: list[datetime.datetime] = []
        calendar, day = as_calendar(federal_calendar()), self.day
        while len(found) < days * (540 // step):
            if calendar.is_open(day):
                opens = datetime.datetime.combine(day, datetime.time(8), self.site.tzinfo)
                found += [opens + datetime.timedelta(minutes=m) for m in range(0, 540 - step + 1, step)]
            day += datetime.timedelta(days=1)
        return [start.astimezone(datetime.UTC) for start in found]

    def slot(self, start: datetime.datetime) -> str:
        return f"{start:%Y-%m-%dT%H:%MZ}~{self.clinician.pk}"

    def form(self, patient: Any, start: datetime.datetime) -> dict[str, str]:
        return {
            "patient": str(patient.pk),
            "visit": str(self.service.pk),
            "site": str(self.site.pk),
            "first": self.day.isoformat(),
            "last": (self.day + datetime.timedelta(days=14)).isoformat(),
            "slot": self.slot(start),
        }


class Server:
    """gunicorn on a free port of the loopback, gone when the block ends."""

    def __init__(self, workers: int, threads: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        bind = ["--bind", f"127.0.0.1:{self.port}", "--workers", str(workers), "--threads", str(threads)]
        self.command = [sys.executable, "-m", "gunicorn", "coordinator.wsgi:application", "--preload", *bind]
        self.command += ["--backlog", "512", "--timeout", "60", "--log-level", "warning"]

    def __enter__(self) -> int:
        # Pages name their hashed files, so these have to be there.
        env = {**os.environ, "DATA_DIR": self.folder.name}
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=ROOT, env=env, check=True)
        # Its log is a warning for every refusal, and refusals are what is wanted here.
        self.process = subprocess.Popen(self.command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
        for _attempt in range(240):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return self.port
            except OSError:
                time.sleep(0.25)
        raise SystemExit("gunicorn did not start within a minute")

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.folder.cleanup()


def post(port: int, clinic: Clinic, path: str, form: dict[str, str]) -> Answer:
    began = time.perf_counter()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"sessionid={clinic.session}; csrftoken={CSRF}",
        "X-CSRFToken": CSRF,
    }
    try:
        line.request("POST", path, urlencode(form), headers)
        response = line.getresponse()
        body = response.read()
    finally:
        line.close()
    offered = b"next-free" in body and bool(re.search(rb'name="slot" value="[^"]+~', body))
    return response.status, time.perf_counter() - began, offered, response.headers.get("Location", "")


def booking(port: int, clinic: Clinic, patient: Any, start: datetime.datetime) -> Any:
    return lambda: post(port, clinic, "/schedule/book/", clinic.form(patient, start))


def volley(jobs: list[Any], at_once: int) -> list[Answer]:
    """Run the jobs on as many threads as wanted, all let go at the same moment."""
    gate, answers, left = threading.Barrier(at_once), [], list(enumerate(jobs))
    lock = threading.Lock()

    def work() -> None:
        gate.wait()
        while True:
            with lock:
                if not left:
                    return
                _n, job = left.pop()
            answer = job()
            with lock:
                answers.append(answer)

    threads = [threading.Thread(target=work) for _n in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def warm_up(port: int, clinic: Clinic) -> None:
    """Every worker has its code loaded and its connection open before anything is measured."""
    past = {**clinic.form(clinic.patients[0], clinic.starts()[0]), "slot": "2001-01-01T08:00Z~"}
    volley([lambda: post(port, clinic, "/schedule/book/", past)] * 16, 16)


def one_slot(port: int, clinic: Clinic, people: int, rounds: int) -> int:
    starts = clinic.starts(days=rounds // 18 + 1)
    wrong: list[str] = []
    times: list[float] = []
    statuses: Counter[int] = Counter()
    for n in range(rounds):
        start = starts[n]
        clinic.new_service()
        jobs = [booking(port, clinic, patient, start) for patient in clinic.patients]
        answers = volley(jobs, people)
        taken = [a for a in answers if a[0] == 302]
        refused = [a for a in answers if a[0] == 409]
        statuses.update(a[0] for a in answers)
        times += [a[1] for a in answers]
        if len(taken) != 1 or len(refused) != people - 1:
            wrong.append(f"round {n + 1}: {dict(Counter(a[0] for a in answers))}")
        if not all(a[2] for a in refused):
            wrong.append(f"round {n + 1}: a refusal without the next free times")
        clinic.patients.append(clinic.patients.pop(0))
    wrong += in_the_table(clinic, expected=rounds)
    return report("one slot", wrong, times, statuses)


def all_free(port: int, clinic: Clinic, people: int) -> int:
    starts = clinic.starts(days=people // 18 + 1)[:people]
    jobs = [booking(port, clinic, who, at) for who, at in zip(clinic.patients, starts, strict=False)]
    began = time.perf_counter()
    answers = volley(jobs, people)
    print(f"all answered after {time.perf_counter() - began:.2f} s")
    statuses = Counter(a[0] for a in answers)
    wrong = [] if statuses == {302: people} else [f"wrongly refused: {dict(statuses)}"]
    wrong += in_the_table(clinic, expected=people)
    return report("free times", wrong, [a[1] for a in answers], statuses)


def storm(port: int, clinic: Clinic, operations: int, clients: int) -> int:
    """Book, move and cancel at random on one clinician and 24 patients in two days."""
    starts, dice = clinic.starts(days=2, step=15), random.Random(19)
    booked: list[str] = []
    lock = threading.Lock()

    def operation() -> Answer:
        with lock:
            what, start = dice.random(), dice.choice(starts)
            patient = dice.choice(clinic.patients)
            visit = dice.choice(booked) if booked and what > 0.5 else ""
        if not visit:
            form = {**clinic.form(patient, start), "override_reason": "Storm", "next": "/schedule/?n=1"}
            return post(port, clinic, "/schedule/book/", form)
        if what < 0.8:
            form = {"slot": clinic.slot(start), "reason": "Storm", "override_reason": "Storm"}
            form |= {"first": clinic.day.isoformat(), "last": clinic.day.isoformat()}
            return post(port, clinic, f"/schedule/visits/{visit}/move/", form)
        form = {"reason": "Storm", "cancelled_by": "system"}
        return post(port, clinic, f"/schedule/visits/{visit}/step/cancel/", form)

    def and_look() -> Answer:
        answer = operation()
        if dice.random() < 0.02:
            with lock:
                booked[:] = live_visits(clinic)
        return answer

    booked[:] = live_visits(clinic)
    answers = volley([and_look] * operations, clients)
    statuses = Counter(a[0] for a in answers)
    wrong = [f"{n} answers of {status}" for status, n in statuses.items() if status >= 500]
    wrong += in_the_table(clinic)
    return report("storm", wrong, [a[1] for a in answers], statuses)


def live_visits(clinic: Clinic) -> list[str]:
    from django.db import connection

    from scheduling.models import Appointment

    found = Appointment.objects.filter(site=clinic.site, status="booked").values_list("pk", flat=True)
    keys = [str(key) for key in found]
    connection.close()
    return keys


def in_the_table(clinic: Clinic, expected: int | None = None) -> list[str]:
    """What the database says about it: overlaps of the clinician's or a patient's visits, and how many there are."""
    from django.db import connection

    sql = """
        select count(*) from scheduling_appointment a join scheduling_appointment b
            on a.id < b.id and a.{0} = b.{0} and tstzrange(a.start, a."end") && tstzrange(b.start, b."end")
        where a.site_id = %s and b.site_id = %s and a.status = any(%s) and b.status = any(%s) {1}"""
    live = ["pending", "booked", "arrived", "checked_in", "fulfilled"]
    agreed = "and not a.patient_overlap_allowed and not b.patient_overlap_allowed"
    wrong = []
    with connection.cursor() as cursor:
        for column, more in (("practitioner_id", ""), ("patient_id", agreed)):
            cursor.execute(sql.format(column, more), [clinic.site.pk, clinic.site.pk, live, live])
            if overlaps := cursor.fetchone()[0]:
                wrong.append(f"{overlaps} overlaps of {column}")
        cursor.execute(
            "select count(*) from scheduling_appointment where site_id = %s and status = any(%s)",
            [clinic.site.pk, live],
        )
        count = cursor.fetchone()[0]
    if expected is not None and count != expected:
        wrong.append(f"{count} visits in the table, {expected} expected")
    return wrong


def report(name: str, wrong: list[str], times: list[float], statuses: Counter[int]) -> int:
    times.sort()
    figures = {
        "what": name,
        "requests": len(times),
        "statuses": {str(k): v for k, v in sorted(statuses.items())},
        "p50_ms": round(statistics.median(times) * 1000),
        "p99_ms": round(times[int(len(times) * 0.99) - 1] * 1000),
        "max_ms": round(times[-1] * 1000),
        "wrong": wrong,
    }
    print(json.dumps(figures, indent=2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
