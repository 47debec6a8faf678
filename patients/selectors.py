"""Reads about patients: the finder, and who may be doubled."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add, and_
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat, Sign, StrIndex

from coordinator.accounts.models import Practitioner, Site, User
from patients.models import ContactPoint, Coverage, Patient, PatientMerge, PatientStatus, Topic
from patients.rules.duplicates import Match, Person, compare, person_from, value_set
from patients.rules.finding import Number, Span, Wanted, read_query

# What a row of the finder shows; reading less keeps a page of twenty cheap.
COLUMNS = (
    "id",
    "mrn",
    "family_name",
    "given_name",
    "preferred_name",
    "birth_date",
    "deceased_on",
    "sex",
    "language",
    "status",
    "site_id",
    "coordinator_id",
)


@dataclass(frozen=True)
class Found:
    """`near` says that nothing matched and these names are only similar. `more`: there are others."""

    wanted: Wanted
    patients: list[Patient] = field(default_factory=list)
    near: bool = False
    more: bool = False


def find_patients(
    user: Any, query: str, limit: int = 20, *, today: datetime.date, with_phones: bool = True
) -> Found:
    """Patients this person may see who fit one line of text, best first. At most two statements.

    Name parts in any order without accents, a birth date in any usual spelling, a year beside a name,
    the last digits of a phone or all of it, MRN, member number or another identifier. Each patient
    gets `matched_phones` unless they are not wanted: their contact points that the typed digits fit, so
    that two people who share a phone can be told apart.
    """
    wanted = read_query(query, today)
    if not wanted:
        return Found(wanted)
    patients = list(matching(Patient.objects.visible_to(user), wanted).only(*COLUMNS)[: limit + 1])
    near = False
    if not patients and wanted.words:
        patients = list(resembling(Patient.objects.visible_to(user), wanted).only(*COLUMNS)[: limit + 1])
        near = bool(patients)
    elif patients and with_phones:
        _tell_phones(patients[:limit], wanted)
    return Found(wanted, patients[:limit], near, len(patients) > limit)


def fitting(wanted: Wanted) -> Q:
    """The condition that everything wanted holds."""
    parts = [_named(word) for word in wanted.words]
    parts += [Q(pk__in=_numbered(number)) for number in wanted.numbers]
    if wanted.born:
        parts.append(_born(wanted.born))
    return reduce(and_, parts, Q())


def matching(patients: QuerySet[Patient], wanted: Wanted) -> QuerySet[Patient]:
    """Of these patients the ones that fit, best first: whole words before beginnings before pieces."""
    return (
        patients.filter(fitting(wanted))
        .annotate(fit=_fit(wanted.words), here=_here())
        .order_by("-fit", "-here", "search_name", "birth_date", "id")
    )


def resembling(patients: QuerySet[Patient], wanted: Wanted) -> QuerySet[Patient]:
    """Names that only resemble the words (typing errors), most alike first. Numbers and dates must still fit.

    How alike is enough is `pg_trgm.word_similarity_threshold`, set on the connection.
    """
    words = [word for word in wanted.words if len(word) > 2] or list(wanted.words)
    parts = [Q(search_name__trigram_word_similar=word) for word in words]
    parts.append(fitting(replace(wanted, words=())))
    alike = reduce(add, [TrigramWordSimilarity(word, "search_name") for word in words])
    return patients.filter(reduce(and_, parts)).annotate(alike=alike).order_by("-alike", "search_name", "id")


def _named(word: str) -> Q:
    """A piece of a name. One or two letters only begin a name, or every second patient would fit."""
    if len(word) > 2:
        return Q(search_name__contains=word)
    return Q(search_name__startswith=word) | Q(search_name__contains=f" {word}")


def _born(spans: Iterable[Span]) -> Q:
    return reduce(lambda a, b: a | b, [Q(birth_date__range=span) for span in spans])


def _fit(words: Iterable[str]) -> Any:
    """Two points for each word that is a whole name, one when a name begins with it."""
    padded = Concat(Value(" "), F("search_name"), Value(" "))
    points = [Sign(StrIndex(padded, Value(text))) for word in words for text in (f" {word} ", f" {word}")]
    return reduce(add, points) if points else Value(0)


def _here() -> Case:
    return Case(
        When(status=PatientStatus.ACTIVE, then=Value(1)), default=Value(0), output_field=IntegerField()
    )


# Statements by hand: the same look-ups built by the ORM cost more than PostgreSQL needs to answer them.
# They name keys only; the caller's `visible_to()` decides who is seen.
BY_CODE = (
    "select id from patients_patient where upper(mrn) = any(%s)"
    " union all select patient_id from patients_patientidentifier where upper(value) = any(%s)"
    " union all select patient_id from patients_coverage"
    " where upper(member_id) = any(%s) and status <> 'entered_in_error'"
)
BY_PHONE = (
    "select patient_id from patients_contactpoint"
    " where kind = 'phone' and ended_at is null and last_four = %s and normalized like %s"
)
BY_BIRTH = "select id from patients_patient where birth_date between %s and %s"


def _numbered(number: Number) -> RawSQL:
    """Keys of patients whom one typed number may mean: phone, record or member number, birth date."""
    parts: list[str] = []
    params: list[Any] = []
    if number.codes:
        parts.append(BY_CODE)
        params += [list(number.codes)] * 3
    if number.could_be_phone:
        parts.append(BY_PHONE)
        params += [number.digits[-4:], f"%{number.digits}"]
    for first, last in number.born:
        parts.append(BY_BIRTH)
        params += [first, last]
    return RawSQL(" union all ".join(parts), params)  # noqa: S611  (fixed pieces, values as parameters)


def _tell_phones(patients: list[Patient], wanted: Wanted) -> None:
    digits = [number.digits for number in wanted.numbers if number.could_be_phone]
    found: dict[Any, list[ContactPoint]] = {}
    if digits:
        fits = reduce(lambda a, b: a | b, [Q(last_four=d[-4:], normalized__endswith=d) for d in digits])
        points = ContactPoint.objects.filter(fits, kind="phone", ended_at=None, patient__in=patients)
        for point in points:
            found.setdefault(point.patient_id, []).append(point)
    for patient in patients:
        patient.matched_phones = found.get(patient.pk, [])  # type: ignore[attr-defined]


def providers(user: Any, patient: Patient | None = None) -> QuerySet[Practitioner]:
    """Who can be named at the patient's place (or the person's places): active, and the one named already."""
    here = Q(is_active=True, site__in=[patient.site_id] if patient else user.site_ids)
    if patient is not None and patient.primary_care_id:
        here |= Q(pk=patient.primary_care_id)
    return Practitioner.objects.filter(here)


def places(user: Any) -> QuerySet[Site]:
    """Where this person may register somebody."""
    return Site.objects.filter(pk__in=user.site_ids, is_active=True)


def possible_coordinators(patient: Patient) -> QuerySet[User]:
    """People who own work at the patient's place."""
    return User.objects.filter(sites=patient.site_id).assignable().order_by("name")


