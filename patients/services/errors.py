"""Entries that should never have been there: taken out of every list with a reason, never deleted, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils.translation import gettext as _

from coordinator.db import Conflict, refusals
from coordinator.workflow import Actor, NotAllowed
from patients.models import (
    CareTeamMember,
    ContactPoint,
    Coverage,
    Encounter,
    Immunization,
    RelatedPerson,
    Result,
)
from patients.services.contacts import ONCE
from patients.services.coverage import end_coverage, put_coverage_back
from patients.services.entries import change_entry, entry_for_change, local_day, require_reason


@dataclass(frozen=True)
class Way:
    """How a kind of entry leaves the lists: by its end (`ended`: the column), or by its status (`error`, `sound`)."""

    model: type[models.Model]
    ended: str = ""
    error: str = ""
    sound: str = ""


# The status words are FHIR's where the row came from there.
WAYS: dict[str, Way] = {
    "phone": Way(ContactPoint, ended="ended_at"),
    "family": Way(RelatedPerson, ended="ended_on"),
    "team": Way(CareTeamMember, ended="ended_on"),
    "coverage": Way(Coverage, error="entered_in_error", sound="active"),
    "encounter": Way(Encounter, error="entered_in_error", sound="finished"),
    "result": Way(Result, error="entered_in_error", sound="final"),
    "immunization": Way(Immunization, error="entered_in_error", sound="completed"),
}


@transaction.atomic
def enter_entry_in_error(*, kind: str, entry_id: UUID, reason: str, by: Actor, now: datetime) -> Any:
    """`kind` is a key of WAYS. Raises Conflict when that was done already, ValidationError without a reason."""
    way, reason = WAYS[kind], require_reason(reason)
    if kind == "coverage":
        return end_coverage(coverage_id=entry_id, in_error=True, reason=reason, by=by, now=now)
    entry: Any = entry_for_change(way.model, entry_id, by)
    if is_in_error(kind, entry):
        raise Conflict(_("This was entered in error already."))
    if getattr(entry, "is_lead", False):
        raise NotAllowed(_("The lead changes with the patient's coordinator."))
    if way.error:
        kept = {"status": way.error, "status_before": entry.status}
        return change_entry(entry, by=by, action="enter_in_error", reason=reason, **kept)
    facts: dict[str, Any] = {"error_at": now, "error_reason": reason}
    if getattr(entry, way.ended) is None:
        facts[way.ended] = _end(way, entry, now)
    return change_entry(entry, by=by, action="enter_in_error", reason=reason, **facts)


@transaction.atomic
def put_entry_back(*, kind: str, entry_id: UUID, by: Actor, now: datetime) -> Any:
    """It was right after all. What had ended before stays ended. Raises Conflict when something took its place."""
    way = WAYS[kind]
    if kind == "coverage":
        return put_coverage_back(coverage_id=entry_id, by=by, now=now)
    entry: Any = entry_for_change(way.model, entry_id, by)
    if not is_in_error(kind, entry):
        raise Conflict(_("This is not entered in error."))
    if way.error:
        was = entry.status_before or way.sound  # nobody kept what rows of earlier versions were
        return change_entry(entry, by=by, action="put_back", status=was, status_before="")
    facts: dict[str, Any] = {"error_at": None, "error_reason": ""}
    if getattr(entry, way.ended) == _end(way, entry, entry.error_at):
        facts[way.ended] = None
    with refusals(contact_point_once=str(ONCE["contact_point_once"])):
        return change_entry(entry, by=by, action="put_back", **facts)


def is_in_error(kind: str, entry: Any) -> bool:
    way = WAYS[kind]
    return bool(entry.error_reason) if way.ended else entry.status == way.error


def _end(way: Way, entry: Any, moment: datetime) -> Any:
    return moment if way.ended == "ended_at" else local_day(entry.patient, moment)
