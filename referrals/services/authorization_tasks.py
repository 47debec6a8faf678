"""Work that a request makes: a question of the payer, a deadline it let pass, an approval without an end, a referral
that still cannot go. Each opens once by its key and closes by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Task, TaskKind
from coordinator.accounts.models import User
from coordinator.clocks.models import Clock
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor, NotAllowed, System
from referrals.models import PriorAuthorization, Referral
from referrals.permissions import can_manage_referral
from referrals.rules import authorizations as rules
from referrals.selectors.authorizations import SILENCE_CAN_BE_APPEALED
from referrals.workflow import IN_FORCE, UNDECIDED, WITH_PAYER, ReferralStatus
from referrals.workflow import AuthorizationStatus as S


def asks_key(record: PriorAuthorization) -> str:
    return f"payer_asks:{record.pk}"


def end_key(record: PriorAuthorization) -> str:
    return f"approval_without_end:{record.pk}"


def overdue_key(clock: Clock) -> str:
    """One task for each deadline: an extension that is let pass, too, is another."""
    return f"payer_overdue:{clock.subject_id}:{clock.due_at:%Y-%m-%dT%H:%M}"


def call_back_key(call: Any) -> str:
    return f"payer_call_back:{call.pk}"


def complete_key(referral: Referral) -> str:
    return f"referral_to_complete:{referral.pk}"


def open_for(record: Any, *, by: Actor, now: datetime, due_at: datetime | None = None, **words: Any) -> Task:
    """A task about a request or referral for its owner, else its team; due at the end of the next business day."""
    owner = User.objects.still_assignable(record.owner, record.site)
    if due_at is None:
        today = now.astimezone(record.site.tzinfo).date()
        due_at = end_of_day(next_open_day(today, as_calendar(calendar_for(record.site))), record.site.zone)
    words["title"] = words["title"][:200]
    words["reason"] = words["reason"][:500]
    return careplans.open_task(
        patient=record.patient,
        site=record.site,
        owner=owner,
        team=None if owner else record.team,
        due_at=due_at,
        cause=record,
        by=by,
        now=now,
        **{"kind": TaskKind.AUTHORIZATION, **words},
    )


def close(keys: list[str], outcome: Any, *, by: Actor, now: datetime) -> None:
    careplans.close_automatic(dedupe_keys=keys, outcome=outcome, by=by, now=now)


@transaction.atomic
@in_clinic_language
def follow_question(*, record: PriorAuthorization, step: str, by: Actor, now: datetime) -> None:
    """The payer asks: a task until our answer's date. Anything else that moves the request settles it."""
    close([asks_key(record)], record.get_status_display(), by=by, now=now)
    if step == "pend" and record.answered_at is None:
        open_for(
            record,
            title=_("Answer the payer: %(what)s") % {"what": record.service},
            reason=_("%(payer)s asks: %(question)s") % {"payer": record.payer, "question": record.asked_for},
            next_step=_("Send it and record the answer. The payer's own clock runs on."),
            dedupe_key=asks_key(record),
            due_at=record.answer_due_at,
            due_has_time=True,
            by=by,
            now=now,
        )
    elif step == "ask_to_contact":
        open_for(
            record,
            title=_("Call the payer: %(what)s") % {"what": record.service},
            reason=_("%(payer)s wants to be called about the request.") % {"payer": record.payer},
            next_step=_("Call, log the call, and record what came of it."),
            dedupe_key=asks_key(record),
            by=by,
            now=now,
        )


