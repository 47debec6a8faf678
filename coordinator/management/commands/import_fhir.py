"""`manage.py import_fhir PATH...`: FHIR R4 files into the record."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from coordinator.accounts.models import Site
from coordinator.imports.models import ImportRun
from coordinator.imports.services.runs import new_run, run_import
from coordinator.workflow import System


def choose_site(name: str | None) -> Site:
    """The named site, or the only one there is."""
    sites = Site.objects.filter(is_active=True)
    if name:
        found = sites.filter(name=name).first()
        if found is None:
            raise CommandError(f"There is no site {name!r}. Sites: {', '.join(s.name for s in sites)}.")
        return found
    if sites.count() != 1:
        names = ", ".join(s.name for s in sites) or "none yet"
        raise CommandError(f"Say which site with --site. Sites: {names}.")
    return sites.get()


class Command(BaseCommand):
    help = (
        "Import FHIR R4 from folders, .json, .ndjson, .gz and .zip: transaction, batch, collection and searchset"
        " bundles, or single resources. A file is all or nothing; importing it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path)
        parser.add_argument("--site", help="name of the site the patients belong to")
        parser.add_argument(
            "--source", default="fhir", help="name of the sending system, for ids that are no UUID"
        )
        parser.add_argument(
            "--one-patient",
            action="store_true",
            help="a reference to a patient who is not in a file means the one who is (decks of quality measures)",
        )
        parser.add_argument(
            "--quiet",
            action="store_true",
            help="no progress bar (there is none either when the output is no terminal)",
        )

    def handle(
        self,
        *args: Any,
        paths: list[Path],
        site: str | None,
        source: str,
        quiet: bool,
        one_patient: bool = False,
        **options: Any,
    ) -> None:
        by = System("import_fhir")
        label = ", ".join(path.name for path in paths)
        run = new_run(
            kind="fhir",
            site=choose_site(site),
            by=by,
            now=timezone.now(),
            label=label,
            source=source,
            one_patient=one_patient,
        )
        started = time.monotonic()
        run = run_import(
            run, paths=paths, by=by, progress=self._bar if sys.stderr.isatty() and not quiet else None
        )
        self._report(run, time.monotonic() - started)
        if run.status != ImportRun.Status.DONE or run.counts.get("files_refused"):
            sys.exit(1)

    def _bar(self, run: ImportRun) -> None:
        filled = 40 * run.files_done // max(run.files_total, 1)
        self.stderr.write(f"\r[{'#' * filled:<40}] {run.files_done}/{run.files_total} files", ending="")
        if run.files_done == run.files_total:
            self.stderr.write("")

    def _report(self, run: ImportRun, seconds: float) -> None:
        kept = run.counts.get("kept", {})
        self.stdout.write(f"{'Kept':<22}{'added':>9}{'same':>9}{'differs':>9}")
        for kind, row in sorted(kept.items()):
            self.stdout.write(f"{kind:<22}{row['added']:>9}{row['unchanged']:>9}{row['differs']:>9}")
        self.stdout.write("Not kept: " + (_list(run.counts.get("not_kept", {})) or "nothing"))
        for note, count in run.counts.get("notes", {}).items():
            self.stdout.write(f"Note: {note} ({count})")
        for problem in run.problems.all():
            self.stdout.write(f"Refused: {problem.file} {problem.place}: {problem.reason}")
        added = kept.get("Patient", {}).get("added", 0)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.stdout.write(
            f"{run.files_done} files, {run.counts.get('files_refused', 0)} refused, {added} new patients in"
            f" {seconds:.1f} s ({added / max(seconds, 0.001):.1f} patients/s), peak memory {memory} MB"
        )


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
