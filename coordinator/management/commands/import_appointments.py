"""`manage.py import_appointments FILE.csv --map field=Column ...`: visits from another system."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from coordinator.fhir.problems import Unreadable
from coordinator.imports.services.appointments import FIELDS, AppointmentWriter, Mapping
from coordinator.imports.services.runs import finish_rows, new_run, start_rows
from coordinator.management.commands.import_fhir import choose_site
from coordinator.workflow import System


def pairs(texts: list[str], what: str) -> dict[str, str]:
    """["a=b"] as {"a": "b"}."""
    wrong = [text for text in texts if "=" not in text]
    if wrong:
        raise CommandError(f"--{what} expects name=value, not {wrong[0]!r}.")
    return dict(text.split("=", 1) for text in texts)


class Command(BaseCommand):
    help = "Import appointments from CSV. Dirty rows are reported with line and reason; none is guessed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--site")
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=COLUMN", help=f"fields: {', '.join(FIELDS)}"
        )
        parser.add_argument(
            "--outcome", action="append", default=[], metavar="WORD=STATUS", help="such as Yes=no_show"
        )
        parser.add_argument(
            "--day-only", action="store_true", help="the start column knows the day, not the time"
        )
        parser.add_argument(
            "--unnamed-patients",
            action="store_true",
            help="make a nameless record for each unknown patient number",
        )
        parser.add_argument("--service", default="Imported visit")
        parser.add_argument(
            "--source", default="appointments", help="where the appointment numbers are unique"
        )
        parser.add_argument("--delimiter", default=",")
        parser.add_argument("--show", type=int, default=20, help="how many refused rows to print")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file.name}.")
        mapping = Mapping(
            columns=pairs(options["map"], "map"),
            outcomes=pairs(options["outcome"], "outcome"),
            day_only=options["day_only"],
            unnamed=options["unnamed_patients"],
            service=options["service"],
            source=options["source"],
            delimiter=options["delimiter"],
        )
        by, now = System("import_appointments"), timezone.now()
        run = start_rows(
            new_run(kind="appointments", site=choose_site(options["site"]), by=by, now=now, label=file.name)
        )
        started = time.monotonic()
        writer = AppointmentWriter(run=run, mapping=mapping, by=by, now=now)
        bar = self._bar if self.stderr.isatty() else None
        try:
            counts = writer.run_file(file, progress=bar)
        except (Unreadable, OSError) as error:
            finish_rows(run, writer.counts, failed=str(error))
            raise CommandError(f"{file.name}: {error}") from error
        finish_rows(run, counts)
        seconds = time.monotonic() - started
        for problem in run.problems.all()[: options["show"]]:
            self.stdout.write(f"Refused: {problem.place}: {problem.reason}")
        total = counts["added"] + counts["unchanged"] + counts["refused"]
        self.stdout.write(
            f"{total} rows: {counts['added']} added, {counts['unchanged']} already here, {counts['refused']} refused,"
            f" {counts['patients']} patients made, in {seconds:.1f} s ({total / max(seconds, 0.001):.0f} rows/s)"
        )

    def _bar(self, counts: Counter[str]) -> None:
        self.stderr.write(f"\r{counts['added'] + counts['unchanged'] + counts['refused']} rows", ending="")
