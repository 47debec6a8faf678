"""Whether the people of a table are here already: a batch of rows against the records one may see."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from django.db import connection
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from coordinator.imports.caseload.cells import PHONES
from coordinator.imports.caseload.cells import Person as ReadPerson
from patients.models import ContactPoint, Patient
from patients.rules.duplicates import Person, compare, person_from, value_set
from patients.rules.telephones import normal_email, normal_phone
from patients.selectors import BY_CODE, as_person

MOST_OF_ONE_DAY = 500  # people with one birth date that are compared with a row: 1900-01-01 is nobody's
MOST_DOUBLES = 5
# Born in the same year, with a similar name; each row of the table finds its own by the trigram index.
NEAR = (
    "select row.line, p.id from unnest(%s::int[], %s::int[], %s::text[]) as row(line, year, name)"
    " join patients_patient p on p.search_name %% row.name and extract(year from p.birth_date) = row.year"
)


@dataclass
class Found:
    """What is known of one row: already here, or who it may be, likeliest first; `problem` when its MRN is taken."""

    here: UUID | None = None
    doubles: tuple[tuple[UUID, float], ...] = ()
    problem: str = ""


def compared(values: dict[str, Any]) -> Person:
    """A row as it is compared."""
    born = values.get("birth_date")
    details = {**values, "birth_date": datetime.date.fromisoformat(born) if born else None}
    return person_from(
        details,
        phones=[normal_phone(values[name]) for name in PHONES if values.get(name)],
        emails=[normal_email(values["email"])] if values.get("email") else [],
        numbers=[values[name] for name in ("member_id",) if values.get(name)],
    )


def find_doubles(user: Any, rows: Sequence[ReadPerson]) -> dict[int, Found]:
    """For each row by its line. A fixed number of statements, whatever the number of rows."""
    people = {row.line: compared(row.values) for row in rows}
    numbers = {row.line: row.values.get("mrn", "") for row in rows}
    taken = set(
        Patient.objects.filter(mrn__in=[n for n in numbers.values() if n]).values_list("mrn", flat=True)
    )
    candidates = _candidates(rows, people)
    seen = {
        patient.pk: patient
        for patient in Patient.objects.visible_to(user)
        .filter(pk__in=set().union(*candidates.values()) if candidates else [])
        .prefetch_related("contact_points", "identifiers", "coverages")
    }
    others = {pk: as_person(patient) for pk, patient in seen.items()}
    found: dict[int, Found] = {}
    for line, who in people.items():
        near = [(seen[pk], others[pk]) for pk in candidates[line] if pk in seen]
        found[line] = _judge(who, numbers[line], near, numbers[line] in taken)
    return found


def _judge(who: Person, mrn: str, near: Iterable[tuple[Patient, Person]], taken: bool) -> Found:
    doubles = []
    for patient, other in near:
        shared = value_set([mrn]) & value_set([patient.mrn])
        match = compare(
            replace(who, numbers=who.numbers | shared), replace(other, numbers=other.numbers | shared)
        )
        if patient.mrn == mrn and (who.born == other.born or who.family == other.family):
            return Found(here=patient.pk)
        if _is_same(who, other):
            return Found(here=patient.pk)
        if match.is_likely:
            doubles.append((patient.pk, round(match.points, 1)))
    if taken:
        return Found(problem=_("This MRN belongs to another patient."))
    doubles.sort(key=lambda double: (-double[1], str(double[0])))
    return Found(doubles=tuple(doubles[:MOST_DOUBLES]))


def _is_same(who: Person, other: Person) -> bool:
    """Both names and the birth date alike, letter for letter when folded, and one phone, address or number shared."""
    reached = who.phones & other.phones or who.emails & other.emails or who.numbers & other.numbers
    return bool(
        reached
        and who.born
        and who.born == other.born
        and who.given[:1] == other.given[:1]
        and who.family[:1] == other.family[:1]
    )


def _candidates(rows: Sequence[ReadPerson], people: dict[int, Person]) -> dict[int, set[UUID]]:
    found: dict[int, set[UUID]] = {line: set() for line in people}
    by_point: dict[str, list[int]] = defaultdict(list)
    by_code: dict[str, list[int]] = defaultdict(list)
    by_day: dict[datetime.date, list[int]] = defaultdict(list)
    near: list[tuple[int, int, str]] = []
    for row in rows:
        who = people[row.line]
        for value in (*who.phones, *who.emails):
            by_point[value].append(row.line)
        for name in ("mrn", "member_id"):
            if code := row.values.get(name, ""):
                for written in {code.strip().upper(), *value_set([code])}:
                    by_code[written].append(row.line)
        if born := row.values.get("birth_date"):
            day = datetime.date.fromisoformat(born)
            by_day[day].append(row.line)
            if day.day <= 12:
                by_day[day.replace(month=day.day, day=day.month)].append(row.line)
            near.append((row.line, day.year, " ".join([*who.given[:1], *who.family[:1]])))
    points = ContactPoint.objects.filter(ended_at=None, normalized__in=list(by_point))
    for patient, value in points.values_list("patient_id", "normalized"):
        _add(found, by_point[value], patient)
    for patient, codes in _by_codes(list(by_code)).items():
        for code in codes:
            _add(found, by_code[code], patient)
    seen: dict[datetime.date, int] = defaultdict(int)
    born = Patient.objects.filter(birth_date__in=list(by_day)).exclude(birth_date=None)
    for patient, born_on in born.values_list("pk", "birth_date"):
        day = cast("datetime.date", born_on)
        seen[day] += 1
        if seen[day] <= MOST_OF_ONE_DAY:
            _add(found, by_day[day], patient)
    with connection.cursor() as cursor:
        cursor.execute(NEAR, [list(column) for column in zip(*near, strict=True)] if near else [[], [], []])
        for line, patient in cursor.fetchall():
            found[line].add(patient)
    return found


def _add(found: dict[int, set[UUID]], lines: Iterable[int], patient: UUID) -> None:
    for line in lines:
        found[line].add(patient)


def _by_codes(codes: list[str]) -> dict[UUID, set[str]]:
    """Patients known by one of these numbers, each with the ones it fits."""
    if not codes:
        return {}
    wanted, found = set(codes), {}
    patients = Patient.objects.filter(pk__in=RawSQL(BY_CODE, [codes] * 3))  # noqa: S611  (fixed text, values as parameters)
    for patient in patients.prefetch_related("identifiers", "coverages"):
        numbers = [patient.mrn, *(row.value for row in patient.identifiers.all())]
        numbers += [row.member_id for row in patient.coverages.all()]
        found[patient.pk] = {number.upper() for number in numbers} & wanted
    return found
