"""Patients from a table: uploaded, columns named, checked, chosen, stopped. The work itself is in `caseload_work`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site, User
from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.imports.caseload import tables
from coordinator.imports.caseload.cells import date_order
from coordinator.imports.caseload.columns import DATES, LABELS, fitting, header_key, propose
from coordinator.imports.models import CaseloadImport, CaseloadRow, SavedMapping
from coordinator.workflow import NotAllowed
from patients.models import Patient
from patients.permissions import check_can_register

ENTITY = CaseloadImport._meta.label_lower
Status, Finding, Choice = CaseloadImport.Status, CaseloadRow.Finding, CaseloadRow.Choice
SAMPLES, SAMPLE_CHARACTERS = 3, 40
FORGET_AFTER = timedelta(days=30)  # then the file and what was read of it are deleted, and undo ends


def check_can_import(by: User, site: Site) -> None:
    if not by.can("patients.import"):
        raise PermissionDenied(_("Your role does not include importing patients."))
    check_can_register(by, site)


@transaction.atomic
def upload_table(*, site: Site, upload: UploadedFile[bytes], by: User, now: datetime) -> CaseloadImport:
    """Keep an uploaded CSV or XLSX file and look at its columns; nothing is imported.

    Raises ValidationError at `upload` for what cannot be read, PermissionDenied.
    """
    check_can_import(by, site)
    if (upload.size or 0) > tables.MOST_BYTES:
        raise ValidationError({"upload": _("This file is larger than 10 MB. Split it into several files.")})
    file: Any = upload
    try:
        table = tables.read_table(file)
        facts = _facts(table)
    except tables.Unreadable as error:
        raise ValidationError({"upload": str(error)}) from error
    upload.seek(0)
    run = CaseloadImport(
        site=site,
        started_by=by,
        asked_by=by,
        created_at=now,
        label=Path(upload.name or "").name[:200],
        kind=table.kind,
        encoding=table.encoding,
        delimiter=table.delimiter,
        sheet=table.sheet[:200],
        facts=facts,
    )
    run.columns, run.date_order = _proposed(by, table.header)
    # Stored under its own random name; the given one is only shown.
    run.upload.save(f"{run.pk}.{table.kind}", upload, save=False)
    run.save(force_insert=True)
    _log(run, "import_request", by)
    return run


def _facts(table: tables.Table) -> dict[str, Any]:
    """The header, a few values of each column, what its dates prove, and the number of rows."""
    samples: list[list[str]] = [[] for _name in table.header]
    columns: list[list[str]] = [[] for _name in table.header]
    count = 0
    for _line, cells in table.rows:
        count += 1
        for number, cell in enumerate(cells[: len(table.header)]):
            if cell.strip() and len(samples[number]) < SAMPLES:
                shown = "".join(c if c.isprintable() else "�" for c in cell.strip()[:SAMPLE_CHARACTERS])
                if shown not in samples[number]:
                    samples[number].append(shown)
            if len(cell) <= 10:
                columns[number].append(cell)
    if not count:
        raise tables.Unreadable(_("This file has a header and no rows."))
    dates = {str(n): found for n, values in enumerate(columns) if any(found := date_order(values))}
    return {"header": list(table.header), "samples": samples, "dates": dates, "rows": count}


def _proposed(by: User, header: tuple[str, ...]) -> tuple[dict[str, int], str]:
    saved = SavedMapping.objects.filter(user=by, header=header_key(header)).first()
    if saved is not None:
        return fitting(saved.columns, len(header)), saved.date_order
    return propose(header), ""


def doubtful_dates(run: CaseloadImport, columns: Mapping[str, int]) -> tuple[str, str]:
    """(the order that the mapped date columns prove or "", an example to choose by or "" when none is needed)."""
    found = [run.facts["dates"].get(str(columns[name])) for name in DATES if name in columns]
    proved = {order for order, _example in filter(None, found) if order}
    example = next((example for _order, example in filter(None, found) if example), "")
    return (proved.pop() if len(proved) == 1 else ""), example


@transaction.atomic
def name_columns(
    *, run_id: UUID, columns: Mapping[str, int], order: str, by: User, now: datetime
) -> CaseloadImport:
    """Say which column is which and have the rows checked by a job; remembered for this person and header.

    Raises ValidationError at the field for a column named twice or a needed one missing, NotAllowed when rows were
    imported already.
    """
    run = _locked(run_id, by)
    if run.status not in (Status.UPLOADED, Status.CHECKED, Status.STOPPED, Status.FAILED) or _imported(run):
        raise NotAllowed(_("The columns of this import cannot be changed any more."))
    if not run.upload:
        raise NotAllowed(_("The file of this import was deleted. Upload it again."))
    _check_columns(columns, len(run.facts["header"]))
    proved, example = doubtful_dates(run, columns)
    if example and not (order or proved):
        raise ValidationError(
            {
                "date_order": _("%(example)s can be read in two ways. Choose which one is meant.")
                % {"example": example}
            }
        )
    run.columns, run.date_order = dict(columns), order or proved
    _ask(run, Status.CHECKING, by)
    SavedMapping.objects.update_or_create(
        user=by,
        header=header_key(run.facts["header"]),
        defaults={"columns": run.columns, "date_order": order},
    )
    _log(run, "import_check", by)
    return run


def _check_columns(columns: Mapping[str, int], width: int) -> None:
    problems: dict[str, str] = {}
    if not {"family_name", "given_name"} & set(columns):
        problems["family_name"] = _("Choose the column with the family name or the given name.")
    if "birth_date" not in columns:
        problems["birth_date"] = _("Choose the column with the date of birth.")
    taken: dict[int, str] = {}
    for name, number in columns.items():
        if name not in LABELS or not 0 <= number < width:
            raise ValidationError(_("This file has no such column."))
        if number in taken:
            problems[name] = _("This column is chosen for %(field)s already.") % {
                "field": LABELS[taken[number]]
            }
        taken[number] = name
    if problems:
        raise ValidationError(problems)


@transaction.atomic
def choose_rows(
    *, run_id: UUID, choices: Mapping[int, tuple[str, UUID | None]], by: User, now: datetime
) -> int:
    """What probable duplicates are, by line: ("skip", None), ("new", None) or ("link", patient). Returns how many.

    Only a patient that the check named for this row, and that the person may see, can be chosen.
    """
    run = _locked(run_id, by)
    if run.status not in (Status.CHECKED, Status.STOPPED):
        raise NotAllowed(_("Rows are chosen after the check and before the import."))
    rows = run.rows.filter(line__in=choices, finding=Finding.DOUBLE, outcome="")
    visible = set(
        Patient.objects.visible_to(by)
        .filter(pk__in=[k for _c, k in choices.values() if k])
        .values_list("pk", flat=True)
    )
    changed = []
    for row in rows:
        choice, patient = choices[row.line]
        offered = {key for key, _points in row.doubles}
        if choice not in Choice.values or (
            choice == Choice.LINK and (patient not in visible or str(patient) not in offered)
        ):
            raise ValidationError(_("Choose one of the answers of line %(line)d.") % {"line": row.line})
        row.choice, row.chosen = choice, patient if choice == Choice.LINK else None
        changed.append(row)
    CaseloadRow.objects.bulk_update(changed, ["choice", "chosen"], batch_size=500)
    return len(changed)


@transaction.atomic
def start_import(*, run_id: UUID, by: User, now: datetime) -> CaseloadImport:
    """Have a job import what was checked, or go on after a stop. Undecided duplicates are skipped."""
    run = _locked(run_id, by)
    if run.status not in (Status.CHECKED, Status.STOPPED) or not run.rows.filter(outcome="").exists():
        raise NotAllowed(_("There is nothing to import here now."))
    _ask(run, Status.IMPORTING, by)
    _log(run, "import_start", by)
    return run


@transaction.atomic
def stop_import(*, run_id: UUID, by: User, now: datetime) -> CaseloadImport:
    """Stop what a job does; what it has done stays done and can be taken back."""
    run = _locked(run_id, by)
    if run.is_working:
        back = Status.UPLOADED if run.status == Status.CHECKING else Status.STOPPED
        _ask(run, back, by)
        _log(run, "import_stop", by)
    return run


@transaction.atomic
def undo_import(*, run_id: UUID, by: User, now: datetime) -> CaseloadImport:
    """Have a job take back what this import made and nobody has changed since."""
    run = _locked(run_id, by)
    if not can_undo(run, now):
        raise NotAllowed(_("There is nothing to take back here."))
    _ask(run, Status.UNDOING, by)
    _log(run, "import_undo", by)
    return run


def can_undo(run: CaseloadImport, now: datetime) -> bool:
    """Something was imported, no job is at work, and the file is not forgotten yet."""
    return (
        run.status in (Status.DONE, Status.STOPPED) and _imported(run) and now < run.created_at + FORGET_AFTER
    )


def forget_old(*, now: datetime) -> int:
    """Delete files and what was read of them after FORGET_AFTER; counts and reasons stay. Returns how many."""
    old = CaseloadImport.objects.filter(created_at__lt=now - FORGET_AFTER).exclude(upload="")
    forgotten = 0
    for run in old.exclude(status__in=CaseloadImport.WORKING)[:100]:
        with transaction.atomic():
            run.rows.update(values={})
            run.facts = {**run.facts, "samples": []}
            CaseloadImport.objects.filter(pk=run.pk).update(upload="", facts=run.facts)
        run.upload.storage.delete(run.upload.name)
        forgotten += 1
    return forgotten


def _locked(run_id: UUID, by: User) -> CaseloadImport:
    run = lock(CaseloadImport.objects.visible_to(by).select_related("site"), run_id)
    check_can_import(by, run.site)
    return run


def _imported(run: CaseloadImport) -> bool:
    done: Iterable[str] = (CaseloadRow.Outcome.ADDED, CaseloadRow.Outcome.LINKED)
    return run.rows.filter(outcome__in=done).exists()


def _ask(run: CaseloadImport, status: str, by: User) -> None:
    """Hand the import to a job (or take it from one): whoever held the old token writes no more."""
    run.asked_by, run.claim_token, run.heartbeat_at, run.reason = by, None, None, ""
    run.status = status
    run.save()


def _log(run: CaseloadImport, action: str, by: User) -> None:
    audit.record(
        by=by,
        action=action,
        entity=ENTITY,
        entity_id=run.pk,
        site_id=run.site_id,
        details={"rows": run.facts.get("rows", 0)},
    )
