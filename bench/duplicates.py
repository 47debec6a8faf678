"""How well and how fast people who are recorded twice are found.

python -m bench.duplicates sets FOLDER     pairs, precision, recall and F1 of sets with known truth: files
                                           febrl_dataset*.csv (FEBRL) and splink_fake_1000.csv in the folder
python -m bench.duplicates scan            the nightly look over the database of DATABASE_URL (bench.generate fills it)
"""

from __future__ import annotations

import csv
import itertools
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection
from django.utils import timezone

from coordinator.workflow import System
from patients.rules.duplicates import Person, groups, pairs, person_from
from patients.services import scan_duplicates

Truth = list[str]  # by position: which person a record belongs to


@dataclass(frozen=True)
class Figures:
    """`pairs` are those inside the groups that were found; the truth has `true_pairs`."""

    people: int
    true_pairs: int
    pairs: int
    right: int
    seconds: float

    @property
    def precision(self) -> float:
        return self.right / self.pairs if self.pairs else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true_pairs

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.right else 0.0


def figures(people: list[Person], truth: Truth) -> Figures:
    began = time.perf_counter()
    found = groups(people, list(pairs(people)))
    seconds = time.perf_counter() - began
    made = [pair for group in found for pair in itertools.combinations(group, 2)]
    right = sum(truth[one] == truth[two] for one, two in made)
    true_pairs = sum(n * (n - 1) // 2 for n in Counter(truth).values())
    return Figures(len(people), true_pairs, len(made), right, seconds)


def febrl(file: Path) -> tuple[list[Person], Truth]:
    """FEBRL's made-up Australians: rec-223-org and rec-223-dup-0 are one person; a blank follows each comma."""
    people, truth = [], []
    for row in _rows(file):
        day = row["date_of_birth"]
        people.append(
            person_from(
                {
                    "id": len(people),
                    "given_name": row["given_name"],
                    "family_name": row["surname"],
                    "birth_date": _date(f"{day[:4]}-{day[4:6]}-{day[6:]}"),
                    "address_line": f"{row['street_number']} {row['address_1']}".strip(),
                    "city": row["suburb"],
                    "postal_code": row["postcode"],
                },
                numbers=[row["soc_sec_id"]],
            )
        )
        truth.append(row["rec_id"].split("-")[1])
    return people, truth


def fake_1000(file: Path) -> tuple[list[Person], Truth]:
    """A thousand made-up Britons with a name, a birth date, a city and an e-mail address; `cluster` is the person."""
    people, truth = [], []
    for row in _rows(file):
        people.append(
            person_from(
                {
                    "id": len(people),
                    "given_name": row["first_name"],
                    "family_name": row["surname"],
                    "birth_date": _date(row["dob"]),
                    "city": row["city"],
                },
                emails=[row["email"].lower()] if row["email"] else [],
            )
        )
        truth.append(row["cluster"])
    return people, truth


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened, skipinitialspace=True):
            yield {name.strip(): (value or "").strip() for name, value in row.items()}


def _date(text: str) -> Any:
    """None for what is no date: the sets hold some impossible ones."""
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def sets_in(folder: Path) -> Iterator[tuple[str, Figures]]:
    for file in sorted(folder.glob("febrl_dataset*.csv")):
        yield file.stem, figures(*febrl(file))
    if (file := folder / "splink_fake_1000.csv").exists():
        yield file.stem, figures(*fake_1000(file))


def sets(folder: str) -> None:
    print(
        f"{'set':<20} {'people':>6} {'true':>6} {'found':>6} {'precision':>9} {'recall':>7} {'F1':>7} seconds"
    )
    for name, one in sets_in(Path(folder)):
        print(
            f"{name:<20} {one.people:>6} {one.true_pairs:>6} {one.pairs:>6} {one.precision:>9.4f}"
            f" {one.recall:>7.4f} {one.f1:>7.4f} {one.seconds:>7.1f}"
        )


def scan() -> None:
    """Twice: into an empty table, and as on every other night."""
    for _night in range(2):
        began = time.process_time()
        found = scan_duplicates(now=timezone.now(), by=System("bench"))
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from patients_possibleduplicate")
            rows = cursor.fetchone()[0]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            json.dumps(
                found.as_counts()
                | {"rows": rows, "cpu": round(time.process_time() - began, 1), "peak_mib": round(peak)}
            )
        )


if __name__ == "__main__":
    {"sets": sets, "scan": scan}[sys.argv[1]](*sys.argv[2:])
