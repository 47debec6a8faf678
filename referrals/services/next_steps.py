"""The next step of a referral, whose move it is, and the date with its rule: written with every change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from coordinator.clocks.services import meet_clock, start_clock, void_clock
from coordinator.clocks.workflow import OPEN as RUNNING
from coordinator.wording import as_kept
from coordinator.workflow import Actor
from referrals.models import Referral
from referrals.rules import referrals as rules
from referrals.services.reviews import follow_review
from referrals.workflow import ReferralStatus

REPORT_AGAIN = "referral.report_again"


def set_next(referral: Referral, *, by: Actor, now: datetime, step: str, reason: str = "") -> None:
    """The next step, whose move it is, and the date with its rule: written with every change."""
    following = rules.next_step(referral)
    if referral.clock is not None and referral.clock.state in RUNNING:
        if step in rules.MEETING_STEPS:
            meet_clock(clock_id=referral.clock.pk, by=by, now=now)
        else:
            void_clock(clock_id=referral.clock.pk, reason=reason or step, by=by, now=now)
    clock = _start(referral, following, by=by, now=now) if following.rule else None
    closed = following is rules.CLOSED
    referral.next_step = as_kept(following.text)
    referral.clock = clock
    referral.due_at = clock.due_at if clock else None
    referral.stage_since = now
    referral.loop_closed_at = now if closed and referral.status != ReferralStatus.ENTERED_IN_ERROR else None
    referral.save(
        update_fields=["next_step", "clock", "due_at", "stage_since", "loop_closed_at", "updated_at"]
    )
    follow_review(referral, step=step, by=by, now=now)


def _start(referral: Referral, following: rules.NextStep, *, by: Actor, now: datetime, kind: str = "") -> Any:
    on = getattr(referral, following.on) if following.on else referral.requested_by_on
    return start_clock(
        subject=referral,
        kind=kind or following.rule.format(urgency=referral.urgency),
        anchor_at=now,
        zone=referral.site.zone,
        calendar=referral.site.calendar,
        by=by,
        now=now,
        site_id=referral.site_id,
        on=timezone.localtime(on, referral.site.tzinfo).date() if isinstance(on, datetime) else on,
        owner_id=referral.owner_id,
    )


def again(referral: Referral, *, by: Actor, now: datetime) -> None:
    """The report was asked for: it is due again after the rule's days, counted from now."""
    if referral.clock is not None and referral.clock.state in RUNNING:
        void_clock(clock_id=referral.clock.pk, reason=REPORT_AGAIN, by=by, now=now)
    referral.clock = _start(referral, rules.next_step(referral), by=by, now=now, kind=REPORT_AGAIN)
    referral.due_at = referral.clock.due_at if referral.clock else referral.due_at
    referral.save(update_fields=["clock", "due_at", "updated_at"])
