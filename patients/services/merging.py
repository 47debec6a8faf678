"""Two records of one person made one, and taken apart again: every row as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from coordinator.db import Record, lock, refusals
from coordinator.workflow import Actor, NotAllowed, System, add_history, move, person
from patients.merge_fields import Stands, decide, is_death_unclear
from patients.merging import PARTS, Pair, Part, Settled, settled
from patients.models import (
    AllergyStatus,
    ContactPoint,
    Patient,
    PatientIdentifier,
    PatientMerge,
    PatientStatus,
    PossibleDuplicate,
)
from patients.permissions import can_lead, check_can_merge
from patients.services.duplicates import about_both
from patients.services.entries import require_reason
from patients.workflow import GONE, stand

State = PossibleDuplicate.State
# The other's record number, kept with the survivor so that looking for it finds them.
FORMER_NUMBER = {"kind": "MR", "system": "merged-record"}


@dataclass(frozen=True)
class MergePlan:
    """What merging would do. `objections`: why it cannot be; `says`: what else happens, in words."""

    pair: Pair
    fields: dict[str, Stands]
    objections: list[str]
    says: list[str]
    giving_way: list[Settled]
    staying: dict[str, set[Any]]


def plan_merge(*, survivor: Patient, other: Patient, choices: Mapping[str, str], now: datetime) -> MergePlan:
    """Look at both records and say what a merge would do. Writes nothing and locks nothing.

    `choices`: name of a field -> "survivor" or "other" (see merge_fields.decide, which raises TypeError).
    """
    objections = _who_cannot(survivor, other)
    fields = decide(survivor, other, choices)
    takes = frozenset(name for name, stands in fields.items() if stands.side == "other" and stands.changes)
    pair = Pair(survivor, other, now, takes)
    plan = MergePlan(pair, fields, objections, [], [], {})
    if objections:
        return plan
    objections += _which_values_cannot(pair, fields, choices)
    for part, answer in settled(pair):
        if answer.refuses:
            objections.append(answer.says)
        elif answer.row is not None and answer.values:
            plan.giving_way.append(answer)
        elif answer.row is not None:
            plan.staying.setdefault(part.name, set()).add(answer.row.pk)
        if answer.says and not answer.refuses:
            plan.says.append(answer.says)
    return plan


def _who_cannot(survivor: Patient, other: Patient) -> list[str]:
    if survivor.pk == other.pk:
        return [_("A record cannot be merged with itself.")]
    if any(patient.status == PatientStatus.MERGED for patient in (survivor, other)):
        return [_("One of these records was merged already.")]
    if any(patient.status in GONE for patient in (survivor, other)):
        return [_("One of these records was entered in error.")]
    if survivor.is_restricted != other.is_restricted:
        return [
            _("Only one of these records is restricted. Restrict the other one too, or lift the restriction.")
        ]
    if PossibleDuplicate.objects.filter(_both(survivor, other), state=State.DIFFERENT).exists():
        return [_("These two were said to be different people. Choose “Ask again” for the pair first.")]
    return []


def _both(survivor: Patient, other: Patient) -> Q:
    return Q(one__in=[survivor, other], two__in=[survivor, other])


def _which_values_cannot(pair: Pair, fields: Mapping[str, Stands], choices: Mapping[str, str]) -> list[str]:
    sentences = []
    if is_death_unclear(pair.survivor, pair.other, choices):
        sentences.append(_("One of them is recorded as deceased. Choose which standing is right."))
    if not (fields["family_name"].after or fields["given_name"].after):
        sentences.append(_("A name has to stay. Choose a family name or a given name."))
    born, died = fields["birth_date"].after, fields["deceased_on"].after
    if born and died and born > died:
        sentences.append(_("The date of birth cannot be after the day of death."))
    leads = fields["coordinator"]
    if leads.changes and leads.after is not None:
        user = User.objects.get(pk=leads.after)
        if not can_lead(user, pair.survivor):
            text = _("%(who)s does not work with patients at %(place)s. Choose the other coordinator.")
            sentences.append(text % {"who": user, "place": pair.survivor.site})
    return sentences


@transaction.atomic
def merge_patients(
    *,
    survivor_id: UUID,
    other_id: UUID,
    choices: Mapping[str, str],
    reason: str,
    by: Actor,
    now: datetime,
) -> PatientMerge:
    """Everything of `other` goes to `survivor`; `other` leaves every list and can be brought back.

    `choices` says whose value stands (merge_fields.CHOOSABLE). Raises NotAllowed with every sentence that speaks
    against it, PermissionDenied unless `by` may merge at both places, ValidationError without a reason.
    """
    reason = require_reason(reason)
    survivor, other = _lock_both(survivor_id, other_id)
    check_can_merge(by, survivor, other)
    plan = plan_merge(survivor=survivor, other=other, choices=choices, now=now)
    if plan.objections:
        raise NotAllowed(" ".join(plan.objections))
    changed = [_give_way(answer.row, answer.values) for answer in plan.giving_way if answer.row]
    changed += _decide_pair(survivor, other, reason, by, now)
    with refusals():
        moved = _move_rows(plan)
    former = PatientIdentifier.objects.create(
        patient=survivor, value=other.mrn, created_by=person(by), **FORMER_NUMBER
    )
    merge = PatientMerge.objects.create(
        survivor=survivor,
        other=other,
        other_status=other.status,
        fields=_as_json(plan.fields),
        moved=moved,
        changed=changed,
        made=[_named(former)],
        at=now,
        reason=reason,
        created_by=person(by),
        by_system=by.name if isinstance(by, System) else "",
    )
    _take_values(
        survivor, {name: row.after for name, row in plan.fields.items() if row.changes}, reason, by, now
    )
    _tell(survivor, "take_in", merge, reason, by, now)
    move(other, "merge", by=by, now=now, reason=reason, merge=str(merge.pk))
    about_both([survivor, other], "merge", merge, by=by, reason=reason, rows=sum(map(len, moved.values())))
    return merge


def _lock_both(one: UUID, two: UUID) -> list[Patient]:
    """Both patients, locked in the order of their keys."""
    locked = {key: lock(Patient.objects.select_related("site"), key) for key in sorted({one, two})}
    return [locked[one], locked[two]]


def _named(row: models.Model) -> dict[str, str]:
    return {"model": row._meta.label_lower, "id": str(row.pk)}


def _give_way(row: models.Model, values: Mapping[str, Any]) -> dict[str, Any]:
    """Change columns of one row, and say what they were. Not its version: taken back, it is the same row again."""
    before = {name: _dump(getattr(row, name)) for name in values}
    type(row)._base_manager.filter(pk=row.pk).update(**values)
    return {**_named(row), "before": before, "after": {name: _dump(value) for name, value in values.items()}}


def _decide_pair(
    survivor: Patient, other: Patient, reason: str, by: Actor, now: datetime
) -> list[dict[str, Any]]:
    pairs = PossibleDuplicate.objects.select_for_update().filter(_both(survivor, other))
    decided = {"state": State.MERGED.value, "decided_at": now, "reason": reason}
    decided["decided_by_id"] = getattr(person(by), "pk", None)
    return [_give_way(pair, decided) for pair in pairs]


def _move_rows(plan: MergePlan) -> dict[str, list[str]]:
    """Point every row of the other at the survivor; the keys of the rows by where they name a patient."""
    moved = {}
    for part in PARTS:
        rows = part.rows_of(plan.pair.other).exclude(pk__in=plan.staying.get(part.name, ()))
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        _point(part, keys, plan.pair.other, plan.pair.survivor)
        if keys:
            moved[part.name] = [str(key) for key in keys]
    return moved


def _point(part: Part, keys: Iterable[Any], source: Patient, to: Patient) -> None:
    """The rows of these keys that name `source` name `to`."""
    part.rows_of(source).filter(pk__in=keys).update(**{part.attname: to.pk})


def _take_values(patient: Patient, values: dict[str, Any], reason: str, by: Actor, now: datetime) -> None:
    """Save values of the patient's fields; a standing by its step, with the day of death."""
    status = values.pop("status", patient.status)
    for name, value in values.items():
        setattr(patient, patient._meta.get_field(name).attname, value)  # type: ignore[union-attr]
    if status != patient.status:
        move(patient, stand(status), by=by, now=now, reason=reason)
    else:
        patient.version += 1
        patient.save()


