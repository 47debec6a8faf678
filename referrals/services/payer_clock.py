"""The payer's time to decide: our answer to its question, an extension with its notice, a downgrade."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.clocks.services import extend_clock, void_clock
from coordinator.wording import as_kept, day
from coordinator.workflow import Actor, NotAllowed, record_edit
from referrals.models import PriorAuthorization
from referrals.permissions import check_can_manage_referral
from referrals.rules import authorizations as rules
from referrals.services.authorization_tasks import asks_key, close, settle_overdue
from referrals.services.authorizations import lock_authorization, set_next, start_payer_clock
from referrals.workflow import WITH_PAYER
from referrals.workflow import AuthorizationStatus as S


@transaction.atomic
def record_answer(
    *, authorization_id: UUID, channel: str, proof: str, by: Actor, now: datetime, note: str = ""
) -> PriorAuthorization:
    """We answered the payer's question: the request stays pended until the payer moves, on the clock that never
    stopped. The table has no way back to submitted."""
    record = _with_payer(authorization_id, by)
    if record.status != S.PENDED or record.answered_at is not None:
        raise NotAllowed(_("The payer waits for no answer."))
    if not proof.strip():
        raise ValidationError({"proof": _("Enter what proves that the answer arrived.")})
    record.answered_at = now
    record.version += 1
    record.save()
    record_edit(record, "answer_payer", by=by, now=now, reason=note, channel=channel, proof=proof)
    following = rules.next_step(record)
    record.next_step = as_kept(following.text)
    record.save(update_fields=["next_step", "updated_at"])
    close([asks_key(record)], _("Answered"), by=by, now=now)
    return record


@transaction.atomic
def extend_decision(
    *, authorization_id: UUID, days: int, notice_on: date, reason: str, by: Actor, now: datetime
) -> PriorAuthorization:
    """The payer gave notice that it takes more time, in calendar days; the rule's limit holds (42 CFR 422.568(b),
    438.210(d): up to 14). Raises NotAllowed where the rule knows no extension or less of it."""
    record = _with_payer(authorization_id, by)
    if record.clock is None or record.clock.kind != rules.PAYER_DECISION:
        raise NotAllowed(_("No rule sets this payer's date, so there is nothing to extend."))
    if notice_on > timezone.localdate(now, record.site.tzinfo):
        raise ValidationError({"notice_on": _("This day is still to come.")})
    if not reason.strip():
        raise ValidationError({"reason": _("Say why, as the notice does.")})
    notice = _("Notice of %(day)s: %(why)s") % {"day": day(notice_on), "why": reason}
    clock = extend_clock(clock_id=record.clock.pk, days=days, reason=notice, by=by, now=now)
    record.clock, record.due_at = clock, clock.due_at
    record.version += 1
    record.save()
    record_edit(record, "extend", by=by, now=now, reason=notice, days=days, notice_on=notice_on)
    settle_overdue(record=record, outcome=_("The payer extended its time."), by=by, now=now)
    return record


@transaction.atomic
def downgrade_to_standard(
    *, authorization_id: UUID, reason: str, by: Actor, now: datetime
) -> PriorAuthorization:
    """The payer treats an expedited request as standard: the standard length counts again from the first receipt."""
    record = _with_payer(authorization_id, by)
    if record.urgency != "expedited":
        raise NotAllowed(_("This request is standard already."))
    if not reason.strip():
        raise ValidationError({"reason": _("Say what the payer says.")})
    record.urgency, record.downgraded_at = "standard", now
    record.version += 1
    record.save()
    record_edit(record, "downgrade", by=by, now=now, reason=reason)
    if record.clock is not None and record.clock.kind == rules.PAYER_DECISION:
        void_clock(clock_id=record.clock.pk, reason=_("Downgraded to standard"), by=by, now=now)
        record.clock = start_payer_clock(record, by=by, now=now)
        if record.clock is None:
            set_next(record, by=by, now=now, step="downgrade")
        else:
            record.due_at = record.clock.due_at
            record.save(update_fields=["clock", "due_at", "updated_at"])
    settle_overdue(record=record, outcome=_("Downgraded to standard"), by=by, now=now)
    return record


def _with_payer(authorization_id: UUID, by: Actor) -> PriorAuthorization:
    record = lock_authorization(authorization_id)
    check_can_manage_referral(by, record)
    if record.status not in WITH_PAYER:
        raise NotAllowed(_("This request is not with the payer."))
    return record
