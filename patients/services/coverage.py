"""Coverage: who pays, in which order, and whether it is in force."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.db import Conflict
from coordinator.workflow import Actor
from patients.models import Coverage, EligibilityCheck, Patient
from patients.rules import doubts, member_numbers
from patients.services.entries import (
    add_entry,
    change_entry,
    entry_for_change,
    local_day,
    patient_for_entry,
    require_reason,
)

NO_RANK = 0  # where a policy waits while two change places
CHECKED = ("member_id", "payer_name", "line_of_business", "starts_on", "ends_on", "rank")


def _check_period(starts_on: date | None, ends_on: date | None) -> None:
    if starts_on and ends_on and ends_on < starts_on:
        raise ValidationError({"ends_on": _("Coverage cannot end before it starts.")})


@transaction.atomic
def add_coverage(
    *, patient_id: UUID, payer_name: str, by: Actor, now: datetime, keep: bool = True, **details: Any
) -> Coverage:
    """Add a policy; without `rank` it comes after those that are active, with one the others make room.

    `details`: plan_name, line_of_business, member_id, subscriber_id, group_number, relationship_to_subscriber,
    subscriber_name, subscriber_birth_date, rank, starts_on, ends_on, checked_at. Unless `keep`, what looks wrong is
    refused first (rules.doubts.Doubt).
    """
    patient = patient_for_entry(patient_id, by)
    return make_coverage(patient, by=by, payer_name=payer_name, keep=keep, **details)


def make_coverage(patient: Patient, *, by: Actor, keep: bool = True, **details: Any) -> Coverage:
    """For services that hold the patient already."""
    _check_period(details.get("starts_on"), details.get("ends_on"))
    _check_subscriber(details)
    last = _last_rank(patient)
    details["rank"] = min(details.get("rank") or last + 1, last + 1)
    doubts.refuse(_doubts(patient, None, details), keep)
    _make_room(patient, details["rank"], by)
    return add_entry(Coverage, patient, by=by, **details)


def _check_subscriber(details: dict[str, Any]) -> None:
    other = details.get("relationship_to_subscriber") not in (None, "", "self")
    if other and not details.get("subscriber_name"):
        raise ValidationError({"subscriber_name": _("Enter whose policy it is.")})


def _doubts(patient: Patient, present: Coverage | None, details: dict[str, Any]) -> dict[str, list[str]]:
    """What looks wrong in a policy as it would be, by field."""
    would = {name: details.get(name, getattr(present, name, None)) for name in CHECKED}
    period = (would["starts_on"], would["ends_on"])
    said = doubts.days(patient.birth_date, None, {"starts_on": period[0]})
    number = member_numbers.doubt(
        would["member_id"] or "", would["payer_name"] or "", would["line_of_business"] or ""
    )
    if number:
        said["member_id"] = [number]
    if would["rank"] == 1:
        others = patient.coverages.filter(rank=1, status="ended")
        others = others.exclude(pk=present.pk) if present else others
        for other in others:
            if other.ends_on and doubts.overlap(period, (other.starts_on, other.ends_on)):
                text = _("%(payer)s was the primary coverage in part of this time.")
                said.setdefault("starts_on", []).append(text % {"payer": other.payer_name})
    return said


def _lock_both(coverage_id: UUID, by: Actor) -> tuple[Patient, Coverage]:
    """The patient first, as those who add do: their order is one thing."""
    patient_id = Coverage.objects.values_list("patient_id", flat=True).get(pk=coverage_id)
    return patient_for_entry(patient_id, by), entry_for_change(Coverage, coverage_id, by)


def _last_rank(patient: Patient) -> int:
    last = patient.coverages.filter(status="active").order_by("-rank").first()
    return last.rank if last else 0


def _make_room(patient: Patient, rank: int, by: Actor) -> None:
    """Those from this place on go one down; the last first, because no place may be held twice."""
    active = patient.coverages.filter(status="active")
    if active.filter(rank=rank).exists():
        for row in active.filter(rank__gte=rank).order_by("-rank"):
            _put(row, row.rank + 1, by)


def _put(coverage: Coverage, rank: int, by: Actor) -> None:
    change_entry(coverage, by=by, action="reorder", rank=rank)


def _reorder(patient: Patient, order: list[Coverage], by: Actor) -> None:
    """Give the active policies the places 1, 2, 3 in this order."""
    for row, rank in zip(order, range(1, len(order) + 1), strict=True):
        if row.rank == rank:
            continue
        holder = next((other for other in order if other.rank == rank), None)
        if holder is not None:
            old = row.rank
            Coverage.objects.filter(pk=row.pk).update(rank=NO_RANK)
            _put(holder, old, by)
            row.rank = NO_RANK
        _put(row, rank, by)


@transaction.atomic
def move_coverage(*, coverage_id: UUID, up: bool, by: Actor, now: datetime) -> Coverage:
    """One place towards primary, or one away from it. At the end of the order nothing happens."""
    patient, coverage = _lock_both(coverage_id, by)
    if coverage.status != "active":
        raise Conflict(_("Only coverage that is active has an order."))
    order = list(patient.coverages.filter(status="active").order_by("rank"))
    place = next(n for n, row in enumerate(order) if row.pk == coverage.pk)
    other = place - 1 if up else place + 1
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
        _reorder(patient, order, by)
    coverage.refresh_from_db()
    return coverage


@transaction.atomic
def update_coverage(
    *, coverage_id: UUID, by: Actor, now: datetime, keep: bool = True, **changes: Any
) -> Coverage:
    """Correct a policy's details; at another `rank` the others make room."""
    patient, coverage = _lock_both(coverage_id, by)
    if coverage.status == "entered_in_error":
        raise Conflict(_("This coverage was entered in error."))
    _check_period(changes.get("starts_on", coverage.starts_on), changes.get("ends_on", coverage.ends_on))
    _check_subscriber({"subscriber_name": coverage.subscriber_name, **changes})
    rank = changes.pop("rank", None) or coverage.rank
    doubts.refuse(_doubts(patient, coverage, {**changes, "rank": rank}), keep)
    if coverage.status == "active" and rank != coverage.rank:
        order = list(patient.coverages.filter(status="active").order_by("rank"))
        mine = next(row for row in order if row.pk == coverage.pk)
        order.remove(mine)
        order.insert(rank - 1, mine)
        _reorder(patient, order, by)
        coverage.refresh_from_db()
    return change_entry(coverage, by=by, **changes)