def _tell(patient: Patient, step: str, merge: PatientMerge, reason: str, by: Actor, now: datetime) -> None:
    """A line in the record's own history; `fields` and `version` tell somebody who is editing meanwhile."""
    facts = {"merge": str(merge.pk), "fields": sorted(merge.fields), "version": patient.version}
    add_history(patient, step, by=by, now=now, reason=reason, **facts)


# --- values that go into JSON and come back the same -----------------------------------------------------


def _dump(value: Any) -> Any:
    """To the microsecond, as DjangoJSONEncoder would not."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _load(model: type[models.Model], name: str, value: Any) -> Any:
    return model._meta.get_field(name).to_python(value)  # type: ignore[union-attr]


def _as_json(fields: Mapping[str, Stands]) -> dict[str, Any]:
    return {
        name: {"from": row.side, "before": _dump(row.before), "after": _dump(row.after)}
        for name, row in fields.items()
        if row.changes
    }


# --- taking apart ----------------------------------------------------------------------------------------


@dataclass
class TakenApart:
    """`stayed`: rows written since the merge that stay with the survivor. `kept`: rows that had to give way, were
    changed since and stay as they are now."""

    merge: PatientMerge
    stayed: int = 0
    kept: list[str] = field(default_factory=list)


@transaction.atomic
def unmerge_patients(*, merge_id: UUID, reason: str, by: Actor, now: datetime) -> TakenApart:
    """Every row goes back to the record it came from, as it was; what somebody changed since keeps that change.

    Rows written since stay with the survivor, except those that hang on a row that goes back (a new step of its
    plan, a new time for its visit). Raises NotAllowed when it was taken apart already or a later merge of the
    survivor stands; PermissionDenied; ValidationError without a reason.
    """
    reason = require_reason(reason)
    merge = lock(PatientMerge.objects, merge_id)
    survivor, other = _lock_both(merge.survivor_id, merge.other_id)
    check_can_merge(by, survivor, other)
    refuse_to_take_apart(merge)
    if survivor.is_restricted and not other.is_restricted:
        # The other one would be back in everybody's lists, with what the restriction is to hide.
        raise NotAllowed(_("The record was restricted since. Lift the restriction before you take it apart."))
    result = TakenApart(merge, stayed=sum(stays_with_survivor(merge).values()))
    since = _hanging_on(merge)
    for made in merge.made:
        apps.get_model(made["model"])._base_manager.filter(pk=made["id"]).delete()
    # While the other has no rows: what listens to a standing has nothing to plan or to take back.
    move(other, stand(merge.other_status), by=by, now=now, reason=reason, merge=str(merge.pk))
    for part in PARTS:
        _point(part, [*merge.moved.get(part.name, ()), *since.get(part.name, ())], survivor, other)
    result.kept = [row["model"] for row in merge.changed if not _restore(row)]
    _carry_opt_outs(merge, survivor, other)
    _take_values(survivor, _values_before(merge, survivor), reason, by, now)
    _tell(survivor, "give_back", merge, reason, by, now)
    merge.undone_at, merge.undone_by, merge.undone_reason = now, person(by), reason
    merge.version += 1
    merge.save()
    about_both([survivor, other], "unmerge", merge, by=by, reason=reason)
    return result


def refuse_to_take_apart(merge: PatientMerge) -> None:
    """Raises NotAllowed unless this merge stands and is the survivor's latest."""
    if merge.undone_at is not None:
        raise NotAllowed(_("These records were taken apart already."))
    if later_merges(merge).exists():
        raise NotAllowed(_("This record was merged again later. Take the later merge apart first."))