@dataclass(frozen=True)
class Double:
    """Somebody we already have who looks like the person being registered."""

    patient: Patient
    match: Match
    shares_phone: bool

    @property
    def points(self) -> int:
        return round(self.match.points)


MOST_CANDIDATES = 500


def possible_duplicates(user: Any, who: Person, *, codes: Iterable[str] = ()) -> list[Double]:
    """Visible patients who are likely the same person as `who`, or who share a phone; likeliest first, at most 10.

    `codes` are record and member numbers as typed. Candidates come from indexes, the judgment from `rules.duplicates`.
    """
    typed = value_set(codes)
    written = {*typed, *(code.strip().upper() for code in codes)} - {""}
    keys = _candidates(Patient.objects.visible_to(user), who, written).values_list("pk", flat=True)
    patients = Patient.objects.filter(pk__in=list(keys))
    doubles = []
    for patient in patients.prefetch_related("contact_points", "identifiers", "coverages"):
        other = as_person(patient)
        # A record number of ours tells people apart only when it is the same.
        shared = typed & (other.numbers | value_set([patient.mrn]))
        match = compare(
            replace(who, numbers=who.numbers | shared), replace(other, numbers=other.numbers | shared)
        )
        double = Double(patient, match, shares_phone=bool(who.phones & other.phones))
        if match.is_likely or double.shares_phone:
            doubles.append(double)
    return sorted(doubles, key=lambda double: -double.match.points)[:10]


