"""Measures the product beside its floor and writes docs/performance.md.

    bin/bench                                      everything at 100,000 patients
    bin/bench --patients 10000 --rows 1,3,13       some rows, smaller; nothing is written
    bin/bench --rows races,celery,night --write docs/performance.md

Both servers run at once and are measured in turns, so that what disturbs one disturbs the other. Ratios are what counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import psycopg2

from bench import report, special
from bench.cases import Book, Case, cases
from bench.load import Base, Request, Result, measured
from bench.servers import Servers, Web
from coordinator.devserver.fingerprint import ROOT
from coordinator.devserver.postgres import OWNER

SPECIAL = ("races", "celery", "night", "sweep", "finder", "duplicates", "memory")


@dataclass
class Measured:
    """The figures of one case: medians of the runs, by number of clients."""

    case: Case
    queries: int | None = None
    ours: dict[int, Result] = field(default_factory=dict)
    floor: dict[int, Result] = field(default_factory=dict)
    bare: float | None = None  # statements a second, one connection
    errors: int = 0


def median(results: list[Result]) -> Result:
    """The run in the middle by requests a second."""
    return sorted(results, key=lambda r: r.per_second)[len(results) // 2]


class Bench:
    """Two web servers on one database, and everything that is asked of them."""

    def __init__(self, options: argparse.Namespace, say: Any) -> None:
        self.options, self.say = options, say
        self.found: dict[str, Any] = {"rows": [], "options": vars(options)}

    def run(self) -> dict[str, Any]:
        with Servers(self.say) as servers:
            self.servers = servers
            self.measure_at(self.options.patients, self.wanted)
            if self.wants("2"):
                self.measure_at(1_000, lambda case: case.row == "1", small=True)
        return self.found

    def wants(self, row: str) -> bool:
        rows = self.options.rows
        return not rows or row in rows

    def wanted(self, case: Case) -> bool:
        return self.wants(case.row) or self.wants(case.row.split()[0])

    def measure_at(self, patients: int, wanted: Any, *, small: bool = False) -> None:
        database = self.servers.database(patients)
        env = self.servers.environment(database)
        facts = self.facts(env, database)
        self.book = Book(facts)
        chosen = [case for case in cases(facts, self.book) if wanted(case)]
        if chosen:
            with self.both(env) as (ours, floor):
                for case in chosen:
                    one = self.measure(case, ours, floor, database)
                    self.found["rows"].append((f"2 ({patients:,} patients)" if small else case.row, one))
                    self.say(report.line(one))
                if not small:
                    self.found["memory"] = special.memory(ours)
        if not small:
            self.specials(database, env, facts)

    def facts(self, env: dict[str, str], database: str) -> dict[str, Any]:
        file = self.servers.folder.path / "app" / "facts.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        owner = self.servers.environment(database, owner=True)
        self.servers.python("-m", "bench.facts", str(file), env=owner)
        self.facts_file = file
        self.servers.static_files(owner)
        facts: dict[str, Any] = json.loads(file.read_text())
        return facts

    @contextlib.contextmanager
    def both(self, env: dict[str, str]) -> Iterator[tuple[Web, Web]]:
        floor_env = {k: env[k] for k in ("PATH", "DATABASE_URL")} | {"BENCH_FACTS": str(self.facts_file)}
        threads = self.options.threads
        with (
            self.servers.gunicorn(
                "web", "coordinator.wsgi:application", env, ready="/healthz", threads=threads
            ) as ours,
            self.servers.gunicorn(
                "floor", "bench.floor:application", floor_env, ready="/patients/", threads=threads
            ) as floor,
        ):
            yield ours, floor

    # --- one case ------------------------------------------------------------------------------------------

    def measure(self, case: Case, ours: Web, floor: Web, database: str) -> Measured:
        one = Measured(case)
        ours_base, floor_base = Base(ours.url), Base(floor.url)
        ours_requests = case.ours(ours_base)
        floor_requests = case.floor(floor_base) if case.floor else None
        one.queries = self.queries(ours_base, ours_requests)
        for clients in case.clients:
            mine: list[Result] = []
            theirs: list[Result] = []
            for number in range(self.options.runs + 1):
                # The first turn warms up and is not counted.
                seconds = self.options.seconds if number else min(1.0, self.options.seconds)
                for web, base, requests, results in (
                    (floor, floor_base, floor_requests, theirs),
                    (ours, ours_base, ours_requests, mine),
                ):
                    if requests is None:
                        continue
                    result = measured(base, requests, pids=[web.pid], clients=clients, seconds=seconds)
                    if web is ours:
                        one.errors += result.errors()
                    if number:
                        results.append(result)
            one.ours[clients] = median(mine)
            if theirs:
                one.floor[clients] = median(theirs)
        if case.bare:
            one.bare = self.bare(case, database)
        return one

    def queries(self, base: Base, requests: Iterator[Request]) -> int | None:
        """The fewest queries of some requests: each worker fills its own caches with its first one."""
        counted = [self.queries_of(base, next(requests)) for _each in range(6)]
        return min((number for number in counted if number is not None), default=None)

    def queries_of(self, base: Base, request: Request) -> int | None:
        """How many queries one request takes, told by the middleware of bench/settings.py."""
        head, _sep, body = request.data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, _version = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines) | {"X-Bench-Count": "1"}
        url = f"http://{base.host}:{base.port}{path}"
        asked = UrlRequest(url, data=body or None, headers=headers, method=method)
        try:
            with urlopen(asked, timeout=60) as answer:
                counted = answer.headers["X-Bench-Queries"]
        except HTTPError as error:
            raise SystemExit(
                f"{method} {path.partition('?')[0]} answers {error.code}: see the log."
            ) from None
        return int(counted) if counted else None

    def bare(self, case: Case, database: str) -> float:
        """Statements a second from one connection, without any web server."""
        assert case.bare is not None
        sql, params = case.bare
        with closing(psycopg2.connect(self.servers.postgres.url(OWNER, database))) as connection:
            connection.autocommit = True
            cursor, count = connection.cursor(), 0
            began = time.perf_counter()
            while time.perf_counter() - began < min(2.0, self.options.seconds):
                cursor.execute(sql, params[count % len(params)])
                cursor.fetchall()
                count += 1
            return count / (time.perf_counter() - began)

    # --- the rest ---------------------------------------------------------------------------------------------

    def specials(self, database: str, env: dict[str, str], facts: dict[str, Any]) -> None:
        if self.wants("races"):
            self.races(database, env, facts)
        if self.wants("celery"):
            self.found["celery"] = self.celery(env)
        if self.wants("night"):
            self.found["night"] = special.night(self.servers, database, env, self.options.reminders)
            self.say(f"night: {self.found['night']}")
        if self.wants("sweep"):
            self.found["sweep"] = special.sweep(self.servers, self.options.patients)
            self.say(f"sweep: {self.found['sweep']}")
        if self.wants("finder"):
            self.found["finder"] = special.finder(env)
            self.say(f"finder:\n{self.found['finder']['table']}")
        if self.wants("duplicates"):
            self.found["duplicates"] = special.duplicates(env)
            self.say(f"duplicates: {self.found['duplicates']}")
        if self.wants("memory"):
            self.found["first"] = special.first_request(self.servers, env, facts["token"])
            self.say(f"first request of a fresh worker: {self.found['first']} ms")

    def races(self, database: str, env: dict[str, str], facts: dict[str, Any]) -> None:
        self.found["races"] = {}
        for workers in (2, 8):
            web = self.servers.gunicorn(
                "race",
                "coordinator.wsgi:application",
                env,
                ready="/healthz",
                workers=workers,
                threads=self.options.threads,
            )
            with web as ours:
                race, base = special.Race(self.servers, database, facts, self.book), Base(ours.url)
                one = race.for_one(base, self.options.rounds)
                own = race.for_each_their_own(base, max(self.options.rounds // 10, 2))
            self.found["races"][workers] = (one, own)
            self.say(f"races, {workers} workers: {one} {own}")

    def celery(self, env: dict[str, str]) -> dict[str, Any]:
        rates: dict[str, list[float]] = {"ours": [], "bare": []}
        memory: list[float] = []
        bare_env = {k: v for k, v in env.items() if k != "DJANGO_SETTINGS_MODULE"}
        for _each in range(self.options.runs):
            for name, its_env in (("bare", bare_env), ("ours", env)):
                rate, children = special.celery_rate(
                    self.servers, its_env, f"bench.small_tasks:{name}", self.options.tasks
                )
                rates[name].append(rate)
                memory = children if name == "ours" else memory
        found = {name: statistics.median(values) for name, values in rates.items()} | {"memory": memory}
        self.say(f"celery: {found}")
        return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bin/bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument(
        "--rows", type=lambda text: text.split(","), default=[], help=f"numbers, or {', '.join(SPECIAL)}"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of each turn")
    parser.add_argument("--runs", type=int, default=3, help="turns of each server; the median counts")
    parser.add_argument(
        "--threads", type=int, default=4, help="of each of the two web workers, as in production"
    )
    parser.add_argument("--rounds", type=int, default=100, help="of the race for one slot")
    parser.add_argument("--tasks", type=int, default=5_000, help="small tasks for Celery")
    parser.add_argument("--reminders", type=int, default=10_000, help="of the measured night")
    parser.add_argument(
        "--write", type=Path, help="file for the report (default with all rows: docs/performance.md)"
    )
    options = parser.parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:6.1f}s] {text}", flush=True)

    command = "bin/bench " + " ".join(sys.argv[1:])
    found = Bench(options, say).run()
    text = report.report(
        found, patients=options.patients, command=command.strip(), minutes=(time.monotonic() - began) / 60
    )
    target = options.write or (ROOT / "docs" / "performance.md" if not options.rows else None)
    if target:
        target.write_text(text)
        say(f"written: {target}")
    else:
        print(text)


if __name__ == "__main__":
    main()