def later_merges(merge: PatientMerge) -> models.QuerySet[PatientMerge]:
    same = Q(survivor=merge.survivor_id) | Q(other=merge.survivor_id)
    return PatientMerge.objects.standing().filter(same, pk__gt=merge.pk)


def _restore(row: dict[str, Any]) -> bool:
    """Columns that are still as the merge left them get back what they were. False when a constraint forbids it."""
    model = apps.get_model(row["model"])
    now = model._base_manager.select_for_update().filter(pk=row["id"]).first()
    if now is None:
        return False
    values = {
        name: _load(model, name, before)
        for name, before in row["before"].items()
        if getattr(now, name) == _load(model, name, row["after"][name])
    }
    try:
        with transaction.atomic():
            model._base_manager.filter(pk=now.pk).update(**values)
    except IntegrityError:
        return False
    return len(values) == len(row["before"])


def _values_before(merge: PatientMerge, survivor: Patient) -> dict[str, Any]:
    """The survivor's own values again, where nobody changed them since."""
    values = {
        name: _load(Patient, name, was["before"])
        for name, was in merge.fields.items()
        if _dump(getattr(survivor, survivor._meta.get_field(name).attname)) == was["after"]  # type: ignore[union-attr]
    }
    known = survivor.allergies.filter(status="active", created_at__gt=merge.created_at)
    if values.get("allergy_status", AllergyStatus.RECORDED) != AllergyStatus.RECORDED and known.exists():
        del values["allergy_status"]
        values.pop("allergies_checked_on", None)
    return values