def as_person(patient: Patient) -> Person:
    """What is compared of one patient; prefetch contact_points, identifiers and coverages for many."""
    reached = [point for point in patient.contact_points.all() if not point.ended_at]
    numbers = [row.value for row in patient.identifiers.all()]
    numbers += [row.member_id for row in patient.coverages.all() if is_own_number(row)]
    return person_from(
        vars(patient),
        phones=[point.normalized for point in reached if point.kind == "phone"],
        emails=[point.normalized for point in reached if point.kind == "email"],
        numbers=numbers,
    )


def is_own_number(coverage: Coverage) -> bool:
    """A member number that the whole family shares names nobody."""
    own = coverage.relationship_to_subscriber.lower() in ("", "self", "18")
    return own and coverage.status != "entered_in_error"


def _candidates(patients: QuerySet[Patient], who: Person, codes: Iterable[str]) -> QuerySet[Patient]:
    """Keys of those worth comparing. Each piece is served by an index; they are joined by the database."""
    points = ContactPoint.objects.filter(ended_at=None, normalized__in=[*who.phones, *who.emails])
    pieces: list[QuerySet[Any]] = [
        patients.filter(pk__in=points.values("patient")),
        patients.filter(pk__in=RawSQL(BY_CODE, [list(codes)] * 3)),  # noqa: S611  (fixed text, values as parameters)
    ]
    if who.born:
        born = datetime.date.fromisoformat(who.born)
        days = [born]
        if born.day <= 12:
            days.append(born.replace(month=born.day, day=born.month))
        near = Q(birth_date__year=born.year) | Q(birth_date__month=born.month, birth_date__day=born.day)
        name = " ".join([*who.given[:1], *who.family[:1]])
        pieces.append(patients.filter(birth_date__in=days))
        pieces.append(patients.filter(near, search_name__trigram_similar=name))
    keys: list[QuerySet[Any, Any]] = [piece.values("pk")[:MOST_CANDIDATES] for piece in pieces]
    return reduce(lambda a, b: a.union(b), keys)


def merged_into(user: Any, pk: Any) -> tuple[Patient, Patient] | None:
    """(the record with this key, the one it was merged into at last), for somebody who may see both places.

    None when it was not merged or they may not know.
    """
    first: Patient | None = None
    merge = _merge_of(pk)
    while merge is not None and merge.other.site_id in user.site_ids:
        first = first or merge.other
        survivor = Patient.objects.visible_to(user).filter(pk=merge.survivor_id).first()
        if survivor is not None:
            return first, survivor
        merge = _merge_of(merge.survivor_id)
    return None


def standing_records(keys: Iterable[Any]) -> dict[Any, Any]:
    """For each of these keys of patients that was merged: the key of the record it was merged into at last."""
    into: dict[Any, Any] = {}
    ask = set(keys)
    while ask:
        found = dict(PatientMerge.objects.standing().filter(other__in=ask).values_list("other", "survivor"))
        into |= found
        ask = set(found.values()) - set(into)
    return {key: _last(into, key) for key in into}


def _last(into: dict[Any, Any], key: Any) -> Any:
    while key in into:
        key = into[key]
    return key


def _merge_of(pk: Any) -> PatientMerge | None:
    return PatientMerge.objects.standing().select_related("other").filter(other=pk).first()


def whole_record(patient: Patient) -> dict[str, list[Any]]:
    """Every entry of the record for its Details page, ended ones included; what was entered in error is not."""
    family = list(patient.related_people.order_by(F("ended_on").desc(nulls_first=True), "name"))
    for relative in family:
        relative.topic_labels = [  # type: ignore[attr-defined]
            Topic(topic).label for topic in relative.topics
        ]
    return {
        "phones": list(
            patient.contact_points.order_by("-kind", F("ended_at").desc(nulls_first=True), "rank")
        ),
        "coverages": list(patient.coverages.exclude(status="entered_in_error").order_by("status", "rank")),
        "family": family,
        "team": list(
            patient.care_team.select_related("user", "practitioner", "organization").order_by(
                F("ended_on").desc(nulls_first=True), "-is_lead", "role"
            )
        ),
        "consents": list(patient.consents.exclude(status="entered_in_error").select_related("taken_by")),
        "problems": list(patient.problems.exclude(status="entered_in_error").order_by("status", "name")),
        "allergies": list(
            patient.allergies.exclude(status="entered_in_error").order_by("status", "substance")
        ),
        "medications": list(
            patient.medications.exclude(status="entered_in_error").order_by("status", "name")
        ),
        "identifiers": list(patient.identifiers.order_by("kind", "value")),
    }
