"""The operations that are measured: what we send to our server, what to the floor, and what is aimed for.

Row numbers and aims are those of section 7 of the performance goals: requests a second with 16 clients, milliseconds at the 95th
percentile with one client, our share of the floor's speed with 16 clients, and SQL statements a request.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from bench import floor_sql as sql
from bench.load import Base, Request

Requests = Callable[[Base], Iterator[Request]]


@dataclass(frozen=True)
class Case:
    """One row of the table. `bare` is the floor's statement with parameters to cycle through."""

    row: str
    what: str
    ours: Requests
    floor: Requests | None = None
    bare: tuple[str, list[Any]] | None = None
    rps: float = 0  # aim with 16 clients (with one client where `one_client`)
    p95: float = 0  # aim with one client, ms
    share: float = 0  # aim: of the floor's requests a second
    queries: int = 0  # at most
    one_client: bool = False
    clients: tuple[int, ...] = (1, 16)
    writes: bool = False


def forever(requests: list[Request]) -> Iterator[Request]:
    return itertools.cycle(requests)


class Book:
    """Free half hours far ahead, each given out once, so that no booking meets another."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self._next = self._slots()

    def _slots(self) -> Iterator[tuple[str, str, str, str]]:
        zone = ZoneInfo(self.facts["zone"])
        numbers = {site: itertools.cycle(keys) for site, keys in self.facts["patients"].items()}
        for day in self.facts["free_days"]:
            for slot in range(self.facts["slots_a_day"]):
                minutes = slot * 30 + (60 if slot >= 8 else 0)
                local = datetime.combine(date.fromisoformat(day), datetime.min.time(), zone)
                start = (local + timedelta(hours=8, minutes=minutes)).isoformat()
                for number in range(20):
                    for site in self.facts["sites"]:
                        yield site, self.facts["practitioners"][site][number], start, next(numbers[site])

    def bodies(self) -> Iterator[dict[str, str]]:
        for site, practitioner, start, patient in self._next:
            yield {
                "patient": patient,
                "service": self.facts["services"][0],
                "site": site,
                "practitioner": practitioner,
                "start": start,
            }


def cases(facts: dict[str, Any], book: Book) -> list[Case]:
    token = {"Authorization": f"Bearer {facts['token']}"}
    keys = itertools.count()

    def api(method: str, paths: list[str], bodies: list[Any] | None = None) -> Requests:
        given = bodies or [None]

        def made(base: Base) -> Iterator[Request]:
            both = zip(itertools.cycle(paths), given * (len(paths) if len(given) == 1 else 1), strict=False)
            return forever(
                [base.request(method, "/api/v1" + path, body=body, headers=token) for path, body in both]
            )

        return made

    def plain(method: str, paths: list[str], bodies: list[Any] | None = None) -> Requests:
        given = bodies or [None] * len(paths)
        return lambda base: forever(
            [
                base.request(method, path, body=body)
                for path, body in zip(itertools.cycle(paths), given, strict=False)
            ]
        )

    def page(path: str, who: str) -> Requests:
        cookie = {"Cookie": f"sessionid={facts[who]}", "Accept": "text/html"}
        return lambda base: forever([base.request("GET", path, headers=cookie)])

    def bookings(base: Base) -> Iterator[Request]:
        for body in book.bodies():
            headers = {**token, "Idempotency-Key": f"bench-{next(keys)}"}
            yield base.request("POST", "/api/v1/appointments/", body=body, headers=headers)

    def floor_bookings(base: Base) -> Iterator[Request]:
        for body in book.bodies():
            yield base.request("POST", "/appointments/book/", body=body)

    sites = facts["sites"]
    site, practitioner = sites[0], facts["practitioners"][sites[0]]
    day = facts["near_days"][2]
    start, end = _bounds(day, facts["zone"])
    week = facts["near_days"][:5]
    free = {"service": facts["services"][0], "site": site}
    phones = [{"q": phone} for phone in facts["phones"]]
    bare_patients = [[pk, sites] for pk in facts["some_patients"]]
    slot_params = [[start, end, p, *[facts["zone"]] * 3, p] for p in practitioner]
    chart = [f"/patients/{pk}/" for pk in facts["some_patients"]]
    cookie = {"Cookie": f"sessionid={facts['coordinator']}", "Accept": "text/html"}
    one_site = [[site, start, end]]
    return [
        Case("1", "patient list, first page, scoped", api("GET", ["/patients/?limit=20"]), plain("GET", ["/patients/"]),
             (sql.LIST, [[sites]]), rps=185, p95=20, share=0.12, queries=5),
        Case("1 page", "the same as a page, with next visit and open work", page("/patients/?coordinator=any", "coordinator"), None, None),
        Case("3", "name search", api("POST", ["/patients/search/"], [{"q": n, "limit": 20} for n in facts["names"]]),
             plain("POST", ["/patients/search/"], [{"q": n} for n in facts["names"]]),
             (sql.SEARCH, [[f"%{n}%", sites] for n in facts["names"]]), rps=145, p95=25, share=0.12, queries=5),
        Case("4", "exact phone", api("POST", ["/patients/search/"], phones), plain("POST", ["/patients/phone/"], phones),
             (sql.PHONE, [[sites, phone] for phone in facts["phones"]]), rps=260, p95=15, share=0.10, queries=5),
        Case("4 MRN", "exact record number", api("GET", [f"/patients/?mrn={m}" for m in facts["mrns"]]),
             plain("GET", [f"/patients/number/?mrn={m}" for m in facts["mrns"]]),
             (sql.NUMBER, [[m, sites] for m in facts["mrns"]]), rps=260, p95=15, share=0.10, queries=5),
        Case("5", "patient read", api("GET", [f"/patients/{pk}/" for pk in facts["some_patients"]]),
             plain("GET", chart), (sql.ONE, bare_patients), rps=265, p95=12, share=0.10, queries=6),
        Case("5 page", "patient summary as a page",
             lambda base: forever([base.request("GET", path, headers=cookie) for path in _own(facts)]), None, None,
             p95=120, queries=12),
        Case("R board", "board of referrals and authorizations", page("/referrals/board/", "manager"), None, None, p95=200, queries=12),
        Case("R table", "table of referrals, first page, every owner", page("/referrals/?owner=", "manager"), None, None,
             p95=200, queries=12),
        Case("R auth", "table of authorizations, first page, every owner", page("/referrals/authorizations/?owner=", "manager"),
             None, None, p95=200, queries=12),
        Case("6", "free times of a day, one provider",
             api("GET", ["/appointments/free-times/?" + urlencode(free | {"practitioner": p, "from": day}) for p in practitioner]),
             plain("GET", ["/slots/?" + urlencode({"practitioner": p, "start": start, "end": end}) for p in practitioner]),
             (sql.SLOTS, slot_params), rps=215, p95=15, share=0.15, queries=6),
        Case("7", "free times of a week, one provider",
             api("GET", ["/appointments/free-times/?" + urlencode(free | {"practitioner": p, "from": week[0], "to": week[-1]})
                         for p in practitioner]), rps=100, p95=30, queries=6),
        Case("8", "booking, one client", bookings, floor_bookings, None, rps=85, p95=16, share=0.25, queries=10,
             one_client=True, clients=(1,), writes=True),
        Case("9", "booking, 16 clients", bookings, floor_bookings, None, rps=165, share=0.16, queries=10, clients=(16,), writes=True),
        Case("12", "visits of a day", api("GET", ["/appointments/?" + urlencode({"site": site, "from": start, "to": end})]),
             plain("GET", ["/appointments/?" + urlencode({"site": site, "start": start, "end": end})]),
             (sql.DAY, one_site), rps=145, p95=20, queries=6),
        Case("13", "manager board, whole clinic", page("/team/?period=30", "manager"), plain("GET", ["/board/"]),
             (facts["board_sql"], [None]), rps=110, p95=30, share=5, queries=8),
        Case("W", "My work as a page", page("/?view=todo", "coordinator"), None, None),
    ]  # fmt: skip


def _own(facts: dict[str, Any]) -> list[str]:
    """Pages of patients of the coordinator's own site."""
    return [f"/patients/{pk}/" for pk in facts["patients"][facts["sites"][0]][:200]]


def _bounds(day: str, zone: str) -> tuple[str, str]:
    first = datetime.combine(date.fromisoformat(day), datetime.min.time(), ZoneInfo(zone))
    return first.isoformat(), (first + timedelta(days=1)).isoformat()
