"""The log of calls to the payer, and the call-back that a promise asks for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.clocks.rules import end_of_day
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, NotAllowed, person, record_edit
from patients.services.entries import clean, require_reason
from referrals.models import PayerCall, PriorAuthorization
from referrals.permissions import check_can_manage_referral
from referrals.services.authorization_tasks import call_back_key, close, open_for
from referrals.services.authorizations import lock_authorization


@transaction.atomic
def record_call(
    *,
    authorization_id: UUID,
    said: str,
    by: Actor,
    now: datetime,
    called_at: datetime | None = None,
    promised_by: date | None = None,
    **facts: Any,
) -> PayerCall:
    """One call: representative, call_reference, hold_minutes, talk_minutes, what was said, promised. A promise with a day makes a
    task to call back that day. Raises ValidationError by field."""
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    values = clean(PayerCall, {"said": said, "promised_by": promised_by, **facts})
    if not values["said"]:
        raise ValidationError({"said": _("Say in a few words what was said.")})
    if promised_by and not values.get("promised"):
        raise ValidationError({"promised": _("Say what they promised for that day.")})
    call = PayerCall.objects.create(
        authorization=record, called_at=called_at or now, created_by=person(by), **values
    )
    record_edit(record, "log_call", by=by, now=now, call=str(call.pk))
    if promised_by:
        _call_back(record, call, promised_by, by=by, now=now)
    return call


@in_clinic_language
def _call_back(record: PriorAuthorization, call: PayerCall, on: date, *, by: Actor, now: datetime) -> None:
    who = _(" (reference %(reference)s)") % {"reference": call.call_reference} if call.call_reference else ""
    open_for(
        record,
        title=_("Call the payer back: %(what)s") % {"what": record.service},
        reason=_("%(payer)s promised: %(what)s%(reference)s")
        % {"payer": record.payer, "what": call.promised, "reference": who},
        next_step=_("Ask what came of it and log the call."),
        due_at=end_of_day(on, record.site.zone),
        dedupe_key=call_back_key(call),
        by=by,
        now=now,
    )


@transaction.atomic
def enter_call_in_error(*, call_id: UUID, reason: str, by: Actor, now: datetime) -> PayerCall:
    """It was another request's call. Its row stays, struck out; its call-back goes."""
    call = PayerCall.objects.get(pk=call_id)
    record = lock_authorization(call.authorization_id)
    check_can_manage_referral(by, record)
    if call.is_error:
        raise NotAllowed(_("This call is entered in error already."))
    call.error_reason = require_reason(reason)[:500]
    call.version += 1
    call.save()
    record_edit(record, "call_in_error", by=by, now=now, reason=reason, call=str(call.pk))
    close([call_back_key(call)], _("The call was entered in error."), by=by, now=now)
    return call
