"""Reads about patients: the finder, and who may be doubled."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add, and_, itemgetter, or_
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import BooleanField, Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat, Length, Sign, StrIndex
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _

from coordinator.accounts.models import Practitioner, Site, User
from patients.models import (
    ContactPoint,
    Coverage,
    Patient,
    PatientMerge,
    PatientStatus,
)
from patients.rules.duplicates import Match, Person, compare, person_from, value_set
from patients.rules.finding import Number, Span, Wanted, read_query
from patients.rules.likeness import likeness, near_dates
from patients.rules.text import fold

# What a row of the finder shows; reading less keeps a page of twenty cheap.
COLUMNS = (
    "id",
    "mrn",
    "family_name",
    "given_name",
    "preferred_name",
    "middle_name",
    "former_family_name",
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
    """`near` says that nobody fits exactly and these are only similar. `more`: there are others."""

    wanted: Wanted
    patients: list[Patient] = field(default_factory=list)
    near: bool = False
    more: bool = False


def find_patients(
    user: Any, query: str, limit: int = 20, *, today: datetime.date, with_phones: bool = True
) -> Found:
    """Patients this person may see who fit one line of text, best first. At most three statements.

    Name parts in any order without accents, a birth date in any usual spelling, a year or a month beside a name,
    the last digits of a phone or all of it, MRN, member number or another identifier. When nobody fits, or a birth date
    is typed and nobody has exactly these names, people whom a slip of the ear or the finger may mean come after.
    Each patient gets `matched_phones` unless they are not wanted: their contact points that the typed digits fit, so
    that two people who share a phone can be told apart; `namesake` when another one listed has the same name; and `why`:
    in words, what was not met by the plain text.
    """
    wanted = read_query(query, today)
    if not wanted:
        return Found(wanted)
    visible = Patient.objects.visible_to(user)
    patients = list(matching(visible, wanted).only(*COLUMNS)[: limit + 1])
    for patient in patients:
        patient.why = _other_names(patient, wanted)  # type: ignore[attr-defined]
    exact = len(patients)
    if not exact or (wanted.birth_spans and exact < limit and not _has_all_names(patients[0], wanted)):
        known = {patient.pk for patient in patients}
        patients += [p for p in resembling(visible, wanted, today)[: limit + 1] if p.pk not in known]
    if with_phones:
        _tell_phones(patients[:limit], wanted)
        _tell_namesakes(patients[:limit])
    return Found(wanted, patients[:limit], bool(patients) and not exact, len(patients) > limit)


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


def _has_all_names(patient: Patient, wanted: Wanted) -> bool:
    return patient.fit >= 2 * len(wanted.words)  # type: ignore[attr-defined]


MOST_SIMILAR = 60


def resembling(patients: QuerySet[Patient], wanted: Wanted, today: datetime.date) -> list[Patient]:
    """Of these patients the ones that fit but for a slip in a name or in the birth date, likeliest first.

    One statement. A date or a number brings a few hundred people at most, whose names are compared; without one, or with
    a year, the index of sounds and letters chooses. A number of a record or a phone is never guessed. `why` says in
    words what differs.
    """
    words = [word for word in wanted.words if len(word) > 2]
    if not words:
        return []
    near = near_dates(wanted.birth_spans, today)
    conditions = [Q(pk__in=_numbered(number, [*near] if number.born else ())) for number in wanted.numbers]
    if wanted.born:
        conditions.append(_born(wanted.born) | Q(birth_date__in=[*near]))
    if not conditions:
        conditions = [Q(alike) for alike in _alike(words)]
    elif any(first != last for first, last in wanted.birth_spans):
        conditions.append(Q(pk__in=_alike_keys(words)))
    alike = reduce(add, [TrigramWordSimilarity(word, "search_name") for word in words])
    typed = {f"sounds_{n}": RawSQL("name_sounds(%s)", [word]) for n, word in enumerate(wanted.words)}
    sounds = RawSQL("name_sounds(patients_patient.search_name)", [])
    likely = (
        patients.filter(*conditions)
        .annotate(alike=alike, sounds=sounds, **typed)
        .order_by("-alike", "search_name", "id")
        .only(*COLUMNS, "search_name")[:MOST_SIMILAR]
    )
    ranked = []
    for patient in likely:
        own = set(patient.sounds)
        heard = [w for n, w in enumerate(wanted.words) if own.intersection(getattr(patient, f"sounds_{n}"))]
        slip = near.get(patient.birth_date) if patient.birth_date else None
        found = likeness(wanted, patient.search_name.split(), heard, slip)
        if found:
            patient.why = list(found.reasons)  # type: ignore[attr-defined]
            ranked.append(((found, patient.search_name, patient.pk), patient))
    return [patient for _rank, patient in sorted(ranked, key=itemgetter(0))]


# Names that sound like a word or are a letter from it, by the index of that expression (patients migration 0006).
SHARES_A_KEY = "name_keys(patients_patient.search_name) && name_keys(%s)"


def _alike(words: Sequence[str]) -> list[RawSQL]:
    return [RawSQL(SHARES_A_KEY, [word], output_field=BooleanField()) for word in words]  # noqa: S611


def _alike_keys(words: Sequence[str]) -> RawSQL:
    """The same as keys, found before anything else: beside another condition they would be worked out row by row."""
    shared = " and ".join([SHARES_A_KEY] * len(words))
    found = f"select id from patients_patient where {shared}"  # noqa: S608  (fixed pieces)
    return RawSQL(f"with alike as materialized ({found}) select id from alike", words)  # noqa: S608, S611


def _other_names(patient: Patient, wanted: Wanted) -> list[str]:
    """Names by which a row was found and which it does not show."""
    shown = fold(f"{patient.family_name} {patient.given_name} {patient.preferred_name}")
    unseen = [word for word in wanted.words if word not in shown]
    names = {
        _("former family name %(name)s"): patient.former_family_name,
        _("middle name %(name)s"): patient.middle_name,
    }
    return [
        text % {"name": name}
        for text, name in names.items()
        if name and any(word in fold(name) for word in unseen)
    ]


def _named(word: str) -> Q:
    """A piece of a name. One or two letters only begin a name, or every second patient would fit."""
    if len(word) > 2:
        return Q(search_name__contains=word)
    return Q(search_name__startswith=word) | Q(search_name__contains=f" {word}")


def _born(spans: Iterable[Span]) -> Q:
    spans = list(spans)
    days = [first for first, last in spans if first == last]
    wider = [Q(birth_date__range=span) for span in spans if span[0] != span[1]]
    return reduce(or_, wider, Q(birth_date__in=days) if days else Q())


def _fit(words: Sequence[str]) -> Any:
    """Two points for each word that is a whole name, one when a name begins with it; one more for nothing but these."""
    if not words:
        return Value(0)
    padded = Concat(Value(" "), F("search_name"), Value(" "))
    points = [Sign(StrIndex(padded, Value(text))) for word in words for text in (f" {word} ", f" {word}")]
    whole = Case(When(Exact(Length("search_name"), len(" ".join(words))), then=Value(1)), default=Value(0))
    return reduce(add, [*points, whole])


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
BY_BIRTH_NEAR = "select id from patients_patient where birth_date = any(%s)"


def _numbered(number: Number, near: Collection[datetime.date] = ()) -> RawSQL:
    """Keys of patients whom one typed number may mean: phone, record or member number, birth date or one near it."""
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
    if near:
        parts.append(BY_BIRTH_NEAR)
        params.append(list(near))
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


def _tell_namesakes(patients: list[Patient]) -> None:
    names = [fold(f"{patient.family_name} {patient.given_name}") for patient in patients]
    for patient, name in zip(patients, names, strict=True):
        patient.namesake = names.count(name) > 1  # type: ignore[attr-defined]


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
