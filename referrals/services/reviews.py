"""A report that waits for its requester is a to-do of theirs from the first minute, not only once it is late."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Priority, TaskKind
from coordinator.accounts.models import User
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, System
from referrals.models import Referral
from referrals.permissions import can_review
from referrals.workflow import ReferralStatus

KEY = "report_review:"
COMES_IN = ("complete", "record_help")
GOES_AWAY = ("review", "reopen", "reopen_for_visit", "enter_in_error")


def follow_review(referral: Referral, *, step: str, by: Actor, now: datetime) -> None:
    """Open the requester's to-do when the report comes in, close it when it is reviewed or the referral goes on.

    A requester without a sign-in here gets none: then the coordinators see on the referral whose move it is. Reports
    that came with an import ask nobody.
    """
    if step in COMES_IN and referral.status == ReferralStatus.COMPLETED and referral.reviewed_at is None:
        _ask(referral, now)
    elif step in GOES_AWAY:
        words = _("Reviewed") if step == "review" else referral.get_status_display()
        careplans.close_automatic(dedupe_keys=[f"{KEY}{referral.pk}"], outcome=words, by=by, now=now)


def account_of_requester(referral: Referral) -> User | None:
    """The requester's own sign-in at the place of the referral, if they have one and may see and review it."""
    if referral.requester_id is None:
        return None
    people = User.objects.filter(is_active=True, practitioner=referral.requester_id, sites=referral.site_id)
    here = Referral.objects.filter(pk=referral.pk)
    found = (user for user in people if can_review(user, referral) and here.visible_to(user).exists())
    return next(found, None)


@in_clinic_language
def _ask(referral: Referral, now: datetime) -> None:
    account = account_of_requester(referral)
    if account is None:
        return
    words = {"what": referral.specialty}
    title = _("Review the report: %(what)s")
    if referral.report_is_critical:
        title = _("Review the critical report today: %(what)s")
    careplans.open_task(
        patient=referral.patient,
        site=referral.site,
        kind=TaskKind.RESULTS,
        title=(title % words)[:200],
        reason=_("You asked for this referral, and its report is in."),
        next_step=_("Open the referral, read the report, and record that you reviewed it."),
        owner=account,
        clock=referral.clock,
        priority=Priority.URGENT if referral.report_is_critical else Priority.ROUTINE,
        dedupe_key=f"{KEY}{referral.pk}",
        cause=referral,
        # Nobody hands this out by hand: it is to do at once, not "assigned, not taken yet".
        by=System("report_review"),
        now=now,
    )
