"""Pairs of patients who may be one person: looked for every night, decided by people."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.workflow import Actor, NotAllowed, System
from patients.models import ContactPoint, Coverage, Patient, PatientIdentifier, PossibleDuplicate
from patients.permissions import check_can_merge
from patients.rules.duplicates import Match, Person, groups, pairs, person_from, value_set
from patients.selectors import is_own_number
from patients.services.entries import require_reason
from patients.workflow import GONE

COMES_BACK = 5  # points that a pair said to be different must gain before it is asked about again
BATCH = 2_000
State = PossibleDuplicate.State


@dataclass(frozen=True)
class Scan:
    """What one look over all patients found; `seconds` of the whole."""

    people: int
    pairs: int
    new: int
    again: int  # said to be different, and likelier now
    gone: int  # no longer likely
    seconds: float

    def as_counts(self) -> dict[str, Any]:
        return asdict(self)


def scan_duplicates(*, now: datetime, by: System, progress: Callable[[], None] = lambda: None) -> Scan:
    """Compare all patients of all sites and keep the likely pairs for people to decide.

    What people decided stays decided, unless a pair said to be different gains points. `progress` is called now and
    then. Reading and comparing hold no lock; the rows are written in one transaction.
    """
    began = time.monotonic()
    people = everybody()
    progress()
    links = []
    for link in pairs(people):
        links.append(link)
        if len(links) % 1_000 == 0:
            progress()
    together = {position: number for number, group in enumerate(groups(people, links)) for position in group}
    progress()
    found: dict[tuple[Any, Any], Match] = {
        (people[low].key, people[high].key): match
        for low, high, match in links
        if low in together and together[low] == together.get(high)
    }
    new, again, gone = _keep(found, now, by)
    scan = Scan(len(people), len(found), new, again, gone, round(time.monotonic() - began, 1))
    audit.record(by=by, action="scan", entity=ENTITY, details=scan.as_counts())
    return scan


ENTITY = PossibleDuplicate._meta.label_lower
COLUMNS = (
    "id",
    "mrn",
    "given_name",
    "preferred_name",
    "family_name",
    "former_family_name",
    "birth_date",
    "address_line",
    "city",
    "postal_code",
    "sex",
)


def everybody() -> list[Person]:
    """All patients as they are compared, in the order of their keys: four statements."""
    phones: dict[UUID, list[str]] = defaultdict(list)
    emails: dict[UUID, list[str]] = defaultdict(list)
    numbers: dict[UUID, list[str]] = defaultdict(list)
    points = ContactPoint.objects.filter(ended_at=None).exclude(normalized="").order_by()
    for patient, kind, value in points.values_list("patient_id", "kind", "normalized").iterator(BATCH):
        (phones if kind == ContactPoint.Kind.PHONE else emails)[patient].append(value)
    for patient, value in PatientIdentifier.objects.values_list("patient_id", "value").iterator(BATCH):
        numbers[patient].append(value)
    known = {code for codes in numbers.values() for code in value_set(codes)}
    columns = ("patient", "member_id", "relationship_to_subscriber", "status")
    for coverage in Coverage.objects.exclude(member_id="").order_by().only(*columns).iterator(BATCH):
        if is_own_number(coverage):
            numbers[coverage.patient_id].append(coverage.member_id)
    people = []
    for row in Patient.objects.exclude(status__in=GONE).order_by("pk").values(*COLUMNS).iterator(BATCH):
        key = row["id"]
        # Our own number tells two records apart only when the other one carries it too.
        own = [row["mrn"]] if value_set([row["mrn"]]) & known else []
        people.append(person_from(row, phones=phones[key], emails=emails[key], numbers=[*numbers[key], *own]))
    return people


@transaction.atomic
def _keep(found: dict[tuple[Any, Any], Match], now: datetime, by: System) -> tuple[int, int, int]:
    """Write what changed; numbers of new rows, of rows that come back and of rows that went."""
    known = {(row.one_id, row.two_id): row for row in PossibleDuplicate.objects.select_for_update()}
    fresh, changed, again = [], [], []
    for (one, two), match in found.items():
        points, signs = Decimal(str(match.points)), match.as_json()
        row = known.get((one, two))
        if row is None:
            fresh.append(PossibleDuplicate(one_id=one, two_id=two, points=points, signs=signs))
        elif row.state == State.OPEN and (row.points, row.signs) != (points, signs):
            row.points, row.signs, row.updated_at = points, signs, now
            changed.append(row)
        elif row.state == State.DIFFERENT and points >= row.points + COMES_BACK:
            row.points, row.signs, row.updated_at, row.state = points, signs, now, State.OPEN
            again.append(row)
    # Somebody may have been registered or merged while we compared.
    here = set(Patient.objects.exclude(status__in=GONE).values_list("pk", flat=True)) if fresh else set()
    fresh = [row for row in fresh if row.one_id in here and row.two_id in here]
    PossibleDuplicate.objects.bulk_create(fresh, batch_size=BATCH)
    fields = ["points", "signs", "state", "updated_at"]
    PossibleDuplicate.objects.bulk_update([*changed, *again], fields, batch_size=BATCH)
    gone = [row.pk for key, row in known.items() if row.state == State.OPEN and key not in found]
    for start in range(0, len(gone), BATCH):
        PossibleDuplicate.objects.filter(pk__in=gone[start : start + BATCH]).delete()
    return len(fresh), len(again), len(gone)


@transaction.atomic
def tell_apart(*, pair_id: UUID, reason: str, by: Actor, now: datetime) -> PossibleDuplicate:
    """These two are not the same person. Raises NotAllowed when somebody decided already."""
    pair = _for_decision(pair_id, by)
    if pair.state != State.OPEN:
        raise NotAllowed(_("Somebody has decided about these two already."))
    return _decide(pair, State.DIFFERENT, require_reason(reason), by, now, "tell_apart")


@transaction.atomic
def ask_again(*, pair_id: UUID, by: Actor, now: datetime) -> PossibleDuplicate:
    """Take "not the same person" back: the pair is asked about again."""
    pair = _for_decision(pair_id, by)
    if pair.state != State.DIFFERENT:
        raise NotAllowed(_("These two were not said to be different."))
    return _decide(pair, State.OPEN, "", by, now, "ask_again")


def _for_decision(pair_id: UUID, by: Actor) -> PossibleDuplicate:
    pair = lock(PossibleDuplicate.objects.select_related("one", "two"), pair_id)
    check_can_merge(by, pair.one, pair.two)
    return pair


def _decide(
    pair: PossibleDuplicate, state: str, reason: str, by: Actor, now: datetime, action: str
) -> PossibleDuplicate:
    opened = state == State.OPEN
    pair.state, pair.reason = state, reason
    pair.decided_by = None if opened or isinstance(by, System) else by
    pair.decided_at = None if opened else now
    pair.version += 1
    pair.save()
    about_both([pair.one, pair.two], action, pair, by=by, reason=reason)
    return pair


def about_both(
    patients: Iterable[Patient], action: str, record: Any, *, by: Actor, reason: str = "", **details: Any
) -> None:
    """One event in the trail of each patient."""
    audit.record_many(
        [
            audit.event(
                by=by,
                action=action,
                entity=record._meta.label_lower,
                entity_id=record.pk,
                patient_id=patient.pk,
                site_id=patient.site_id,
                reason=reason,
                details=details,
            )
            for patient in patients
        ]
    )