@transaction.atomic
def end_coverage(
    *,
    coverage_id: UUID,
    by: Actor,
    now: datetime,
    ends_on: date | None = None,
    in_error: bool = False,
    reason: str = "",
) -> Coverage:
    """The policy ended (today at the patient's place unless `ends_on` is given), or was never theirs. Those after it
    move up."""
    patient, coverage = _lock_both(coverage_id, by)
    if coverage.status == "entered_in_error":
        raise Conflict(_("This was entered in error already."))
    if in_error:
        change_entry(coverage, by=by, action="enter_in_error", reason=reason, status="entered_in_error")
    else:
        ends_on = ends_on or local_day(coverage.patient, now)
        _check_period(coverage.starts_on, ends_on)
        change_entry(coverage, by=by, action="end", status="ended", ends_on=ends_on)
    _reorder(patient, list(patient.coverages.filter(status="active").order_by("rank")), by)
    return coverage


@transaction.atomic
def put_coverage_back(*, coverage_id: UUID, by: Actor, now: datetime) -> Coverage:
    """It was the patient's after all: at the place it had, or ended when its time is over."""
    patient, coverage = _lock_both(coverage_id, by)
    if coverage.status != "entered_in_error":
        raise Conflict(_("This is not entered in error."))
    if coverage.ends_on and coverage.ends_on < local_day(patient, now):
        return change_entry(coverage, by=by, action="put_back", status="ended")
    rank = min(coverage.rank or 1, _last_rank(patient) + 1)
    _make_room(patient, rank, by)
    return change_entry(coverage, by=by, action="put_back", status="active", rank=rank)


# --- is it in force? ---------------------------------------------------------------------------------------


@transaction.atomic
def record_eligibility_check(
    *,
    coverage_id: UUID,
    method: str,
    result: str,
    by: Actor,
    now: datetime,
    reference: str = "",
    copay: str = "",
    note: str = "",
) -> EligibilityCheck:
    """Somebody asked the payer, or the payer's system, whether the policy is in force. Nothing else changes."""
    coverage = entry_for_change(Coverage, coverage_id, by)
    if coverage.status == "entered_in_error":
        raise Conflict(_("This coverage was entered in error."))
    values = {"reference": reference, "copay": copay, "note": note}
    check = add_entry(
        EligibilityCheck,
        coverage.patient,
        by=by,
        coverage=coverage,
        method=method,
        result=result,
        checked_at=now,
        **values,
    )
    _say_checked(coverage)
    return check


@transaction.atomic
def enter_check_in_error(*, check_id: UUID, reason: str, by: Actor, now: datetime) -> EligibilityCheck:
    """It was about another policy, or never done; the one before it counts again."""
    check: EligibilityCheck = entry_for_change(EligibilityCheck, check_id, by)
    reason = require_reason(reason)
    if check.status == "entered_in_error":
        raise Conflict(_("This was taken back already."))
    change_entry(
        check, by=by, action="enter_in_error", reason=reason, status="entered_in_error", error_reason=reason
    )
    _say_checked(check.coverage)
    return check


def _say_checked(coverage: Coverage) -> None:
    """The day of the newest check stands on the policy, for lists that show many."""
    newest = coverage.checks.filter(status="current").order_by("-checked_at").first()
    coverage.checked_at = newest.checked_at if newest else None
    coverage.save(update_fields=["checked_at", "updated_at"])