@transaction.atomic
@in_clinic_language
def follow_end(*, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """An approval without an end date is an error to be chased, not an endless approval."""
    if record.status in IN_FORCE and record.ends_on is None and not record.has_no_end:
        open_for(
            record,
            kind=TaskKind.DATA_QUALITY,
            title=_("Get the end date of the approval: %(what)s") % {"what": record.service},
            reason=_("The approval was recorded without an end date."),
            next_step=_("Ask the payer, then enter the date or that there is none."),
            dedupe_key=end_key(record),
            by=by,
            now=now,
        )
    else:
        close([end_key(record)], record.get_status_display(), by=by, now=now)


@transaction.atomic
@in_clinic_language
def payer_is_overdue(*, clock: Clock, by: Actor, now: datetime) -> None:
    """The payer let its deadline pass: a task to escalate, once for each deadline."""
    people = ("patient__coordinator", "site__calendar", "owner", "team", "payer")
    record = PriorAuthorization.objects.select_related(*people).filter(pk=clock.subject_id).first()
    key = overdue_key(clock)
    if record is None or record.status not in WITH_PAYER or record.clock_id != clock.pk:
        return
    if Task.objects.filter(dedupe_key=key).exists():
        return
    appeal = record.payer.payer_type in SILENCE_CAN_BE_APPEALED
    due = clock.due_at.astimezone(record.site.tzinfo).date()
    open_for(
        record,
        title=_("The payer is overdue: %(what)s") % {"what": record.service},
        reason=_("%(payer)s had to decide by %(day)s and did not.")
        % {"payer": record.payer, "day": day(due)},
        next_step=_("Call and escalate. The silence may count as a denial that can be appealed.")
        if appeal
        else _("Call and escalate, and keep the call's reference."),
        priority="urgent",
        dedupe_key=key,
        by=by,
        now=now,
    )


def settle_overdue(*, record: PriorAuthorization, outcome: Any, by: Actor, now: datetime) -> None:
    """The payer has decided, or has more time: nobody has to escalate."""
    prefix = f"payer_overdue:{record.pk}:"
    keys = Task.objects.open().filter(cause_id=record.pk, dedupe_key__startswith=prefix)
    close(list(keys.values_list("dedupe_key", flat=True)), outcome, by=by, now=now)


def settle_all(*, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """The request is over: its call-backs and questions are, too."""
    keys = Task.objects.open().filter(cause_id=record.pk, dedupe_key__startswith="payer_call_back:")
    outcome = record.get_status_display()
    close(list(keys.values_list("dedupe_key", flat=True)), outcome, by=by, now=now)


def awaits_decision(referral: Referral) -> bool:
    """A request for this referral is undecided, or none was approved or found not to be needed (one query)."""
    found = set(referral.authorizations.values_list("status", flat=True))
    return bool(found & set(UNDECIDED)) or not found & {S.NOT_REQUIRED, *IN_FORCE}


@transaction.atomic
@in_clinic_language
def release_referral(*, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """It is approved or not needed: the referral that waited for it is ready by itself, unless another request is
    still open, or the referral itself is not complete. Then somebody is asked to complete it."""
    from referrals.services.referrals import advance_referral

    referral = record.referral
    if referral is None or referral.status != ReferralStatus.AWAITING_AUTHORIZATION:
        return
    if referral.authorizations.filter(status__in=UNDECIDED).exclude(pk=record.pk).exists():
        return
    actor = by if isinstance(by, System) or can_manage_referral(by, referral) else System("authorization")
    try:
        with transaction.atomic():
            if not referral.has_recipient:
                raise NotAllowed(_("It has no recipient yet."))
            advance_referral(referral_id=referral.pk, step="make_ready", by=actor, now=now)
    except NotAllowed as why:
        open_for(
            referral,
            kind=TaskKind.REFERRAL_FOLLOW_UP,
            title=_("Complete the referral: %(what)s") % {"what": referral.specialty},
            reason=_("The authorization is there. %(why)s") % {"why": why},
            next_step=_("Complete it, then make it ready to send."),
            dedupe_key=complete_key(referral),
            by=by,
            now=now,
        )


def referral_moved_on(*, referral: Referral, by: Actor, now: datetime) -> None:
    if referral.status != ReferralStatus.AWAITING_AUTHORIZATION:
        close([complete_key(referral)], referral.get_status_display(), by=by, now=now)


def has_payer_clock(clock: Clock) -> bool:
    return clock.kind == rules.PAYER_DECISION and clock.subject_type == PriorAuthorization._meta.label_lower
