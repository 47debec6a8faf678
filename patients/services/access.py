"""Restricting a record, opening one in an emergency, and judging afterwards whether that was right.

After the clinic's rule for emergency access: a reason, one patient, 60 minutes, told to the manager, reviewed.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.workflow import Actor, NotAllowed, record_edit
from patients.models import AccessGrant, Patient
from patients.permissions import check_can_break_glass, check_can_restrict, check_can_review
from patients.rules import text


@transaction.atomic
def restrict_patient(*, patient_id: UUID, reason: str, by: User, now: datetime) -> Patient:
    """From now on only the coordinator and the care team find this record; others need emergency access.

    Raises ValidationError without a reason or while nobody coordinates the patient, NotAllowed when it is restricted.
    """
    patient = lock(Patient.objects.select_related("site"), patient_id)
    check_can_restrict(by, patient)
    if patient.is_restricted:
        raise NotAllowed(_("This record is restricted already."))
    if patient.coordinator_id is None:
        raise ValidationError(
            _("Give the patient a coordinator first: somebody has to keep seeing the record.")
        )
    patient.is_restricted, patient.restriction_reason = True, _reason(reason, 300)
    patient.restricted_at, patient.restricted_by = now, by
    return _saved(patient, "restrict", by=by, now=now, reason=patient.restriction_reason)


@transaction.atomic
def lift_restriction(*, patient_id: UUID, by: User, now: datetime, reason: str = "") -> Patient:
    """Everybody at the place finds the record again. Raises NotAllowed when it is not restricted."""
    patient = lock(Patient.objects.select_related("site"), patient_id)
    check_can_restrict(by, patient)
    if not patient.is_restricted:
        raise NotAllowed(_("This record is not restricted."))
    patient.is_restricted, patient.restriction_reason = False, ""
    patient.restricted_at = patient.restricted_by = None
    return _saved(patient, "lift_restriction", by=by, now=now, reason=reason)


def _saved(patient: Patient, step: str, *, by: Actor, now: datetime, reason: str) -> Patient:
    patient.version += 1
    patient.save()
    record_edit(
        patient, step, by=by, now=now, reason=reason, fields=["is_restricted"], version=patient.version
    )
    return patient


@transaction.atomic
def break_glass(*, patient_id: UUID, reason: str, by: User, now: datetime) -> AccessGrant:
    """Open one restricted record for 60 minutes; the access that is open already when there is one.

    Raises ValidationError at `reason` when it says too little, NotAllowed for a record that is not restricted.
    """
    patient = lock(Patient.objects.select_related("site"), patient_id)
    check_can_break_glass(by, patient)
    if not patient.is_restricted:
        raise NotAllowed(_("This record is not restricted."))
    return open_grant(patient, AccessGrant.Kind.BREAK_GLASS, reason, by, now)


def open_grant(
    patient: Patient, kind: str, reason: str, by: User, now: datetime, *, label: str = "", purpose: str = ""
) -> AccessGrant:
    """For services that hold the patient and have asked whether `by` may: the open access of that kind, or a new one."""
    reason = _reason(reason, 500)
    grant = AccessGrant.objects.open(now).filter(user=by, patient=patient, kind=kind, label=label).first()
    if grant is not None:
        return grant
    grant = AccessGrant.objects.create(
        user=by,
        patient=patient,
        kind=kind,
        label=label,
        purpose=purpose,
        reason=reason,
        opened_at=now,
        expires_at=now + AccessGrant.LASTS,
        created_by=by,
    )
    details = {"label": label, "purpose": purpose} if label else {}
    _log(grant, "open_label" if label else kind, by=by, reason=reason, **details)
    return grant


def record_wrong_guess(*, by: User) -> None:
    """Somebody asked for emergency access and named nobody who is restricted. What was typed is not kept."""
    audit.record(by=by, action="break_glass_failed", entity="patients.accessgrant")


@transaction.atomic
def end_access(*, patient_id: UUID, by: User, now: datetime) -> int:
    """Give one's own open accesses to this patient back before they expire; returns how many there were."""
    mine = AccessGrant.objects.open(now).filter(user=by, patient=patient_id).select_related("patient")
    ended = list(mine.select_for_update(of=("self",)).order_by("pk"))
    for grant in ended:
        grant.ended_at = now
        grant.save()
        _log(grant, "end_access", by=by)
    return len(ended)


@transaction.atomic
def review_access(*, grant_id: UUID, verdict: str, note: str, by: User, now: datetime) -> AccessGrant:
    """Say whether it was appropriate. Raises ValidationError by field, NotAllowed when somebody said so already."""
    grant = lock(AccessGrant.objects.select_related("patient"), grant_id)
    check_can_review(by, grant)
    if grant.reviewed_at is not None:
        raise NotAllowed(_("Somebody has reviewed this access already."))
    if verdict not in AccessGrant.Verdict.values:
        raise ValidationError({"verdict": _("Choose one of the two.")})
    note = _line("note", note, 500)
    if verdict == AccessGrant.Verdict.NOT_APPROPRIATE and not note:
        raise ValidationError({"note": _("Say what was not appropriate and what follows.")})
    grant.verdict, grant.review_note = verdict, note
    grant.reviewed_at, grant.reviewed_by = now, by
    grant.save()
    _log(grant, "review_access", by=by, reason=note, verdict=verdict)
    return grant


def _log(grant: AccessGrant, action: str, *, by: Actor, reason: str = "", **details: str) -> None:
    audit.record(
        by=by,
        action=action,
        entity="patients.accessgrant",
        entity_id=grant.pk,
        patient_id=grant.patient_id,
        site_id=grant.patient.site_id,
        reason=reason,
        details={"grant": str(grant.pk), **details},
    )


def _reason(typed: str, limit: int) -> str:
    reason = _line("reason", typed, limit)
    if len(reason) < AccessGrant.LEAST_REASON:
        raise ValidationError({"reason": _("Say why in at least 10 characters: somebody will read this.")})
    return reason


def _line(field: str, typed: str, limit: int) -> str:
    try:
        return " ".join(text.long_text(typed, limit).split())
    except text.Unfit as error:
        raise ValidationError({field: str(error)}) from None
