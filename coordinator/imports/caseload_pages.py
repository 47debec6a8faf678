"""What the pages of one table show: counts, the rows that need a person, and what an undo kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from coordinator.imports.caseload import tables
from coordinator.imports.caseload.cells import sentence
from coordinator.imports.caseload.columns import LABELS
from coordinator.imports.models import CaseloadImport, CaseloadRow
from patients.models import Patient

Finding, Outcome = CaseloadRow.Finding, CaseloadRow.Outcome
SHOWN_PROBLEMS, SHOWN_DOUBLES = 200, 20
PROBLEM = Q(finding=Finding.BAD) | Q(outcome=Outcome.REFUSED)


@dataclass
class Counts:
    """Rows by what the check found and by what became of them."""

    total: int = 0
    looked: int = 0
    left: int = 0
    undecided: int = 0
    problems: int = 0
    to_add: int = 0
    finding: dict[str, int] = field(default_factory=dict)
    outcome: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return self.looked - self.left

    @property
    def in_undo(self) -> int:
        return self.outcome.get(Outcome.UNDONE, 0) + self.outcome.get(Outcome.KEPT, 0)

    @property
    def to_undo(self) -> int:
        return self.outcome.get(Outcome.ADDED, 0) + self.outcome.get(Outcome.LINKED, 0) + self.in_undo


def counts_of(run: CaseloadImport) -> Counts:
    counts = Counts(total=run.facts.get("rows", 0))
    groups = run.rows.order_by().values("finding", "choice", "outcome").annotate(n=Count("pk"))
    for group in groups:
        finding, outcome, n = group["finding"], group["outcome"], group["n"]
        counts.looked += n
        counts.finding[finding] = counts.finding.get(finding, 0) + n
        counts.outcome[outcome] = counts.outcome.get(outcome, 0) + n
        counts.left += n * (not outcome)
        counts.problems += n * (finding == Finding.BAD or outcome == Outcome.REFUSED)
        waits = finding == Finding.DOUBLE and not outcome
        counts.undecided += n * (waits and not group["choice"])
        decided = finding == Finding.NEW or (waits and group["choice"] in ("new", "link"))
        counts.to_add += n * (decided and not outcome)
    return counts


@dataclass
class Side:
    """Somebody who may be the person of a row."""

    patient: Patient
    points: int
    phones: list[str]


@dataclass
class DoubleRow:
    row: CaseloadRow
    sides: list[Side]

    @property
    def chosen(self) -> str:
        """The answer as the form sends it."""
        return f"link:{self.row.chosen}" if self.row.choice == "link" else self.row.choice


def doubles_of(run: CaseloadImport, user: Any, number: int) -> tuple[Page[CaseloadRow], list[DoubleRow]]:
    """A page of the probable duplicates that wait, each with the records it may be. Three statements."""
    waiting = run.rows.filter(finding=Finding.DOUBLE, outcome="").order_by("line")
    page = Paginator(waiting, SHOWN_DOUBLES).get_page(number)
    rows = list(page.object_list)
    keys = {key for row in rows for key, _points in row.doubles}
    seen = {
        str(patient.pk): patient
        for patient in Patient.objects.visible_to(user)
        .filter(pk__in=keys)
        .select_related("coordinator")
        .prefetch_related("contact_points")
    }
    found = []
    for row in rows:
        sides = [
            Side(
                seen[key], round(points), [p.value for p in seen[key].contact_points.all() if not p.ended_at]
            )
            for key, points in row.doubles
            if key in seen
        ]
        found.append(DoubleRow(row, sides))
    return page, found


def problems_of(run: CaseloadImport) -> list[tuple[int, Any, str]]:
    """(line, column, reason) of rows that cannot be imported; the first 200."""
    found = []
    for row in run.rows.filter(PROBLEM).order_by("line")[:SHOWN_PROBLEMS]:
        for name, reason in row.problems:
            column = run.columns.get(name)
            found.append(
                (
                    row.line,
                    run.facts["header"][column] if column is not None else LABELS.get(name, ""),
                    reason,
                )
            )
    return found


def kept_of(run: CaseloadImport, user: Any) -> list[tuple[int, Patient | None]]:
    """(line, patient) of what an undo left because somebody changed it; None for who may not be known."""
    rows = list(run.rows.filter(outcome=Outcome.KEPT).order_by("line")[:SHOWN_PROBLEMS])
    seen = Patient.objects.visible_to(user).in_bulk([row.patient_id for row in rows if row.patient_id])
    return [(row.line, seen.get(row.patient_id) if row.patient_id else None) for row in rows]


def rows_to_mend(run: CaseloadImport) -> tuple[list[str], Iterator[list[str]]]:
    """(header, rows) of what could not be imported: the file's own columns and the reason behind them.

    When the file is forgotten: lines and reasons.
    """
    reasons = {row.line: sentence(row.problems) for row in run.rows.filter(PROBLEM).order_by("line")}
    last = _("Reason")
    if not run.upload:
        return [_("Line"), last], ([str(line), reason] for line, reason in reasons.items())
    header = run.facts["header"]
    width = len(header) - (header[-1] == last)

    def rows() -> Iterator[list[str]]:
        with run.upload.open("rb") as file:
            for line, cells in tables.read_table(file).rows:
                if line in reasons:
                    yield [*cells[:width], reasons[line]]

    return [*header[:width], last], rows()
