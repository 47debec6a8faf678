"""A denial is work of its own: somebody decides about peer-to-peer, appeal or closing."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import TaskKind
from coordinator.accounts.models import User
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor
from referrals.models import PriorAuthorization
from referrals.workflow import AuthorizationStatus


def denial_key(record: PriorAuthorization) -> str:
    return f"denial:{record.pk}"


@transaction.atomic
@in_clinic_language
def ask_about_denial(*, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """A task for the owner of the request, due by the end of the next business day of the place."""
    today = now.astimezone(record.site.tzinfo).date()
    due = next_open_day(today, as_calendar(calendar_for(record.site)))
    owner = User.objects.still_assignable(record.owner, record.site)
    reason = _("The payer denied it: %(why)s") % {"why": record.denial_reason} if record.denial_reason else ""
    steps = _("Peer-to-peer, appeal, or close it and tell the patient.")
    if record.status == AuthorizationStatus.PARTIALLY_APPROVED and not record.denials.standing().exists():
        reason = reason or _("The payer granted only a part.")
        steps = _(
            "Record the denial of what was refused, so that its days count; then talk, appeal or close it."
        )
    careplans.open_task(
        patient=record.patient,
        site=record.site,
        kind=TaskKind.AUTHORIZATION,
        title=(_("Decide about the denial: %(what)s") % {"what": record.service})[:200],
        reason=(reason or _("The payer denied it."))[:500],
        next_step=steps,
        owner=owner,
        team=None if owner else record.team,
        due_at=end_of_day(due, record.site.zone),
        dedupe_key=denial_key(record),
        cause=record,
        by=by,
        now=now,
    )


def denial_decided(*, record: PriorAuthorization, by: Actor, now: datetime) -> None:
    """Somebody decided: the task is settled."""
    outcome = record.get_status_display()
    careplans.close_automatic(dedupe_keys=[denial_key(record)], outcome=outcome, by=by, now=now)
