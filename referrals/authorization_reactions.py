"""What follows when a request, its referral or the payer's clock moves. Receives `moved`, calls services, nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from coordinator.clocks.models import Clock
from coordinator.workflow import Actor, moved
from referrals import authorization_rules as rules
from referrals.models import PriorAuthorization, Referral
from referrals.services import authorization_tasks as tasks
from referrals.services.requirements import hold_referral
from referrals.workflow import WITH_PAYER

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
