"""The record's own rows in a merge, and what becomes of them when both records have the same thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from patients.merging import Pair, Part, Settled
from patients.models import (
    Allergy,
    CareTeamMember,
    Consent,
    ContactPoint,
    ContactWarning,
    Coverage,
    Document,
    EligibilityCheck,
    Encounter,
    Immunization,
    Medication,
    Note,
    Patient,
    PatientIdentifier,
    Problem,
    ProviderUpdate,
    Reconciliation,
    RelatedPerson,
    Result,
)
from patients.services.entries import local_day


def settle_contact_points(pair: Pair) -> Iterator[Settled]:
    """One row for a number that both have, with the stricter of two permissions: no text, no voicemail, opt-out win.

    A wish not to be messaged counts even when the record it was said in has ended the number since.
    """
    ours, theirs = _by_number(pair.survivor), _by_number(pair.other)
    for number in sorted(set(ours) & set(theirs)):
        yield from _one_number(ours[number], theirs[number], pair)
    yield from _later_ranks(pair, [number for number in theirs if _open(ours.get(number, []))])


def _by_number(patient: Patient) -> dict[tuple[str, str], list[ContactPoint]]:
    numbers: dict[tuple[str, str], list[ContactPoint]] = defaultdict(list)
    for point in patient.contact_points.exclude(normalized="").order_by("created_at", "id"):
        numbers[point.kind, point.normalized].append(point)
    return numbers


def _open(points: Iterable[ContactPoint]) -> ContactPoint | None:
    return next((point for point in points if point.ended_at is None), None)


def _one_number(ours: list[ContactPoint], theirs: list[ContactPoint], pair: Pair) -> Iterator[Settled]:
    kept, twin = _open(ours), _open(theirs)
    row = kept or twin
    if row is None:
        return
    against = [twin] if kept and twin else (theirs if kept else ours)
    if kept and twin:
        text = _("%(number)s is in both records. It is kept once, with the stricter permissions.")
        yield Settled(text % {"number": row.value}, row=twin, values={"ended_at": pair.now})
    values = stricter(row, against, permissions=bool(kept and twin))
    if values:
        yield Settled(row=row, values=values)


def stricter(row: ContactPoint, against: Iterable[Any], *, permissions: bool) -> dict[str, Any]:
    """What changes on `row` when everything said against messages in the other rows counts as well."""
    values: dict[str, Any] = {}
    against = list(against)
    opted_out = [point.opted_out_at for point in (row, *against) if point.opted_out_at]
    if opted_out and row.opted_out_at is None:
        values["opted_out_at"] = min(opted_out)
    if not permissions:
        return values
    if row.ok_to_message and not all(point.ok_to_message for point in against):
        values |= {"ok_to_message": False, "permission_at": None}
    if row.ok_to_leave_voicemail and not all(point.ok_to_leave_voicemail for point in against):
        values["ok_to_leave_voicemail"] = False
    failing = [point.failing_since for point in against if point.failing_since]
    if failing and row.failing_since is None:
        values["failing_since"] = min(failing)
    return values


def _later_ranks(pair: Pair, doubled: list[tuple[str, str]]) -> Iterator[Settled]:
    """The survivor's numbers come first; the others follow in their own order."""
    for kind in ContactPoint.Kind.values:
        last = max((p.rank for p in pair.survivor.contact_points.filter(kind=kind, ended_at=None)), default=0)
        for point in pair.other.contact_points.filter(kind=kind, ended_at=None) if last else ():
            if (point.kind, point.normalized) not in doubled:
                yield Settled(row=point, values={"rank": point.rank + last})


def settle_coverages(pair: Pair) -> Iterator[Settled]:
    """The survivor's policies come first. The same policy twice stays twice, and is told.

    The others' new places are beyond all old ones of both, so that no place is held twice on the way there or back.
    """
    ours = list(pair.survivor.coverages.filter(status="active"))
    theirs = list(pair.other.coverages.filter(status="active"))
    last = max((row.rank for row in [*ours, *theirs]), default=0) if ours else 0
    for row in theirs if last else ():
        twin = row.member_id and any(
            (own.member_id, own.payer_name) == (row.member_id, row.payer_name) for own in ours
        )
        text = _("Both have coverage by %(payer)s with the same number. Both rows stay; end one of them.")
        says = text % {"payer": row.payer_name} if twin else ""
        yield Settled(says, row=row, values={"rank": row.rank + last})


def settle_care_team(pair: Pair) -> Iterator[Settled]:
    """One lead: of the record whose coordinator was chosen, by default the survivor's."""
    taken = "coordinator" in pair.takes
    stands, yields = (pair.other, pair.survivor) if taken else (pair.survivor, pair.other)
    kept, ended = _lead(stands), _lead(yields)
    if ended is None or not (kept or taken or stands.coordinator_id):
        return
    text = _("%(who)s no longer leads the care team.")
    says = text % {"who": ended.display} if not kept or kept.display != ended.display else ""
    today = local_day(pair.survivor, pair.now)
    yield Settled(says, row=ended, values={"is_lead": False, "ended_on": today})


def _lead(patient: Patient) -> CareTeamMember | None:
    return patient.care_team.filter(is_lead=True, ended_on=None).first()


def settle_documents(pair: Pair) -> Iterator[Settled]:
    """The same file in both records stays twice, and is told: a protected one without its title."""
    standing = pair.survivor.documents.standing().exclude(sha256="")
    ours, hidden = standing.values("sha256"), set(standing.exclude(label="").values_list("sha256", flat=True))
    for row in pair.other.documents.standing().filter(sha256__in=ours).defer("text").order_by("created_at"):
        if row.label or row.sha256 in hidden:
            yield Settled(_("A protected document is in both records. Both stay."))
            continue
        text = _("“%(title)s” is in both records. Both stay; mark one of them as entered in error.")
        yield Settled(text % {"title": row.title})


OWN_PARTS = [
    Part(PatientIdentifier),
    Part(ContactPoint, settle=settle_contact_points),
    Part(ContactWarning, under=("contact_point",)),
    Part(RelatedPerson),
    Part(Coverage, settle=settle_coverages),
    Part(EligibilityCheck, under=("coverage",)),
    Part(CareTeamMember, settle=settle_care_team),
    Part(Consent),
    Part(Problem),
    Part(Allergy),
    Part(Medication),
    Part(Encounter),
    Part(Result),
    Part(Immunization),
    Part(Document, settle=settle_documents),
    Part(Note),
    Part(ProviderUpdate, under=("note",)),
    Part(Reconciliation, under=("related_person",)),
]
