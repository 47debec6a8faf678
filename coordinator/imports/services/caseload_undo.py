"""Taking back what a row of a table made, unless somebody worked on it since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from careplans.models import Task
from careplans.services import close_automatic, enter_task_in_error
from coordinator.accounts.models import User
from coordinator.dashboard.gaps import KEY as GAPS
from coordinator.db import Conflict, lock
from coordinator.imports.models import CaseloadRow
from coordinator.workflow import NotAllowed, move
from patients.merging import PARTS
from patients.models import ContactPoint, Coverage, Patient
from patients.services import end_contact_point, end_coverage
from patients.services.entries import patient_for_entry
from patients.services.people import lead_by

Outcome = CaseloadRow.Outcome


def changed_since(rows: Sequence[CaseloadRow]) -> set[int]:
    """Lines of rows whose entries were changed, or to which somebody added something, since the import.

    Every column that names a patient is known to the registry of merging, so nothing new is forgotten here.
    """
    made = {row.line: {(label, key): version for label, key, version in row.made} for row in rows}
    added = {row.patient_id: row.line for row in rows if row.outcome == Outcome.ADDED}
    changed: set[int] = set()
    there: dict[tuple[str, str], int] = {}
    wanted: dict[str, set[str]] = defaultdict(set)
    for entries in made.values():
        for label, key in entries:
            wanted[label].add(key)
    for model in (Patient, ContactPoint, Coverage, Task):
        keys = wanted.get(model._meta.label_lower, set())
        for key, version in model._default_manager.filter(pk__in=keys).values_list("pk", "version"):
            there[model._meta.label_lower, str(key)] = version
    for line, entries in made.items():
        for known, version in entries.items():
            if known[0] not in ("coordinator", "patients.careteammember") and there.get(known) != version:
                changed.add(line)
    for part in PARTS:
        if part.model is CaseloadRow:
            continue
        label = part.model._meta.label_lower
        named = part.model._base_manager.filter(**{f"{part.attname}__in": list(added)})
        if part.model is Task:
            named = named.exclude(pk__in=_asked_at_night(list(added)))
        for key, patient in named.values_list("pk", part.attname):
            line = added[patient]
            if (label, str(key)) not in made[line]:
                changed.add(line)
    return changed


def _asked_at_night(patients: list[UUID]) -> models.QuerySet[Task]:
    """Tasks that ask to complete the imported records and that nobody has touched: no work of a person."""
    keys = [f"{GAPS}{key}" for key in patients]
    return Task.objects.open().filter(dedupe_key__in=keys, version=1)


def take_back(row: CaseloadRow, changed: set[int], by: User, now: datetime) -> str:
    if row.line in changed or row.patient is None:
        return Outcome.KEPT
    reason = _("The import that made this was taken back.")
    try:
        with transaction.atomic():
            for label, key, version in row.made:
                _take_back_entry(row.patient, label, key, version, reason, by, now, row.outcome)
            if row.outcome == Outcome.ADDED:
                asked = [f"{GAPS}{row.patient.pk}"]
                close_automatic(dedupe_keys=asked, outcome=reason, by=by, now=now)
    except (Conflict, NotAllowed, PermissionDenied, ValidationError):
        return Outcome.KEPT
    return Outcome.UNDONE


def _take_back_entry(
    patient: Patient, label: str, key: str, version: int, reason: str, by: User, now: Any, outcome: str
) -> None:
    if label == "careplans.task":
        enter_task_in_error(task_id=UUID(key), reason=reason, by=by, now=now)
    elif label == "patients.patient":
        record = patient_for_entry(patient.pk, by)
        # The number is free again, so that the mended table can be imported.
        move(record, "enter_in_error", by=by, now=now, reason=reason, mrn=f"undone-{patient.pk.hex}")
    elif outcome != Outcome.LINKED:
        return  # goes with its patient's record
    elif label == "patients.contactpoint":
        end_contact_point(contact_point_id=UUID(key), by=by, now=now, reason=reason)
    elif label == "patients.coverage":
        end_coverage(coverage_id=UUID(key), by=by, now=now, in_error=True, reason=reason)
    elif label == "coordinator":
        record = lock(Patient.objects.select_related("site"), patient.pk)
        if record.version != version or str(record.coordinator_id) != key:
            raise NotAllowed(_("Somebody changed the coordinator since."))
        lead_by(record, None, by=by, now=now, reason=reason)
