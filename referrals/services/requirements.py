"""Is an authorization needed? Answers with their source, and what follows from them for request and referral."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.db import lock
from coordinator.workflow import Actor, NotAllowed, person, record_edit
from patients.models import Patient
from patients.services.entries import clean, require_reason
from referrals.duplicates import REPLACEABLE, similar_authorizations
from referrals.models import (
    NEEDED,
    NOT_NEEDED,
    AuthorizationLine,
    PayerRequirement,
    PriorAuthorization,
    Referral,
    RequirementCheck,
)
from referrals.permissions import check_can_manage_referral
from referrals.selectors.authorizations import listed, listed_for_referral, payer_of, standing_answer
from referrals.services.authorizations import (
    add_line,
    advance_authorization,
    create_authorization,
    lock_authorization,
    update_authorization,
)
from referrals.services.guard import check_guard, keep_answer
from referrals.workflow import AuthorizationStatus as S
from referrals.workflow import ReferralStatus


@transaction.atomic
def record_requirement(
    *,
    authorization_id: UUID,
    pa_needed: str,
    source: str,
    by: Actor,
    now: datetime,
    checked_at: datetime | None = None,
    **said: Any,
) -> RequirementCheck:
    """Keep an answer (Da Vinci CRD's words) and let the latest one that holds drive the request.

    `said`: covered, doc_needed, info_needed, reference, said_by, note, expires_on. "Not needed" needs its proof in
    `reference`. "Indeterminate" and "conditional" are not "no": the question stays open. Raises ValidationError.
    """
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    values = clean(RequirementCheck, {"pa_needed": pa_needed, "source": source, **said})
    if pa_needed in NOT_NEEDED and not values.get("reference"):
        raise ValidationError(
            {"reference": _("Enter what proves this: a reference, or the list and its date.")}
        )
    check = RequirementCheck.objects.create(
        authorization=record, checked_at=checked_at or now, created_by=person(by), **values
    )
    facts = {"pa_needed": pa_needed, "source": source}
    record_edit(record, "check_requirement", by=by, now=now, **facts)
    follow_answer(record, by=by, now=now)
    return check


def follow_answer(record: PriorAuthorization, *, by: Actor, now: datetime) -> None:
    """Take the step that the standing answer asks for, where the table has it from here."""
    answer = standing_answer(record, now)
    if answer is None:
        return
    same: dict[str, Any] = {"authorization_id": record.pk, "by": by, "now": now}
    if answer.pa_needed in NEEDED and record.status in (S.REQUIREMENT_UNKNOWN, S.NOT_REQUIRED):
        advance_authorization(step="find_required", check=str(answer.pk), **same)
    elif answer.pa_needed in NOT_NEEDED and record.status == S.REQUIREMENT_UNKNOWN:
        advance_authorization(step="find_not_required", evidence=answer.reference, **same)


@transaction.atomic
def enter_requirement_in_error(*, check_id: UUID, reason: str, by: Actor, now: datetime) -> RequirementCheck:
    """It was said of something else. What followed from it stays; the answer before it counts from now on."""
    check = RequirementCheck.objects.get(pk=check_id)
    record = lock_authorization(check.authorization_id)
    check_can_manage_referral(by, record)
    if check.is_error:
        raise NotAllowed(_("This answer is entered in error already."))
    check.error_reason = require_reason(reason)[:500]
    check.version += 1
    check.save()
    record_edit(record, "requirement_in_error", by=by, now=now, reason=reason, check=str(check.pk))
    follow_answer(record, by=by, now=now)
    return check


# --- the managed list -----------------------------------------------------------------------------------------


def _listed_for(record: PriorAuthorization, on: date) -> PayerRequirement | None:
    """What the list says of the whole request: needed if one service needs it, not needed only if every service was
    found and none needs it. A specialty speaks for services that the list does not know, but never clears them."""
    codes = [line.service_code for line in record.lines.all() if line.decision != "cancelled"]
    by_code = [listed(record.payer, on=on, code=code) for code in codes]
    names = [record.referral.specialty if record.referral else "", record.service]
    unknown = not codes or None in by_code
    by_name = [listed(record.payer, on=on, specialty=name) for name in names if name and unknown]
    found = [line for line in (*by_code, *by_name) if line is not None]
    needing = [line for line in found if line.pa_needed in NEEDED]
    if needing:
        return needing[0]
    if codes:
        is_clear = all(line is not None and line.pa_needed in NOT_NEEDED for line in by_code)
        return by_code[0] if is_clear else None
    return next((line for line in found if line.pa_needed in NOT_NEEDED), None)


@transaction.atomic
def ask_list(*, authorization_id: UUID, by: Actor, now: datetime) -> RequirementCheck | None:
    """Let the clinic's list answer an open question; None where it says nothing."""
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if record.status != S.REQUIREMENT_UNKNOWN:
        return None
    line = _listed_for(record, now.astimezone(record.site.tzinfo).date())
    if line is None:
        return None
    return record_requirement(
        authorization_id=record.pk,
        pa_needed=line.pa_needed,
        covered=line.covered,
        doc_needed=line.doc_needed,
        source="list",
        reference=line.evidence,
        expires_on=line.expires_on,
        by=by,
        now=now,
    )


@transaction.atomic
def request_authorization(
    *,
    patient: Patient,
    by: Actor,
    now: datetime,
    line: dict[str, Any] | None = None,
    duplicate_reason: str = "",
    replaces: PriorAuthorization | None = None,
    **header: Any,
) -> PriorAuthorization:
    """A new request with its first service line, answered by the clinic's list where that knows.

    Refuses (Conflict, with `similar`) when the patient has one of this payer with the same code and dates that
    overlap (domain 3.12), unless `duplicate_reason` says why to go on, or it `replaces` that one, which is withdrawn
    and linked. Either answer is counted.
    """
    # Two people at once: the second one waits, and then sees the first one's.
    Patient.objects.select_for_update().only("pk").get(pk=patient.pk)
    similar = similar_authorizations(patient=patient, payer=header["payer"], by=by, **asked_of(line))
    words = _("This patient already has a request to %(payer)s for this service.") % {
        "payer": header["payer"]
    }
    shown = check_guard(similar, words, reason=duplicate_reason, replaces=replaces)
    record = _open_request(patient=patient, by=by, now=now, line=line, supersedes=replaces, **header)
    keep_answer("authorization", record, shown, reason=duplicate_reason, replaces=replaces, by=by, now=now)
    if replaces is not None:
        _end_replaced(record, replaces, by=by, now=now)
    return record


def asked_of(line: dict[str, Any] | None) -> dict[str, Any]:
    """The key of the duplicate guard in a request's first line."""
    said = line or {}
    code = str(said.get("service_code") or "").strip()
    dates = {"starts_on": said.get("asked_from"), "ends_on": said.get("asked_until")}
    return {"codes": [code] if code else [], **dates}


def _end_replaced(record: PriorAuthorization, old: PriorAuthorization, *, by: Actor, now: datetime) -> None:
    if old.patient_id != record.patient_id:
        raise ValidationError(_("That request belongs to another patient."))
    if old.status not in REPLACEABLE:
        raise NotAllowed(
            _("Only a request that can still be withdrawn is replaced. Say why another one is needed.")
        )
    why = _("Replaced by another request for %(service)s") % {"service": record.service}
    advance_authorization(authorization_id=old.pk, step="withdraw", reason=why, by=by, now=now)


def _open_request(
    *, patient: Patient, by: Actor, now: datetime, line: dict[str, Any] | None = None, **header: Any
) -> PriorAuthorization:
    record = create_authorization(patient=patient, by=by, now=now, **header)
    if line:
        add_line(authorization_id=record.pk, by=by, now=now, **line)
    ask_list(authorization_id=record.pk, by=by, now=now)
    return PriorAuthorization.objects.get(pk=record.pk)


@transaction.atomic
def correct_request(
    *, authorization_id: UUID, by: Actor, now: datetime, **changes: Any
) -> PriorAuthorization:
    """`update_authorization`, and the list is asked again while nobody knows whether it is needed."""
    record = update_authorization(authorization_id=authorization_id, by=by, now=now, **changes)
    ask_list(authorization_id=authorization_id, by=by, now=now)
    return record


@transaction.atomic
def add_service_line(*, authorization_id: UUID, by: Actor, now: datetime, **line: Any) -> AuthorizationLine:
    """`add_line`, and the list is asked again while nobody knows whether it is needed."""
    made = add_line(authorization_id=authorization_id, by=by, now=now, **line)
    ask_list(authorization_id=authorization_id, by=by, now=now)
    return made


# --- a new referral -------------------------------------------------------------------------------------------


@transaction.atomic
def ask_list_for_referral(*, referral: Referral, by: Actor, now: datetime) -> Referral:
    """A referral whose payer wants an authorization waits for one by itself: the request is opened with it."""
    coverage, payer = payer_of(referral.patient)
    line = listed_for_referral(referral, now)
    if payer is None or line is None or line.pa_needed not in NEEDED:
        return referral
    _open_request(
        patient=referral.patient,
        payer=payer,
        coverage=coverage,
        service=referral.service or referral.specialty,
        referral=referral,
        owner=referral.owner,
        team=referral.team,
        line={"service_code": line.service_code, "label": referral.service} if line.service_code else None,
        by=by,
        now=now,
    )
    referral.refresh_from_db()
    return referral


def hold_referral(*, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """It is needed: a referral that was not sent yet waits."""
    from referrals.services.referrals import advance_referral

    referral = _referral_of(record, (ReferralStatus.DRAFT, ReferralStatus.READY))
    if referral is not None:
        advance_referral(referral_id=referral.pk, step="await_authorization", by=by, now=now)


def _referral_of(record: PriorAuthorization, statuses: tuple[str, ...]) -> Referral | None:
    if record.referral_id is None:
        return None
    referral = lock(Referral.objects.select_related("site", "patient", "owner", "team"), record.referral_id)
    return referral if referral.status in statuses else None
