"""Renewals, revisions and extensions: new requests that name the one they follow, and the tasks that ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Task
from coordinator.db import lock
from coordinator.workflow import Actor, NotAllowed, record_edit
from referrals.models import PriorAuthorization
from referrals.permissions import check_can_manage_referral
from referrals.services.authorizations import (
    add_line,
    advance_authorization,
    create_authorization,
    lock_authorization,
    set_next,
)
from referrals.workflow import IN_FORCE, OVER, UNDECIDED, AuthorizationStatus

S = AuthorizationStatus
C = PriorAuthorization.Certification
ENDS = "expires:authorization:"  # of the tasks that ask to renew; the key goes on with the request and its last day
FOLLOWS: dict[str, tuple[str, ...]] = {
    C.INITIAL: (S.DENIED, S.UPHELD, S.CLOSED_DENIED),
    C.RENEWAL: (*IN_FORCE, *OVER),
    C.REVISION: IN_FORCE,
    C.EXTENSION: (*IN_FORCE, *OVER),
}


@transaction.atomic
def continue_authorization(
    *,
    authorization_id: UUID,
    certification: str,
    by: Actor,
    now: datetime,
    reason: str = "",
    units: Mapping[int, int | None] | None = None,
) -> PriorAuthorization:
    """A new request linked to this one: a renewal (units of its own), a revision (replaces its units), an extension
    (adds to them), or, after a denial, a new request. Lines are taken over, with `units` by line number.

    Raises NotAllowed from a status that has no such continuation, or when one is being asked for already.
    """
    parent = lock(
        PriorAuthorization.objects.select_related(
            "patient__site", "patient__coordinator", "payer", "owner", "team"
        ),
        authorization_id,
    )
    check_can_manage_referral(by, parent)
    if certification not in FOLLOWS or parent.status not in FOLLOWS[certification]:
        raise NotAllowed(_("This is not possible while the request stands as it does."))
    if parent.superseded_by.filter(certification=certification, status__in=UNDECIDED).exists():
        raise NotAllowed(_("The same is being asked for already. Open it below."))
    record = create_authorization(
        patient=parent.patient,
        payer=parent.payer,
        service=parent.service,
        kind=parent.kind,
        urgency=parent.urgency,
        urgency_reason=parent.urgency_reason,
        coverage=parent.coverage,
        referral=parent.referral,
        owner=parent.owner,
        team=parent.team,
        supersedes=parent,
        certification=certification,
        by=by,
        now=now,
    )
    advance_authorization(authorization_id=record.pk, step="find_required", by=by, now=now, reason=reason)
    for line in parent.lines.exclude(decision="cancelled"):
        wanted = (units or {}).get(line.number, line.units_requested)
        if not wanted:
            continue
        fields = {"label": line.label, "unit_kind": line.unit_kind}
        add_line(
            authorization_id=record.pk,
            service_code=line.service_code,
            units=wanted,
            by=by,
            now=now,
            **fields,
        )
    record_edit(
        parent, "continue", by=by, now=now, reason=reason, certification=certification, request=str(record.pk)
    )
    return PriorAuthorization.objects.get(pk=record.pk)


@transaction.atomic
def approve_back_dated(
    *,
    authorization_id: UUID,
    ends_on: date,
    reason: str,
    by: Actor,
    now: datetime,
    starts_on: date | None = None,
) -> PriorAuthorization:
    """The payer back-dated an extension of what had expired or was used up: it is in force again. Needs a reason.

    Raises ValidationError by field, NotAllowed from any other status.
    """
    record = lock(PriorAuthorization.objects.select_related("site"), authorization_id)
    check_can_manage_referral(by, record)
    if not reason.strip():
        raise ValidationError({"reason": _("Say what the payer back-dated, and who told you.")})
    if record.ends_on and ends_on <= record.ends_on and record.status == S.EXPIRED:
        raise ValidationError({"ends_on": _("The new last day must be later than the old one.")})
    facts: dict[str, Any] = {"ends_on": ends_on, "has_no_end": False, "may_end_at": None}
    if starts_on:
        facts["starts_on"] = starts_on
    before = record.ends_on
    for line in record.lines.filter(decision__in=("approved", "modified")):
        if line.ends_on is None or line.ends_on == before:
            line.ends_on = ends_on
            line.save(update_fields=["ends_on", "updated_at"])
    return advance_authorization(
        authorization_id=record.pk, step="approve_back_dated", by=by, now=now, reason=reason.strip(), **facts
    )


@transaction.atomic
def let_end(*, authorization_id: UUID, reason: str, by: Actor, now: datetime) -> PriorAuthorization:
    """It is not renewed, and why: the tasks that ask to renew it close, and nobody is asked again.

    Raises ValidationError without a reason, NotAllowed unless it is in force with an end, expired or used up.
    """
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it need not be renewed.")})
    if record.may_end_at is not None or record.status not in (*IN_FORCE, *OVER):
        raise NotAllowed(_("This is not possible while the request stands as it does."))
    if record.status in IN_FORCE and record.ends_on is None:
        raise NotAllowed(_("It has no end date. Enter the date first, or cancel the approval."))
    record.may_end_at = now
    record.version += 1
    record.save()
    record_edit(record, "let_end", by=by, now=now, reason=reason.strip())
    asked = Task.objects.open().filter(cause_id=record.pk, dedupe_key__startswith=ENDS)
    keys = list(asked.values_list("dedupe_key", flat=True))
    careplans.close_automatic(dedupe_keys=keys, outcome=reason.strip(), by=by, now=now)
    if record.status in OVER:
        set_next(record, by=by, now=now, step="let_end", reason=reason.strip())
    return record


@transaction.atomic
def take_up_end(*, authorization_id: UUID, by: Actor, now: datetime) -> PriorAuthorization:
    """It is needed after all: somebody is asked about its end again. Raises NotAllowed when nobody let it end."""
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if record.may_end_at is None or record.status not in (*IN_FORCE, *OVER):
        raise NotAllowed(_("This is not possible while the request stands as it does."))
    record.may_end_at = None
    record.version += 1
    record.save()
    record_edit(record, "take_up_end", by=by, now=now)
    if record.status in OVER:
        set_next(record, by=by, now=now, step="take_up_end")
    return record


def covers_gap(successor: Any, parent: Any) -> bool:
    """Whether a renewed approval takes over without a day between, and lasts longer.

    Looks at starts_on, ends_on, has_no_end, status of both; a parent without an end is covered by any in force.
    """
    if successor.status not in IN_FORCE:
        return False
    if parent.ends_on is None:
        return True
    lasts = successor.has_no_end or (successor.ends_on is not None and successor.ends_on > parent.ends_on)
    starts = successor.starts_on is None or successor.starts_on <= parent.ends_on + timedelta(days=1)
    return bool(lasts and starts)


@transaction.atomic
def settle_renewal(*, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """An approval came that follows another: the task that asked for it closes when no day is left open."""
    parent = record.supersedes
    if parent is None or not covers_gap(record, parent):
        return
    asked = Task.objects.open().filter(cause_id=parent.pk, dedupe_key__startswith=ENDS)
    keys = list(asked.values_list("dedupe_key", flat=True))
    careplans.close_automatic(dedupe_keys=keys, outcome=_("It was renewed."), by=by, now=now)
