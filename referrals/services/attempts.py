"""The ledger of attempts to reach the recipient or the patient about a referral."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import REACHED, Outcome
from coordinator.audit import services as audit
from coordinator.db import Conflict, lock
from coordinator.workflow import Actor, NotAllowed, add_history, person
from patients.rules import text
from referrals.models import Referral, ReferralAttempt
from referrals.permissions import check_can_end_without_reply, check_can_manage_referral
from referrals.rules import attempts as attempt_rules
from referrals.workflow import OutcomeReason

Whom = ReferralAttempt.Whom
# What an attempt can come to here. More about the patient is logged on a task or on their page.
OUTCOMES = tuple(
    Outcome(name)
    for name in ("no_answer", "left_message", "busy", "reached_done", "wrong_number", "disconnected")
)


def standing_with(referral: Referral, whom: str) -> attempt_rules.Standing:
    """What the ledger says of one side, by the local days of the referral's place. One query."""
    rows = ReferralAttempt.objects.standing().filter(referral=referral, whom=whom)
    tries = [attempt_rules.Try(*row) for row in rows.values_list("at", "channel", "reached")]
    zone = referral.site.zone
    return attempt_rules.standing(tries, zone, needs_letter=whom == Whom.PATIENT)


@transaction.atomic
def log_attempt(
    *,
    referral_id: UUID,
    whom: str,
    channel: str,
    outcome: str,
    by: Actor,
    now: datetime,
    who: str = "",
    note: str = "",
    at: datetime | None = None,
) -> ReferralAttempt:
    """Keep one attempt; one to reach the patient is logged as a contact too, by the same rules of safe contact.

    `at` (UTC) is when it was, by default now. Raises ValidationError by field.
    """
    referral = lock(Referral.objects.select_related("site", "patient__site"), referral_id)
    check_can_manage_referral(by, referral)
    at = at or now
    if at > now:
        raise ValidationError({"at": _("An attempt in the future has not been made.")})
    if channel == attempt_rules.LETTER:
        outcome = Outcome.NO_ANSWER  # until somebody answers it
    if outcome not in OUTCOMES or whom not in Whom.values:
        raise ValidationError({"outcome": _("Choose what came of it.")})
    contact = None
    who, note = one_line("who", who, 120), one_line("note", note, 500)
    if whom == Whom.PATIENT:
        contact = careplans.log_contact(
            patient=referral.patient, channel=channel, outcome=outcome, note=note, by=by, now=now, at=at
        ).attempt
    attempt = ReferralAttempt.objects.create(
        referral=referral,
        whom=whom,
        channel=channel,
        outcome=outcome,
        reached=outcome in REACHED,
        person=who,
        note=note,
        contact=contact,
        at=at,
        created_by=person(by),
    )
    facts = {"whom": whom, "channel": channel, "outcome": outcome, "entry": str(attempt.pk)}
    keep_history(referral, "log_attempt", by=by, now=now, **facts)
    return attempt


def one_line(name: str, value: str, longest: int) -> str:
    try:
        return text.line(value, longest)
    except text.Unfit as error:
        raise ValidationError({name: str(error)}) from None


def keep_history(
    referral: Referral, step: str, *, by: Actor, now: datetime, reason: str = "", **facts: Any
) -> None:
    """The history's row and the trail's event of something that is no step."""
    referral.version += 1
    referral.save(update_fields=["version", "updated_at"])
    add_history(referral, step, by=by, now=now, reason=reason, **facts)
    audit.record_change(referral, step, by=by, reason=reason, details=facts)


def check_unreachable(referral: Referral, reason: str, *, by: Actor, now: datetime) -> None:
    """Ending because nobody could be reached: the ledger has to show it, and a lead approves it."""
    if reason != OutcomeReason.COULD_NOT_CONTACT:
        return
    found = standing_with(referral, Whom.PATIENT)
    if not found.is_enough:
        raise NotAllowed(
            _("Before “Could not contact” this is still missing: %(what)s")
            % {"what": " ".join(map(str, found.missing))}
        )
    check_can_end_without_reply(by, referral)


def check_no_reply(referral: Referral, *, by: Actor) -> None:
    """Cancelling without the recipient's answer: after the minimum of attempts to reach them, by a lead."""
    found = standing_with(referral, Whom.RECIPIENT)
    if not found.is_enough:
        raise NotAllowed(
            _("Before cancelling without the recipient’s answer this is still missing: %(what)s")
            % {"what": " ".join(map(str, found.missing))}
        )
    check_can_end_without_reply(by, referral)


@transaction.atomic
def enter_entry_in_error(*, model: type[Any], entry_id: UUID, reason: str, by: Actor, now: datetime) -> Any:
    """Take back an attempt or a message: it counts no more and stays with its reason. Raises Conflict when done.

    The patient's contact that an attempt made is taken back with it.
    """
    entry = lock(model.objects.select_related("referral__site"), entry_id)
    referral = lock(Referral.objects.select_related("site"), entry.referral_id)
    check_can_manage_referral(by, referral)
    if not reason.strip():
        raise ValidationError({"reason": _("Please give a reason.")})
    if entry.error_reason:
        raise Conflict(_("This was taken back already."))
    entry.error_at, entry.error_reason = now, reason
    entry.version += 1
    entry.save()
    contact = getattr(entry, "contact", None)
    if contact is not None and not contact.error_reason:
        careplans.enter_contact_in_error(attempt_id=contact.pk, reason=reason, by=by, now=now)
    keep_history(referral, "entry_in_error", by=by, now=now, reason=reason, entry=str(entry.pk))
    return entry
