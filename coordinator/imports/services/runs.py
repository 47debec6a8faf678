"""Import runs: asked for, claimed by one worker, reported on, stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site
from coordinator.audit import services as audit
from coordinator.db import Conflict, db_now, lock
from coordinator.fhir.bundles import entries_of
from coordinator.fhir.problems import Unreadable
from coordinator.fhir.sources import SUFFIXES, Source, find_sources, read_documents
from coordinator.imports.models import ImportProblem, ImportRun
from coordinator.imports.services.fhir import FileResult, FileWriter
from coordinator.imports.services.identity import Index
from coordinator.workflow import Actor, System, person

MAX_UPLOAD_BYTES = 100 * 1024 * 1024
STALE_AFTER = timedelta(minutes=5)  # a run without a sign of life this long belongs to nobody
MAX_PROBLEMS = 2000
Progress = Callable[[ImportRun], None]


def check_can_import(by: Actor) -> None:
    if not isinstance(by, System) and not by.can("imports.run"):
        raise PermissionDenied(_("Only administrators import files."))


def new_run(*, kind: str, site: Site, by: Actor, now: datetime, label: str = "", **options: Any) -> ImportRun:
    """A run that waits. Audited: who brought data in, where to."""
    check_can_import(by)
    with transaction.atomic():
        run = ImportRun.objects.create(
            kind=kind, site=site, label=label[:200], options=options, started_by=person(by), created_at=now
        )
        audit.record(
            by=by, action="import_request", entity="imports.importrun", entity_id=run.pk, site_id=site.pk
        )
    return run


@transaction.atomic
def request_import(
    *, kind: str, site: Site, upload: UploadedFile[bytes], by: Actor, now: datetime, **options: Any
) -> ImportRun:
    """Keep an uploaded file and queue its import. Refuses types and sizes we do not read."""
    name = Path(upload.name or "").name
    allowed = SUFFIXES if kind == "fhir" else (".csv", ".csv.gz")
    if not name.lower().endswith(allowed):
        raise ValidationError({"upload": _("Choose one of: %(types)s.") % {"types": ", ".join(allowed)}})
    if (upload.size or 0) > MAX_UPLOAD_BYTES:
        raise ValidationError({"upload": _("This file is larger than 100 MB. Split it, or use the command.")})
    run = new_run(kind=kind, site=site, by=by, now=now, label=name, file_name=name, **options)
    # Stored under its own random name; the given one is only shown.
    run.upload.save(f"{run.pk}{''.join(Path(name).suffixes[-2:]).lower()[:12]}", upload, save=True)
    return run


def claim_run() -> ImportRun | None:
    """The oldest waiting run, or one whose worker died; claimed for the caller by the database's clock."""
    with transaction.atomic():
        now = db_now()
        stale = Q(status=ImportRun.Status.RUNNING, heartbeat_at__lt=now - STALE_AFTER)
        run = (
            ImportRun.objects.select_for_update(skip_locked=True)
            .filter(Q(status=ImportRun.Status.WAITING) | stale)
            .exclude(upload="")
            .order_by("created_at")
            .first()
        )
        if run is not None:
            _begin(run, now)
        return run


def run_waiting() -> int:
    """Work through the waiting uploads; answers how many were run."""
    done = 0
    while (run := claim_run()) is not None:
        by = System("import") if run.started_by is None else run.started_by
        run_import(run, paths=[Path(run.upload.path)], by=by)
        done += 1
    return done


def _begin(run: ImportRun, now: datetime) -> None:
    ImportRun.objects.filter(pk=run.pk).update(
        status=ImportRun.Status.RUNNING, started_at=now, heartbeat_at=now, files_done=0
    )
    run.problems.all().delete()
    run.refresh_from_db()


@transaction.atomic
def stop_run(*, run_id: UUID, by: Actor, now: datetime) -> ImportRun:
    """Stop after the file that is being read; what was imported stays."""
    check_can_import(by)
    run = lock(ImportRun.objects, run_id)
    if run.status in (ImportRun.Status.WAITING, ImportRun.Status.RUNNING):
        ImportRun.objects.filter(pk=run_id).update(status=ImportRun.Status.STOPPED, finished_at=now)
        audit.record(
            by=by, action="import_stop", entity="imports.importrun", entity_id=run_id, site_id=run.site_id
        )
    run.refresh_from_db()
    return run


