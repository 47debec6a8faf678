"""Reconciling medicines, allergies or problems: what was said, what it changes on the list, who is told (P17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import Practitioner
from coordinator.db import Conflict
from coordinator.workflow import Actor
from patients.models import (
    Allergy,
    AllergyStatus,
    Medication,
    Patient,
    Problem,
    ProviderUpdate,
    Reconciliation,
    ReconciliationLine,
    RelatedPerson,
    Topic,
    UpdateStatus,
)
from patients.services import clinical
from patients.services.entries import (
    add_entry,
    change_entry,
    clean,
    entry_for_change,
    local_day,
    patient_for_entry,
    require_reason,
)
from patients.services.updates import begin_update, enter_update_in_error

Finding = ReconciliationLine.Finding
Obstacle = ReconciliationLine.Obstacle


@dataclass(frozen=True)
class Said:
    """What was said about one entry of the list; without `entry_id` it is new and has a `name`, and a `label` where
    the entry can be protected."""

    finding: str
    entry_id: UUID | None = None
    name: str = ""
    said: str = ""
    obstacle: str = ""
    label: str = ""


@dataclass(frozen=True)
class Listed:
    """How a list is kept: the column of a line, the field of "how", and the standing of what is no longer so."""

    model: type[models.Model]
    column: str
    how: str
    standing: str
    present: tuple[str, ...]
    # What a comparison may change and taking it back restores.
    kept: tuple[str, ...]


# A medicine not taken is on hold, not stopped: whether it is stopped is the provider's decision.
LISTS: dict[str, Listed] = {
    "medicines": Listed(
        Medication,
        "medication",
        "how_taken",
        "on_hold",
        ("active", "on_hold"),
        ("how_taken", "status", "source", "last_checked_on", "ended_on"),
    ),
    "allergies": Listed(
        Allergy,
        "allergy",
        "reaction",
        "inactive",
        ("active",),
        ("reaction", "status", "source", "last_checked_on"),
    ),
    "problems": Listed(
        Problem, "problem", "", "inactive", ("active",), ("status", "source", "last_checked_on", "ended_on")
    ),
}


@transaction.atomic
def reconcile_list(
    *,
    patient_id: UUID,
    list_name: str,
    with_whom: str,
    said: Sequence[Said],
    by: Actor,
    now: datetime,
    related_person: RelatedPerson | None = None,
    source: str = "",
    interpreter: str = "",
    note: str = "",
    report_to: Practitioner | None = None,
    ask: str = "",
    urgency: str = ProviderUpdate.Urgency.ROUTINE,
    reply_due_at: datetime | None = None,
) -> Reconciliation:
    """Keep one comparison and change the list accordingly, each entry with its source and today as "last checked".

    `list_name` is a key of LISTS. With `report_to` the discrepancies become one update to that provider, due at
    `reply_due_at` (UTC) or by the usual time. Raises ValidationError by field, Conflict when an entry is no longer on
    the list, PermissionDenied. All or nothing.
    """
    patient = patient_for_entry(patient_id, by)
    listed, known = LISTS[list_name], _known(patient)
    if not said:
        raise ValidationError(_("Say at least about one line what was found."))
    _check_person(patient, with_whom, related_person)
    event: Reconciliation = add_entry(
        Reconciliation,
        patient,
        by=by,
        list=list_name,
        with_whom=with_whom,
        related_person=related_person,
        source=source,
        interpreter=interpreter,
        note=note,
        compared_at=now,
    )
    lines = [_keep(event, listed, one, by, now) for one in said]
    ReconciliationLine.objects.bulk_create(lines)
    if list_name == "allergies":
        clinical.confirm_allergies(patient, now)
        event.allergies_said = {"before": known, "after": _known(patient)}
        event.save(update_fields=["allergies_said", "updated_at"])
    different = [line for line in lines if line.is_discrepancy]
    if report_to is not None and different:
        event.provider_update = begin_update(
            patient,
            report_to=report_to,
            situation=_situation(event),
            observation="\n".join(line_words(line, list_name) for line in different),
            ask=ask or _("Please review these and say what the patient should do."),
            urgency=urgency,
            reply_due_at=reply_due_at,
            by=by,
            now=now,
        )
        event.save(update_fields=["provider_update", "updated_at"])
    return event


def _known(patient: Patient) -> list[Any]:
    """Whether allergies are known, and the day they were asked about."""
    return [patient.allergy_status, _plain(patient.allergies_checked_on)]


def _check_person(patient: Patient, with_whom: str, related_person: RelatedPerson | None) -> None:
    if with_whom != Reconciliation.With.RELATED_PERSON:
        if related_person is not None:
            raise ValidationError({"related_person": _("Choose “Family or caregiver”, or nobody here.")})
        return
    if related_person is None or related_person.patient_id != patient.pk:
        raise ValidationError({"related_person": _("Choose who you spoke with.")})
    if Topic.MEDICINES not in related_person.topics or related_person.do_not_contact:
        text = _("%(name)s may not hear about medicines. Only the patient can allow that.")
        raise ValidationError({"related_person": text % {"name": related_person.name}})


def _keep(event: Reconciliation, listed: Listed, one: Said, by: Actor, now: datetime) -> ReconciliationLine:
    """One line, with its change of the list."""
    if one.finding not in Finding.values or one.obstacle not in ("", *Obstacle.values):
        raise ValidationError(_("Choose what was found."))
    if one.finding in (Finding.DIFFERENTLY, Finding.NOT_SO) and not one.said.strip():
        raise ValidationError(_("Say how it is different, or why it is no longer so."))
    source = event.whom[:120]
    if one.entry_id is None:
        entry = _add(event, listed, one, source, by, now)
        before: dict[str, Any] = {}
    else:
        entry = entry_for_change(listed.model, one.entry_id, by)
        if entry.patient_id != event.patient_id or entry.status not in listed.present:  # type: ignore[attr-defined]
            raise Conflict(_("Somebody changed this list meanwhile. Look again."))
        before = _values(entry, listed)
    was = getattr(entry, listed.how, "") if listed.how and one.entry_id else ""
    if one.entry_id is not None:
        change_entry(entry, by=by, action="reconcile", **_changes(event, listed, one, source, now))
    line = ReconciliationLine(
        reconciliation=event, was=was, before=before, after=_values(entry, listed), **{listed.column: entry}
    )
    words = {"finding": one.finding, "said": one.said, "obstacle": one.obstacle}
    words["name"] = getattr(entry, "substance", "") or entry.name
    for name, value in clean(ReconciliationLine, words).items():
        setattr(line, name, value)
    return line


def _values(entry: Any, listed: Listed) -> dict[str, Any]:
    return {name: _plain(getattr(entry, name)) for name in listed.kept}


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _changes(event: Reconciliation, listed: Listed, one: Said, source: str, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {"last_checked_on": local_day(event.patient, now), "source": source}
    if one.finding == Finding.NOT_SO:
        changes["status"] = listed.standing
    elif listed.model is Medication:
        changes["status"] = "active"  # what was on hold is taken
    if one.finding == Finding.DIFFERENTLY and listed.how:
        changes[listed.how] = one.said
    return changes


def _add(event: Reconciliation, listed: Listed, one: Said, source: str, by: Actor, now: datetime) -> Any:
    """What the list did not have, marked as reported."""
    common: dict[str, Any] = {"patient_id": event.patient_id, "by": by, "now": now, "source": source}
    if listed.model is Medication:
        return clinical.add_medication(name=one.name, how_taken=one.said, label=one.label, **common)
    if listed.model is Allergy:
        return clinical.add_allergy(substance=one.name, reaction=one.said, **common)
    return clinical.add_problem(name=one.name, label=one.label, **common)


def _situation(event: Reconciliation) -> str:
    texts = {
        "medicines": _("The medicines were compared with: %(whom)s."),
        "allergies": _("The allergies were compared with: %(whom)s."),
        "problems": _("The problems were compared with: %(whom)s."),
    }
    return texts[event.list] % {"whom": event.whom}


def line_words(line: ReconciliationLine, list_name: str) -> str:
    """One line in a sentence, for the provider."""
    texts = {
        Finding.AS_LISTED: _("%(name)s: as listed."),
        Finding.DIFFERENTLY: _("%(name)s: differently, %(said)s (the list says: %(was)s)."),
        Finding.NOT_SO: _("%(name)s: not taking, %(said)s.")
        if list_name == "medicines"
        else _("%(name)s: no longer, %(said)s."),
        Finding.NEW: _("%(name)s: new, %(said)s."),
    }
    nothing = _("nothing")
    words = {"name": line.name, "said": line.said.rstrip(".") or nothing, "was": line.was or nothing}
    sentence = texts[Finding(line.finding)] % words
    if not line.obstacle:
        return sentence
    return f"{sentence} {_('Obstacle: %(what)s.') % {'what': Obstacle(line.obstacle).label}}"


@transaction.atomic
def enter_reconciliation_in_error(
    *, reconciliation_id: UUID, reason: str, by: Actor, now: datetime
) -> Reconciliation:
    """It never happened, or was another patient's: the list is as it was before, except what somebody changed since.

    An update to the provider that came of it is taken back too.
    """
    patient_id = Reconciliation.objects.values_list("patient_id", flat=True).get(pk=reconciliation_id)
    patient = patient_for_entry(patient_id, by)
    event: Reconciliation = entry_for_change(Reconciliation, reconciliation_id, by)
    reason = require_reason(reason)
    if event.status == "entered_in_error":
        raise Conflict(_("This was taken back already."))
    listed = LISTS[event.list]
    for line in event.lines.all():
        _restore(line, listed, reason, by)
    update = event.provider_update
    if update is not None and update.status != UpdateStatus.ENTERED_IN_ERROR:
        enter_update_in_error(update_id=update.pk, reason=reason, by=by, now=now)
    change_entry(
        event, by=by, action="enter_in_error", reason=reason, status="entered_in_error", error_reason=reason
    )
    if event.list == "allergies":
        _forget_allergies(event, patient)
    return event


def _forget_allergies(event: Reconciliation, patient: Patient) -> None:
    """What was known of allergies before, and since when. What somebody said since stands: nobody asked today."""
    known, checked = _known(patient)
    if event.allergies_said and event.allergies_said["after"] == [known, checked]:
        known, checked = event.allergies_said["before"]
    if patient.allergies.filter(status="active").exists():
        known = AllergyStatus.RECORDED
    elif known == AllergyStatus.RECORDED:
        known = AllergyStatus.NOT_RECORDED
    field: Any = Patient._meta.get_field("allergies_checked_on")
    patient.allergy_status, patient.allergies_checked_on = known, field.to_python(checked)
    patient.save(update_fields=["allergy_status", "allergies_checked_on", "search_name", "updated_at"])


def _restore(line: ReconciliationLine, listed: Listed, reason: str, by: Actor) -> None:
    entry = entry_for_change(listed.model, line.entry.pk, by)
    if _values(entry, listed) != line.after:
        return  # somebody changed it since; what they said stands
    back = line.before or {"status": "entered_in_error"}
    fields: Any = listed.model._meta
    values = {name: fields.get_field(name).to_python(value) for name, value in back.items()}
    change_entry(entry, by=by, action="restore", reason=reason, **values)
