"""Appointments from a CSV file: a mapping says which column is what; dirty rows are reported, none guessed."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from django.db import transaction

from coordinator.audit import services as audit
from coordinator.db import uuid7
from coordinator.fhir.problems import Unreadable
from coordinator.imports.models import ImportProblem, ImportRun, SourceRecord
from coordinator.workflow import Actor, actor_fields
from patients.models import Patient, PatientChange
from patients.selectors import standing_records
from scheduling.models import Appointment, AppointmentChange, Service
from scheduling.workflow import Status

BATCH = 2000
UNDECODED = re.compile("[\udc80-\udcff]")
FIELDS = ("patient", "id", "start", "minutes", "booked", "outcome", "sex", "service", "reason")
REQUIRED = ("patient", "id", "start")
OUTCOMES = (Status.BOOKED, Status.FULFILLED, Status.NO_SHOW, Status.CANCELLED)
SEXES = {"f": "female", "female": "female", "m": "male", "male": "male", "": "unknown"}


@dataclass(frozen=True)
class Mapping:
    """Which column holds which field, and how its values are read.

    `outcomes` maps the file's words to statuses; without an outcome column every visit is booked.
    `day_only`: the start column knows the day, not the time. `unnamed`: make a record for a patient number
    that is not here; its name says that there is none.
    """

    columns: dict[str, str]
    outcomes: dict[str, str] = field(default_factory=dict)
    day_only: bool = False
    unnamed: bool = False
    service: str = "Imported visit"
    source: str = "appointments"
    delimiter: str = ","

    def check(self) -> None:
        """Raises Unreadable when a field is unknown or a needed one is missing."""
        for name in self.columns:
            if name not in FIELDS:
                raise Unreadable(f"the mapping names {name!r}; fields are {', '.join(FIELDS)}")
        for name in REQUIRED:
            if name not in self.columns:
                raise Unreadable(f"the mapping must say which column is {name!r}")
        for word, status in self.outcomes.items():
            if status not in OUTCOMES:
                raise Unreadable(f"outcome {word!r} must be one of {', '.join(OUTCOMES)}")
        if "outcome" in self.columns and not self.outcomes:
            raise Unreadable("an outcome column needs a list of outcomes, such as Yes=no_show,No=fulfilled")


@dataclass(frozen=True)
class Row:
    """One clean row. Times are UTC."""

    line: int
    patient: str
    key: str
    start: dt.datetime
    minutes: int
    booked_at: dt.datetime
    status: str
    sex: str
    service: str
    reason: str


class BadRow(Exception):
    """This row is not imported; the text says why without repeating it."""


@contextlib.contextmanager
def open_csv(path: Path) -> Iterator[io.TextIOBase]:
    with path.open("rb") as raw:
        plain: Any = gzip.GzipFile(fileobj=raw) if path.name.endswith(".gz") else raw
        # Bytes that are no UTF-8 become marks that `_row` refuses: one bad row must not end the file.
        yield io.TextIOWrapper(plain, encoding="utf-8-sig", errors="surrogateescape", newline="")


def read_rows(stream: Any, mapping: Mapping, zone: dt.tzinfo) -> Iterator[Row | tuple[int, str]]:
    """Each line as a Row, or as (line, reason). Raises Unreadable when the header lacks a mapped column."""
    reader = csv.DictReader(stream, delimiter=mapping.delimiter, strict=True)
    header = reader.fieldnames or []
    missing = [column for column in mapping.columns.values() if column not in header]
    if missing:
        raise Unreadable(
            f"there is no column {', '.join(map(repr, missing))}; the header has {', '.join(header)[:300]}"
        )
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"cannot be read as CSV: {str(error)[:120]}"
            return
        try:
            yield _row(reader.line_num, values, mapping, zone)
        except BadRow as error:
            yield reader.line_num, str(error)


def _row(line: int, values: dict[Any, Any], mapping: Mapping, zone: dt.tzinfo) -> Row:
    if None in values or None in values.values():
        raise BadRow("has not as many fields as the header")
    given = {name: values[column].strip() for name, column in mapping.columns.items()}
    for name in REQUIRED:
        if not given[name]:
            raise BadRow(f"{name} is empty")
    if any(not value.isascii() and UNDECODED.search(value) for value in values.values()):
        raise BadRow("is not UTF-8")
    if any("\x00" in value for value in given.values()):
        raise BadRow("holds a NUL character")
    if len(given["patient"]) > 40 or len(given["id"]) > 250:
        raise BadRow("the patient or appointment number is too long")
    start = _start(given["start"], mapping.day_only, zone)
    booked_at = _moment(given["booked"], "booked", zone) if given.get("booked") else start
    # A day has no hour, so a booking on the day itself is not after it.
    latest = start + dt.timedelta(days=1) if mapping.day_only else start
    if booked_at >= latest and booked_at > start:
        raise BadRow("was booked after the visit")
    sex = SEXES.get(given.get("sex", "").lower())
    if sex is None:
        raise BadRow("sex is neither F nor M")
    return Row(
        line=line,
        patient=given["patient"],
        key=given["id"],
        start=start,
        minutes=_minutes(given.get("minutes", "")),
        booked_at=booked_at,
        status=_outcome(given, mapping),
        sex=sex,
        service=(given.get("service") or mapping.service)[:120],
        reason=given.get("reason", "")[:250],
    )


def _outcome(given: dict[str, str], mapping: Mapping) -> str:
    if "outcome" not in given:
        return Status.BOOKED
    status = mapping.outcomes.get(given["outcome"])
    if status is None:
        raise BadRow("the outcome is none of those the mapping names")
    return status


def _minutes(value: str) -> int:
    if not value:
        return 30
    if not value.isascii() or not value.isdigit() or not 5 <= int(value) <= 600:
        raise BadRow("minutes is not a number from 5 to 600")
    return int(value)


def _start(value: str, day_only: bool, zone: dt.tzinfo) -> dt.datetime:
    """The moment in UTC; for a day alone its local midnight, whatever zone the file's midnight is written in."""
    if day_only:
        try:
            day = dt.date.fromisoformat(value[:10])
        except ValueError:
            raise BadRow("start is not a date (YYYY-MM-DD)") from None
        return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
    return _moment(value, "start", zone)


