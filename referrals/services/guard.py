"""Keeping what somebody answered to the duplicate guard."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from coordinator.audit import services as audit
from coordinator.workflow import Actor, person
from patients.models import Patient
from referrals.models import DuplicateAnswer


@transaction.atomic
def answer_guard(
    *,
    patient: Patient,
    kind: str,
    choice: str,
    existing: list[UUID],
    by: Actor,
    now: datetime,
    made_id: UUID | None = None,
    reason: str = "",
) -> list[DuplicateAnswer]:
    """One row for each thing that was shown: used, replaced (linked to what was made), or gone past with a reason."""
    rows = []
    for key in existing:
        row = DuplicateAnswer.objects.create(
            patient=patient,
            site=patient.site,
            kind=kind,
            choice=choice,
            existing_id=key,
            made_id=made_id,
            reason=reason[:250],
            at=now,
            created_by=person(by),
        )
        audit.record_change(row, f"duplicate_{choice}", by=by, reason=reason, details={"kind": kind})
        rows.append(row)
    return rows