def _carry_opt_outs(merge: PatientMerge, survivor: Patient, other: Patient) -> None:
    """Who said STOP to a number since the merge said it for both records."""
    here = survivor.contact_points.filter(ended_at=None, opted_out_at__gt=merge.at).exclude(normalized="")
    for point in here:
        same = {"kind": point.kind, "normalized": point.normalized, "ended_at": None, "opted_out_at": None}
        ContactPoint.objects.filter(patient=other, **same).update(opted_out_at=point.opted_out_at)


def _hanging_on(merge: PatientMerge) -> dict[str, list[Any]]:
    """Rows of the survivor written since that hang on rows which go back, by part; twice, for what hangs on those."""
    found: dict[str, set[Any]] = {}
    back = {key for name, keys in merge.moved.items() if _has_uuids(name) for key in keys}
    for _round in range(2):
        for part in PARTS:
            if part.under and back:
                hangs = Q(*[(f"{name}__in", back) for name in part.under], _connector=Q.OR)
                rows = _written_since(part, merge).filter(hangs)
                found.setdefault(part.name, set()).update(rows.values_list("pk", flat=True))
        back |= {str(key) for keys in found.values() for key in keys}
    return {name: sorted(keys) for name, keys in found.items() if keys}


def _has_uuids(name: str) -> bool:
    model = apps.get_model(name.rpartition(".")[0])
    return isinstance(model._meta.pk, models.UUIDField)


def _written_since(part: Part, merge: PatientMerge) -> models.QuerySet[Any]:
    rows = part.rows_of(merge.survivor).filter(created_at__gt=merge.created_at)
    return rows.exclude(pk__in=[*merge.moved.get(part.name, ()), *(row["id"] for row in merge.made)])


def stays_with_survivor(merge: PatientMerge) -> dict[type[models.Model], int]:
    """How many rows written since the merge would stay with the survivor, by model; for the page that asks."""
    going = _hanging_on(merge)
    counts: dict[type[models.Model], int] = {}
    for part in PARTS:
        if issubclass(part.model, Record) and part.column == "patient":
            rows = _written_since(part, merge).exclude(pk__in=going.get(part.name, ()))
            if number := rows.count():
                counts[part.model] = number
    return counts
