"""What a change of standing means for referrals and authorizations. Receives `moved`, calls a service, nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from coordinator.workflow import Actor, moved
from patients.models import Patient
from patients.workflow import LEAVING
from referrals.models import PriorAuthorization, Referral
from referrals.services.denials import ask_about_denial, denial_decided
from referrals.services.overdue import settled
from referrals.services.reports import report_settled
from referrals.services.standing import ask_to_end, ended, no_need_to_end
from referrals.workflow import AUTHORIZATION_TO_END, REFERRAL_TO_END, AuthorizationStatus


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
    if step == "deny":
        ask_about_denial(record=record, by=by, now=now)
    elif record.status != AuthorizationStatus.DENIED:
        denial_decided(record=record, by=by, now=now)
