"""Referrals, authorizations and money records of somebody who died or left: others have to be told, and what is
reserved goes back, so a task asks somebody to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from careplans import services as careplans
from careplans.models import TaskKind
from coordinator.accounts.models import User
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor
from patients.leaving import BACK, BECAUSE, MARK, keep_trail
from patients.models import Patient
from referrals.models import PriorAuthorization, Referral
from referrals.rules.money import ENDINGS
from referrals.selectors.money import money_to_end
from referrals.selectors.referrals import authorizations_to_end, referrals_to_end


def ending_key(record: Any) -> str:
    """Of the task that asks somebody to end this referral or authorization."""
    return f"end_for_leaver:{record._meta.model_name}:{record.pk}"


@transaction.atomic
@in_clinic_language
def ask_to_end(*, patient: Patient, change: Any, by: Actor, now: datetime) -> None:
    """One task for each referral and authorization that others still act on, and for each open bill, application and
    estimate: what it asked of somebody for the patient's sake was closed with the change of standing."""
    referrals, authorizations = list(referrals_to_end(patient)), list(authorizations_to_end(patient))
    for referral in referrals:
        words = {"what": referral.specialty}
        _open(
            referral,
            TaskKind.REFERRAL_FOLLOW_UP,
            _("End the referral: %(what)s") % words,
            _("Tell the recipient and ask to cancel; withdraw what was not sent yet."),
            change,
            by,
            now,
        )
    for authorization in authorizations:
        words = {"what": authorization.service}
        _open(
            authorization,
            TaskKind.AUTHORIZATION,
            _("End the prior authorization: %(what)s") % words,
            _("Tell the payer, then withdraw or cancel the request."),
            change,
            by,
            now,
        )
    money = money_to_end(patient)
    for record in money:
        title, next_step = ENDINGS[record.kind, record.status]
        _open(record, TaskKind.PAPERWORK, title % {"what": record}, next_step, change, by, now)
    n = len(referrals) + len(authorizations) + len(money)
    text = ngettext(
        "%(n)d task opened to end what others act on.",
        "%(n)d tasks opened to end what others act on.",
        n,
    )
    said = [text % {"n": n}] if n else []
    keep_trail(patient, "settle", said, by=by, now=now, endings=n, **{MARK: str(change.pk)})


def _open(
    record: Any,
    kind: str,
    title: str,
    next_step: Any,
    change: Any,
    by: Actor,
    now: datetime,
) -> None:
    calendar = as_calendar(calendar_for(record.site))
    today = now.astimezone(record.site.tzinfo).date()
    fits = User.objects.still_assignable(record.owner, record.site)
    careplans.open_task(
        patient=record.patient,
        site=record.site,
        kind=kind,
        title=title[:200],
        reason=str(BECAUSE[change.step]),
        next_step=str(next_step),
        owner=fits,
        team=None if fits else record.team,
        due_at=end_of_day(next_open_day(today, calendar), record.site.zone),
        dedupe_key=ending_key(record),
        cause=record,
        by=by,
        now=now,
    )


@transaction.atomic
def no_need_to_end(*, patient: Patient, by: Actor, now: datetime) -> None:
    """The patient is active again: nobody has to end what was left open."""
    records = [
        *Referral.objects.filter(patient=patient),
        *PriorAuthorization.objects.filter(patient=patient),
        *money_to_end(patient),
    ]
    careplans.close_automatic(dedupe_keys=[ending_key(r) for r in records], outcome=BACK, by=by, now=now)


@transaction.atomic
def ended(*, record: Any, by: Actor, now: datetime) -> None:
    """It has ended: the task that asked for that is settled."""
    outcome = record.get_status_display()
    careplans.close_automatic(dedupe_keys=[ending_key(record)], outcome=outcome, by=by, now=now)
