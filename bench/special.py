"""What is not "requests a second": races for one slot, Celery, the night, memory, the first request."""

from __future__ import annotations

import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg2

from bench.cases import Book
from bench.load import Base, Result, family, resident_mib, run, volley
from bench.servers import Servers, Web
from coordinator.devserver.fingerprint import ROOT
from coordinator.devserver.folder import free_port
from coordinator.devserver.postgres import OWNER

HOLDING = "('pending', 'booked', 'arrived', 'checked_in', 'fulfilled')"


class Race:
    """50 people at one moment, over HTTP: for one half hour, or for as many as they are."""

    def __init__(self, servers: Servers, database: str, facts: dict[str, Any], book: Book) -> None:
        self.url = servers.postgres.url(OWNER, database)
        self.facts, self.slots = facts, book.bodies()
        # Others each time: a second visit for the same thing within a week is asked about, and that is no race.
        self.people = {site: itertools.cycle(keys[::-1]) for site, keys in facts["patients"].items()}

    def _request(self, base: Base, body: dict[str, str]) -> Any:
        headers = {
            "Authorization": f"Bearer {self.facts['token']}",
            "Idempotency-Key": f"race-{uuid.uuid4()}",
        }
        return base.request("POST", "/api/v1/appointments/", body=body, headers=headers)

    def for_one(self, base: Base, rounds: int, people: int = 50) -> dict[str, Any]:
        """Rounds in which exactly one may win. `held` counts what the table says afterwards."""
        winners: Counter[int] = Counter()
        statuses: Counter[int] = Counter()
        failures = wrong = 0
        walls = []
        for _round in range(rounds):
            slot = next(self.slots)
            patients = itertools.islice(self.people[slot["site"]], people)
            result = volley(base, [self._request(base, slot | {"patient": patient}) for patient in patients])
            won = sum(n for status, n in result.statuses.items() if 200 <= status < 300)
            winners[won] += 1
            statuses.update(result.statuses)
            failures += sum(result.failures.values())
            walls.append(result.seconds)
            wrong += self._held(slot) != 1
        return {
            "rounds": rounds, "winners": dict(winners), "statuses": dict(statuses), "failures": failures, "wrong": wrong,
            "seconds": statistics.median(walls),
        }  # fmt: skip

    def for_each_their_own(self, base: Base, rounds: int, people: int = 50) -> dict[str, Any]:
        """50 free half hours of one provider, one for each: nobody may be refused."""
        refused, walls, failures = 0, [], 0
        for number in range(rounds):
            site = self.facts["sites"][0]
            provider = self.facts["practitioners"][site][number % 20]
            wanted = []
            while len(wanted) < people:
                slot = next(self.slots)
                if slot["site"] == site and slot["practitioner"] == provider:
                    wanted.append(slot | {"patient": next(self.people[site])})
            result = volley(base, [self._request(base, body) for body in wanted])
            refused += result.count - sum(n for status, n in result.statuses.items() if status == 201)
            failures += sum(result.failures.values())
            walls.append(result.seconds)
        return {
            "rounds": rounds,
            "refused": refused,
            "failures": failures,
            "seconds": statistics.median(walls),
            "slowest": max(walls),
        }

    def _held(self, slot: dict[str, str]) -> int:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                f"select count(*) from scheduling_appointment where practitioner_id = %s and start = %s and status in {HOLDING}",
                [slot["practitioner"], slot["start"]],
            )
            return int(cursor.fetchone()[0])


# --- memory and the first request ----------------------------------------------------------------------------


def workers_of(web: Web) -> list[int]:
    return [pid for pid in family([web.pid]) if pid != web.pid]


def memory(web: Web) -> list[float]:
    """MiB resident of each web worker, the largest first."""
    return sorted((resident_mib(pid) for pid in workers_of(web)), reverse=True)


def first_request(servers: Servers, env: dict[str, str], token: str, tries: int = 3) -> list[float]:
    """Milliseconds of the first request that a fresh worker answers, code imported beforehand."""
    found = []
    for _try in range(tries):
        with servers.gunicorn("first", "coordinator.wsgi:application", env, ready="", workers=1) as web:
            base = Base(web.url)
            request = base.request(
                "GET", "/api/v1/patients/?limit=20", headers={"Authorization": f"Bearer {token}"}
            )
            result: Result = run(base, iter([request]), clients=1)
            found += result.latencies
    return found


# --- Celery ------------------------------------------------------------------------------------------------------