def run_import(
    run: ImportRun, *, paths: list[Path], by: Actor, progress: Progress | None = None
) -> ImportRun:
    """Read every file under `paths` into `run.site`; each file in its own transaction. Returns the finished run."""
    if run.status != ImportRun.Status.RUNNING:
        _begin(run, timezone.now())
    try:
        sources = find_sources(paths)
    except Unreadable as error:
        _note(run, error.place or "-", "", error.reason)
        return _finish(run, ImportRun.Status.FAILED)
    run.files_total = len(sources)
    totals = Totals(run)
    index = Index(label=run.options.get("source") or "fhir")
    for source in sources:
        if not _still_wanted(run, totals):
            return run
        _one_file(run, source, index, totals, by)
        totals.done()
        if progress:
            progress(run)
    failed = not sources or totals.refused == len(sources)
    if not sources:
        _note(run, "-", "", str(_("no .json, .ndjson, .gz or .zip file was found")))
    return _finish(run, ImportRun.Status.FAILED if failed else ImportRun.Status.DONE, totals)


class Totals:
    """The report's counts, saved as it goes so that a page can watch."""

    def __init__(self, run: ImportRun) -> None:
        self.run, self.refused, self.files = run, 0, 0
        self.kept: dict[str, dict[str, int]] = {}
        self.not_kept: dict[str, int] = {}
        self.notes: dict[str, int] = {}

    def add(self, result: FileResult) -> None:
        for name, counter in (
            ("added", result.added),
            ("unchanged", result.unchanged),
            ("differs", result.differs),
        ):
            for kind, count in counter.items():
                row = self.kept.setdefault(kind, {"added": 0, "unchanged": 0, "differs": 0})
                row[name] += count
        _sum(self.not_kept, result.not_kept.items())
        _sum(self.notes, result.notes.items())

    def done(self) -> None:
        self.files += 1
        self.run.files_done = self.files
        self.run.counts = self.as_json()

    def as_json(self) -> dict[str, Any]:
        return {
            "kept": self.kept,
            "not_kept": self.not_kept,
            "notes": self.notes,
            "files_refused": self.refused,
        }


def _sum(into: dict[str, int], pairs: Iterable[tuple[str, int]]) -> None:
    for name, count in pairs:
        into[name] = into.get(name, 0) + count


def _one_file(run: ImportRun, source: Source, index: Index, totals: Totals, by: Actor) -> None:
    """All of a file or nothing of it; a refusal is noted with its place and the rest goes on."""
    try:
        entries = entries_of(read_documents(source.name, source.read()))
        with transaction.atomic():
            writer = FileWriter(run=run, site=run.site, index=index, by=by, now=timezone.now())
            result = writer.write(entries)
    except Unreadable as error:
        totals.refused += 1
        _note(run, source.name, error.place, error.reason)
    except Conflict as error:
        totals.refused += 1
        _note(run, source.name, "", str(error))
    except (TypeError, ValueError, OverflowError) as error:
        # A value of a type that the shape check let pass. The error's own text may quote it.
        totals.refused += 1
        _note(
            run,
            source.name,
            "",
            str(_("holds a value that cannot be kept (%(kind)s)") % {"kind": type(error).__name__}),
        )
    except (IntegrityError, DataError) as error:
        totals.refused += 1
        # The database's own text may quote the row; the constraint's name says enough.
        diag = getattr(error.__cause__, "diag", None)
        name = (
            getattr(diag, "constraint_name", None)
            or getattr(diag, "column_name", None)
            or type(error).__name__
        )
        _note(run, source.name, "", str(_("breaks a rule of the database: %(rule)s") % {"rule": name}))
    else:
        totals.add(result)


def _note(run: ImportRun, file: str, place: str, reason: str) -> None:
    stored = Path(run.upload.name or "").name
    if stored and file.startswith(stored):  # people know an upload by the name they gave it
        file = run.label + file.removeprefix(stored)
    if run.problems.count() < MAX_PROBLEMS:
        ImportProblem.objects.create(run=run, file=file[-250:], place=place[:250], reason=reason[:500])


def _still_wanted(run: ImportRun, totals: Totals) -> bool:
    """Save progress; False when somebody stopped the run."""
    return bool(
        ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.RUNNING).update(
            heartbeat_at=db_now(),
            files_total=run.files_total,
            files_done=run.files_done,
            counts=totals.as_json(),
        )
    )


def _finish(run: ImportRun, status: str, totals: Totals | None = None) -> ImportRun:
    now = timezone.now()
    ImportRun.objects.filter(pk=run.pk, status=ImportRun.Status.RUNNING).update(
        status=status,
        finished_at=now,
        files_total=run.files_total,
        files_done=run.files_done,
        counts=totals.as_json() if totals else run.counts,
    )
    run.refresh_from_db()
    return run


def start_rows(run: ImportRun) -> ImportRun:
    """A run that reads rows and not files is running."""
    _begin(run, timezone.now())
    return run


def finish_rows(run: ImportRun, counts: dict[str, int], failed: str = "") -> ImportRun:
    """The report of a run that reads rows."""
    if failed:
        _note(run, run.label or "-", "", failed)
    run.files_total = run.files_done = 1
    run.counts = {"rows": dict(counts)}
    return _finish(run, ImportRun.Status.FAILED if failed else ImportRun.Status.DONE)
