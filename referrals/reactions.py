"""What a change of standing, a step or a payer's clock means for referrals and authorizations. Receives `moved`, calls a service, nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from coordinator.clocks.models import Clock
from coordinator.workflow import Actor, moved
from patients.models import Patient
from patients.workflow import LEAVING
from referrals.models import PriorAuthorization, Referral
from referrals.rules import authorizations as rules
from referrals.services import authorization_tasks as tasks
from referrals.services.deliveries import referral_went_on as settle_deliveries
from referrals.services.denial_records import settle_denials
from referrals.services.denials import ask_about_denial, denial_decided
from referrals.services.following import follow_clock
from referrals.services.overdue import settled
from referrals.services.renewals import settle_renewal
from referrals.services.reports import report_settled
from referrals.services.requirements import hold_referral
from referrals.services.standing import ask_to_end, ended, no_need_to_end
from referrals.workflow import (
    AUTHORIZATION_TO_END,
    BEFORE_SENDING,
    REFERRAL_TO_END,
    WITH_PAYER,
    AuthorizationStatus,
    ReferralStatus,
)


@receiver(moved, sender=Clock, dispatch_uid="referrals.clock_moved")
def clock_moved(record: Clock, step: str, by: Actor, now: datetime, **_rest: Any) -> None:
    if step == "change_rule":
        follow_clock(clock=record, by=by, now=now)


@receiver(moved, sender=Patient, dispatch_uid="referrals.patient_moved")
def patient_moved(record: Patient, step: str, change: Any, by: Actor, now: datetime, **_rest: Any) -> None:
    if step in LEAVING:
        ask_to_end(patient=record, change=change, by=by, now=now)
    elif step == "reactivate":
        no_need_to_end(patient=record, by=by, now=now)


@receiver(moved, sender=Referral, dispatch_uid="referrals.referral_ended")
def referral_moved(record: Referral, step: str, by: Actor, now: datetime, **_rest: Any) -> None:
    if step == "create":
        return
    report_settled(record=record, by=by, now=now)
    settled(record=record, by=by, now=now)
    if record.status not in REFERRAL_TO_END:
        ended(record=record, by=by, now=now)


@receiver(moved, sender=PriorAuthorization, dispatch_uid="referrals.authorization_ended")
def authorization_moved(
    record: PriorAuthorization, step: str, by: Actor, now: datetime, **_rest: Any
) -> None:
    if step == "create":
        return
    if record.status not in AUTHORIZATION_TO_END:
        ended(record=record, by=by, now=now)
    if step == "deny" or (step == "approve_in_part" and not record.denials.standing().exists()):
        ask_about_denial(record=record, by=by, now=now)
    elif record.status != AuthorizationStatus.DENIED:
        denial_decided(record=record, by=by, now=now)
    settle_denials(record=record, step=step, by=by, now=now)
    settle_renewal(record=record, by=by, now=now)


# --- a request on its way to a decision

RELEASING = ("approve", "modify", "find_not_required")


@receiver(moved, sender=PriorAuthorization, dispatch_uid="referrals.request_moved")
def request_moved(record: PriorAuthorization, step: str, by: Actor, now: datetime, **_rest: Any) -> None:
    if step in ("create", "add_line"):
        return
    tasks.follow_question(record=record, step=step, by=by, now=now)
    tasks.follow_end(record=record, by=by, now=now)
    if record.status not in WITH_PAYER:
        tasks.settle_overdue(record=record, outcome=record.get_status_display(), by=by, now=now)
    if record.status in rules.ENDED:
        tasks.settle_all(record=record, by=by, now=now)
    if step == "find_required":
        hold_referral(record=record, by=by, now=now)
    elif step in RELEASING:
        tasks.release_referral(record=record, by=by, now=now)


@receiver(moved, sender=Referral, dispatch_uid="referrals.referral_went_on")
def referral_went_on(record: Referral, step: str, by: Actor, now: datetime, **_rest: Any) -> None:
    if step != "create":
        tasks.referral_moved_on(referral=record, by=by, now=now)


@receiver(moved, sender=Clock, dispatch_uid="referrals.payer_clock_moved")
def payer_clock_moved(record: Clock, step: str, by: Actor, now: datetime, **_rest: Any) -> None:
    if step == "miss" and tasks.has_payer_clock(record):
        tasks.payer_is_overdue(clock=record, by=by, now=now)


@receiver(moved, sender=Referral, dispatch_uid="referrals.deliveries_of_referral")
def deliveries_of_referral(record: Referral, by: Actor, now: datetime, **_rest: Any) -> None:
    if record.status not in (*BEFORE_SENDING, ReferralStatus.SENT):
        settle_deliveries(referral=record, by=by, now=now)