def celery_rate(
    servers: Servers, env: dict[str, str], application: str, tasks: int
) -> tuple[float, list[float]]:
    """Small tasks a second with two processes, and MiB resident of each child afterwards."""
    import redis

    counter = redis.Redis.from_url(servers.valkey.url)
    counter.flushdb()
    with servers.folder.open_log("celery") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", application, "worker", "-c", "2", "-l", "warning", "-Q", "warm"],
            cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    sender = [sys.executable, "-m", "bench.small_tasks", application]
    try:
        subprocess.run([*sender, "warm", "20"], cwd=ROOT, env=env, check=True)
        _until(lambda: int(counter.get("bench:done") or 0) >= 20)
        subprocess.run([*sender, "bench", str(tasks)], cwd=ROOT, env=env, check=True)
        counter.set("bench:done", 0)
        subprocess.run([*sender, "go", "0"], cwd=ROOT, env=env, check=True)
        _until(lambda: int(counter.get("bench:done") or 0) >= 1, pause=0.002)
        began = time.perf_counter()
        _until(lambda: int(counter.get("bench:done") or 0) >= tasks, pause=0.01)
        rate = (tasks - 1) / (time.perf_counter() - began)
        children = [resident_mib(pid) for pid in family([worker.pid]) if pid != worker.pid]
        return rate, sorted(children, reverse=True)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)


def _until(condition: Any, seconds: float = 300, pause: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The worker does not get on with its tasks.")
        time.sleep(pause)


# --- the night -----------------------------------------------------------------------------------------------------


class Gateway:
    """The stub text gateway in a process of its own; its log says what it took."""

    def __init__(self, servers: Servers) -> None:
        self.port = free_port()
        self.log = servers.folder.path / "app" / "gateway.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.stub_gateway", str(self.port), str(self.log)],
            cwd=ROOT,
            env=dict(os.environ),
        )
        time.sleep(1)

    def taken(self) -> Counter[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(lines)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def night(servers: Servers, database: str, env: dict[str, str], reminders: int) -> dict[str, Any]:
    """A night with that many visits three days ahead: how long, how many statements, once each; again, and killed."""
    gateway = Gateway(servers)
    env = env | {"SMS_GATEWAY_URL": f"http://127.0.0.1:{gateway.port}", "MESSAGE_LEASE_SECONDS": "10"}
    prepare = [sys.executable, "-m", "bench.night"]
    try:
        made = json.loads(_said([*prepare, "prepare", str(reminders), "40"], env))
        began = time.perf_counter()
        told = json.loads(_said([*prepare, "run", made["on"]], env))
        seconds = time.perf_counter() - began
        first = gateway.taken()
        _said([*prepare, "run", made["on"]], env)
        again = gateway.taken()
        few = max(reminders // 5, 100)
        killed = json.loads(_said([*prepare, "prepare", str(few), "20"], env))
        kills, last = _kill_midway([*prepare, "run", killed["on"]], env, gateway, len(again), few)
        end = gateway.taken()
        return {
            "reminders": told["to_send"], "seconds": seconds, "statements": told["statements"], "sent": len(first),
            "doubled": sum(n - 1 for n in first.values()), "again": sum(again.values()) - sum(first.values()),
            "killed": {"reminders": last["to_send"], "kills": kills, "sent": len(end) - len(again),
                       "doubled": sum(n - 1 for n in end.values())},
        }  # fmt: skip
    finally:
        gateway.stop()


def _kill_midway(
    command: list[str], env: dict[str, str], gateway: Gateway, before: int, wanted: int
) -> tuple[int, dict[str, Any]]:
    """Kill the run with -9 each time another fifth was sent; then let it finish. Kills, and what the last run said."""
    kills = 0
    for part in range(1, 5):
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and len(gateway.taken()) - before < wanted * part // 5:
            time.sleep(0.02)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait()
    return kills, json.loads(_said(command, env))


# --- the sweep over referrals and authorizations ---------------------------------------------------------------------


def sweep(servers: Servers, patients: int, kills: int = 6) -> dict[str, Any]:
    """The night's sweep: how long, what a second one changes, and whether one killed again and again ends the same."""
    moment = datetime.now(UTC).isoformat()
    run, state = ([sys.executable, "-m", "bench.sweep", *rest] for rest in (["run", moment], ["state"]))
    whole = servers.environment(servers.database(patients, "_whole"))
    before = _said(state, whole)
    first = json.loads(_said(run, whole))
    after = _said(state, whole)
    second = json.loads(_said(run, whole))
    seconds = sum(first["seconds"].values())
    killed = servers.environment(servers.database(patients, "_killed"))
    done = 0
    for _each in range(kills):
        process = subprocess.Popen(
            run, cwd=ROOT, env=killed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Its own start takes a second or two; what was done before is not done again.
        try:
            process.wait(2 + seconds / (kills + 2))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            done += 1
    last = json.loads(_said(run, killed))
    return {
        "first": first, "second": second, "kills": done, "last": last,
        "changed": before != after, "same_again": _said(state, whole) == after, "same_killed": _said(state, killed) == after,
    }  # fmt: skip


def finder(env: dict[str, str]) -> dict[str, Any]:
    """500 scripted searches: how often the wanted person comes first, and how long they take."""
    found: dict[str, Any] = json.loads(_said([sys.executable, "-m", "bench.finder", "--json"], env))
    return found


def duplicates(env: dict[str, str]) -> list[dict[str, Any]]:
    """The nightly look for people recorded twice: the first one, and one as on every other night."""
    said = _said([sys.executable, "-m", "bench.duplicates", "scan"], env)
    return [json.loads(line) for line in said.splitlines()]


def _said(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]
