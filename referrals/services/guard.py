"""The duplicate guard: refusing until somebody has answered it, and keeping the answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.workflow import Actor, person
from patients.models import Patient
from referrals.models import DuplicateAnswer


def check_guard(similar: Iterable[Any], words: str, *, reason: str, replaces: Any = None) -> list[UUID]:
    """Keys of what exists already. Raises Conflict, with `similar`, while nobody said to replace one or to go on."""
    shown = [record.pk for record in similar]
    if shown and not reason.strip() and (replaces is None or replaces.pk not in shown):
        raise Conflict(words, similar=[str(key) for key in shown])
    return shown


def keep_answer(
    kind: str, made: Any, shown: list[UUID], *, reason: str, replaces: Any = None, **act: Any
) -> None:
    """The answer behind something new (`made`, of one patient): it replaces one, or goes on beside what was shown."""
    facts: dict[str, Any] = {
        "patient": made.patient,
        "kind": kind,
        "made_id": made.pk,
        "reason": reason,
        **act,
    }
    if replaces is not None:
        answer_guard(choice="replace", existing=[replaces.pk], **facts)
    elif shown:
        answer_guard(choice="go_on", existing=shown, **facts)


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
