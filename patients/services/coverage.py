"""Coverage: who pays, in which order."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.workflow import Actor
from patients.models import Coverage, Patient
from patients.services.entries import (
    add_entry,
    change_entry,
    entry_for_change,
    local_day,
    patient_for_entry,
)


def _check_period(starts_on: date | None, ends_on: date | None) -> None:
    if starts_on and ends_on and ends_on < starts_on:
        raise ValidationError({"ends_on": _("Coverage cannot end before it starts.")})


@transaction.atomic
def add_coverage(*, patient_id: UUID, payer_name: str, by: Actor, now: datetime, **details: Any) -> Coverage:
    """Add a policy; without `rank` it comes after those that are active.

    `details`: plan_name, line_of_business, member_id, subscriber_id, group_number,
    relationship_to_subscriber, rank, starts_on, ends_on, checked_at.
    """
    patient = patient_for_entry(patient_id, by)
    return make_coverage(patient, by=by, payer_name=payer_name, **details)


def make_coverage(patient: Patient, *, by: Actor, **details: Any) -> Coverage:
    """For services that hold the patient already."""
    _check_period(details.get("starts_on"), details.get("ends_on"))
    if not details.get("rank"):
        details["rank"] = patient.coverages.filter(status="active").count() + 1
    return add_entry(Coverage, patient, by=by, **details)


@transaction.atomic
def update_coverage(*, coverage_id: UUID, by: Actor, now: datetime, **changes: Any) -> Coverage:
    """Correct a policy's details."""
    coverage = entry_for_change(Coverage, coverage_id, by)
    _check_period(changes.get("starts_on", coverage.starts_on), changes.get("ends_on", coverage.ends_on))
    return change_entry(coverage, by=by, **changes)


@transaction.atomic
def check_coverages(*, patient_id: UUID, by: Actor, now: datetime) -> int:
    """Somebody asked the payers just now and every active policy holds; returns how many. Each keeps its event."""
    patient = patient_for_entry(patient_id, by)
    keys = list(patient.coverages.filter(status="active").order_by("pk").values_list("pk", flat=True))
    for key in keys:
        change_entry(entry_for_change(Coverage, key, by), by=by, action="check", checked_at=now)
    return len(keys)


@transaction.atomic
def end_coverage(
    *, coverage_id: UUID, by: Actor, now: datetime, ends_on: date | None = None, in_error: bool = False
) -> Coverage:
    """The policy ended (today at the patient's place unless `ends_on` is given), or was never theirs."""
    coverage = entry_for_change(Coverage, coverage_id, by)
    if in_error:
        return change_entry(coverage, by=by, action="enter_in_error", status="entered_in_error")
    ends_on = ends_on or local_day(coverage.patient, now)
    _check_period(coverage.starts_on, ends_on)
    return change_entry(coverage, by=by, action="end", status="ended", ends_on=ends_on)