def _moment(value: str, name: str, zone: dt.tzinfo) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise BadRow(f"{name} is not a date and time (ISO 8601)") from None
    if not 1900 <= found.year <= 2200:
        raise BadRow(f"{name} has an impossible year")
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(dt.UTC)


class AppointmentWriter:
    """Saves rows in batches, each in its own transaction. Importing again adds nothing."""

    def __init__(self, *, run: ImportRun, mapping: Mapping, by: Actor, now: dt.datetime) -> None:
        self.run, self.mapping, self.by, self.now = run, mapping, by, now
        self.counts: Counter[str] = Counter()
        self.patients: dict[str, UUID | None] = {}
        self.services: dict[str, Service] = {}

    def run_file(self, path: Path, progress: Any = None) -> Counter[str]:
        """Import the file; refused rows become problems of the run, with line and reason."""
        self.mapping.check()
        with open_csv(path) as stream:
            rows = read_rows(stream, self.mapping, self.run.site.tzinfo)
            while batch := list(islice(rows, BATCH)):
                self._batch(batch, path.name)
                if progress:
                    progress(self.counts)
        return self.counts

    @transaction.atomic
    def _batch(self, batch: list[Row | tuple[int, str]], name: str) -> None:
        refused = [entry for entry in batch if isinstance(entry, tuple)]
        rows = [entry for entry in batch if isinstance(entry, Row)]
        here = set(
            SourceRecord.objects.filter(
                resource_type="Appointment", system=self.mapping.source, key__in=[row.key for row in rows]
            ).values_list("key", flat=True)
        )
        self._find_patients({row.patient: row for row in rows})
        new: list[Row] = []
        for row in rows:
            if row.key in here:
                self.counts["unchanged"] += 1
            elif self.patients.get(row.patient) is None:
                refused.append((row.line, "the patient number is not here (or belongs to another site)"))
            else:
                here.add(row.key)  # the same number twice in one file is the same visit
                new.append(row)
        self._save(new)
        self.counts["added"] += len(new)
        self.counts["refused"] += len(refused)
        ImportProblem.objects.bulk_create(
            ImportProblem(run=self.run, file=name[-250:], place=f"line {line}", reason=reason[:500])
            for line, reason in refused
        )

    def _save(self, rows: list[Row]) -> None:
        visits = [self._visit(row) for row in rows]
        Appointment.objects.bulk_create(visits, batch_size=BATCH)
        AppointmentChange.objects.bulk_create(
            (
                AppointmentChange(
                    record=visit, step="import", to_status=visit.status, at=self.now, **actor_fields(self.by)
                )
                for visit in visits
            ),
            batch_size=BATCH,
        )
        SourceRecord.objects.bulk_create(
            (
                SourceRecord(
                    resource_type="Appointment",
                    system=self.mapping.source,
                    key=row.key,
                    object_id=visit.pk,
                    run=self.run,
                )
                for row, visit in zip(rows, visits, strict=True)
            ),
            batch_size=BATCH,
        )
        if rows:
            audit.record(
                by=self.by,
                action="import",
                entity="scheduling.appointment",
                site_id=self.run.site_id,
                details={"run": str(self.run.pk), "rows": len(rows)},
            )

    def _visit(self, row: Row) -> Appointment:
        return Appointment(
            patient_id=cast(UUID, self.patients[row.patient]),
            site=self.run.site,
            zone=self.run.site.zone,
            service=self._service(row),
            start=row.start,
            end=row.start + dt.timedelta(minutes=row.minutes),
            time_known=not self.mapping.day_only,
            status=row.status,
            reason=row.reason,
            booked_at=row.booked_at,
        )

    def _service(self, row: Row) -> Service:
        if row.service not in self.services:
            found, _made = Service.objects.get_or_create(name=row.service, defaults={"minutes": row.minutes})
            self.services[row.service] = found
        return self.services[row.service]

    def _find_patients(self, numbers: dict[str, Row]) -> None:
        wanted = [number for number in numbers if number not in self.patients]
        found = list(Patient.objects.filter(mrn__in=wanted).values_list("mrn", "pk", "site_id"))
        into = standing_records(pk for _number, pk, _site in found)
        places = (
            dict(Patient.objects.filter(pk__in=into.values()).values_list("pk", "site_id")) if into else {}
        )
        for number, pk, site_id in found:
            pk = into.get(pk, pk)
            self.patients[number] = pk if places.get(pk, site_id) == self.run.site_id else None
        missing = [number for number in wanted if number not in self.patients]
        if not self.mapping.unnamed:
            return
        made = [self._unnamed(number, numbers[number].sex) for number in missing]
        Patient.objects.bulk_create(made, batch_size=BATCH)
        PatientChange.objects.bulk_create(
            PatientChange(record=p, step="import", to_status=p.status, at=self.now, **actor_fields(self.by))
            for p in made
        )
        self.patients |= {patient.mrn: patient.pk for patient in made}
        self.counts["patients"] += len(made)

    def _unnamed(self, number: str, sex: str) -> Patient:
        patient = Patient(
            pk=uuid7(), site=self.run.site, mrn=number, family_name="Unnamed", given_name=number, sex=sex
        )
        patient.search_name = patient.make_search_name()
        return patient
