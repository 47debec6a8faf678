"""What merging two records moves. Each app says in `AppConfig.ready()` which of its rows name a patient.

Patients stand below the apps whose rows have to follow, so those apps fill `PARTS` (see docs/adr/0007). A test
fails when a column that names a patient is neither here nor in `STAYS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models

from patients.models import Patient


@dataclass(frozen=True)
class Pair:
    """Two records about to become one. `takes`: names of the patient's fields whose value comes from `other`."""

    survivor: Patient
    other: Patient
    now: datetime
    takes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Settled:
    """How one collision is answered. At most one of these says something to the database.

    `row` with `values`: the row gives way, before anything moves. `row` without: it does not move.
    `refuses`: the merge cannot be; `says` is the sentence why. Otherwise `says` is shown before merging.
    """

    says: str = ""
    refuses: bool = False
    row: models.Model | None = None
    values: dict[str, Any] = field(default_factory=dict)


def nothing(pair: Pair) -> Iterable[Settled]:
    return ()


@dataclass(frozen=True)
class Part:
    """Rows of `model` that name a patient in `column` (a foreign key or a plain key), and go along in a merge.

    `under` names columns that say what a row hangs on: a row made after the merge that hangs on a row which goes
    back goes with it. `settle` answers collisions with what the survivor has; it reads and writes nothing.
    """

    model: type[models.Model]
    column: str = "patient"
    under: tuple[str, ...] = ()
    settle: Callable[[Pair], Iterable[Settled]] = nothing

    @property
    def name(self) -> str:
        """`app.model.column`, as PatientMerge.moved and STAYS know it."""
        return f"{self.model._meta.label_lower}.{self.column}"

    @property
    def attname(self) -> str:
        return self.model._meta.get_field(self.column).attname  # type: ignore[union-attr]

    def rows_of(self, patient: Patient) -> models.QuerySet[Any]:
        return self.model._base_manager.filter(**{self.attname: patient.pk})


PARTS: list[Part] = []

HISTORY = "a history says what happened to a record, under the record it happened to"
STAYS: dict[str, str] = {
    "patients.patientchange.record": HISTORY,
    "patients.patientmerge.survivor": "it is the account of the merge itself",
    "patients.patientmerge.other": "it is the account of the merge itself",
    "patients.accessgrant.patient": "it is the account of who opened which record",
    "patients.possibleduplicate.one": "a pair is about the two records that were compared",
    "patients.possibleduplicate.two": "a pair is about the two records that were compared",
    "dashboard.presence.patient": "whoever has a record open says so again within 20 seconds",
    "accounts.delegatedpart.record_id": "tasks, referrals, visits and plans, which keep their keys",
    "audit.auditevent.patient_id": "the audit trail is never rewritten",
    "audit.auditevent.site_id": "not a patient",
    "clocks.clock.subject_id": "clocks are about tasks, visits, referrals and authorizations, which keep their keys",
    "referrals.estimate.visit_id": "a visit, which keeps its key",
    "patients.documentlink.target_id": "a referral, authorization or visit, which keep their keys",
    "referrals.duplicateanswer.existing_id": "a referral, visit or request, which keep their keys",
    "referrals.duplicateanswer.made_id": "a referral, visit or request, which keep their keys",
    "messaging.message.about_id": "a visit or a number, which keep their keys",
    "messaging.message.run_id": "not a patient",
    "messaging.message.claim_token": "not a patient",
    "record.recordexport.patient": "it is the account of who took which record out",
    "record.recordexport.claim_token": "not a patient",
    "referrals.delivery.claim_token": "not a patient",
    "imports.caseloadimport.claim_token": "not a patient",
    "imports.caseloadrow.chosen": "what a person chose for a row of a table; a merged record is no choice any more",
}


def settled(pair: Pair) -> Iterator[tuple[Part, Settled]]:
    for part in PARTS:
        for answer in part.settle(pair):
            yield part, answer
