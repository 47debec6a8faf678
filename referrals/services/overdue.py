"""Dates of referrals that were missed: each opens a task that says what to do, once, and closes it when it is done."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Task, TaskKind
from coordinator.accounts.models import Site, User
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.db import lock
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor
from patients.workflow import PatientStatus
from referrals.models import Referral
from referrals.rules import referrals as rules
from referrals.workflow import ReferralStatus as S

KEY, SEEN_BY_KEY = "referral_overdue:", "referral_seen_by:"


def _had(key: str, *of: str) -> Any:
    """Whether a task with this key was opened before; `of` names the columns behind the key's word."""
    parts: list[Any] = [Value(key)]
    for number, column in enumerate(of):
        parts += [Value(":")] if number else []
        parts.append(Coalesce(Cast(OuterRef(column), CharField()), Value("")))
    return Exists(Task.objects.filter(cause_id=OuterRef("pk"), dedupe_key=Concat(*parts)))


def missed(site: Site, now: datetime) -> QuerySet[Referral]:
    """Open loops past their date that nobody was told of; late reports are asked for by services.reports."""
    found = Referral.objects.filter(
        site=site,
        loop_closed_at=None,
        clock__isnull=False,
        due_at__lt=now,
        patient__status=PatientStatus.ACTIVE,
    )
    return found.exclude(status__in=(S.SEEN, S.ENTERED_IN_ERROR)).filter(~_had(KEY, "pk", "clock_id"))


def not_seen_by(site: Site, now: datetime) -> QuerySet[Referral]:
    """Referrals whose patient was to be seen by a day that is over, and was not."""
    today = now.astimezone(site.tzinfo).date()
    found = Referral.objects.filter(
        Q(requested_by_on__lt=today),
        site=site,
        status__in=rules.NOT_YET_SEEN,
        patient__status=PatientStatus.ACTIVE,
    )
    return found.filter(~_had(SEEN_BY_KEY, "pk", "requested_by_on"))


def chase_overdue(*, site: Site, by: Actor, now: datetime) -> int:
    """Open the tasks for missed dates; returns how many. Running it again opens none twice."""
    dates = list(missed(site, now).order_by("due_at", "pk").values_list("pk", flat=True))
    days = list(not_seen_by(site, now).order_by("requested_by_on", "pk").values_list("pk", flat=True))
    done = sum(_chase(pk, site, by, now) for pk in dates)
    return done + sum(_escalate(pk, site, by, now) for pk in days)


@transaction.atomic
@in_clinic_language
def _chase(referral_id: UUID, site: Site, by: Actor, now: datetime) -> bool:
    referral = _locked(referral_id)
    chase = rules.CHASES.get(rules.next_step(referral).rule)
    if chase is None or not missed(site, now).filter(pk=referral_id).exists():
        return False
    due = referral.due_at
    reason = _("It was due %(day)s.") % {"day": day(due.astimezone(site.tzinfo).date())} if due else ""
    _open(referral, site, chase, reason, f"{KEY}{referral.pk}:{referral.clock_id}", by, now)
    return True


@transaction.atomic
@in_clinic_language
def _escalate(referral_id: UUID, site: Site, by: Actor, now: datetime) -> bool:
    referral = _locked(referral_id)
    if not not_seen_by(site, now).filter(pk=referral_id).exists() or referral.requested_by_on is None:
        return False
    reason = _("The requester asked for a visit by %(day)s.") % {"day": day(referral.requested_by_on)}
    key = f"{SEEN_BY_KEY}{referral.pk}:{referral.requested_by_on}"
    _open(referral, site, rules.SEEN_BY, reason, key, by, now)
    return True


def _locked(referral_id: UUID) -> Referral:
    return lock(Referral.objects.select_related("patient__coordinator", "site", "owner", "team"), referral_id)


def _open(
    referral: Referral, site: Site, chase: rules.Chase, reason: str, key: str, by: Actor, now: datetime
) -> None:
    people = User.objects.assignable().filter(sites=site)
    owner = people.filter(pk=referral.owner_id).first() if referral.owner_id else None
    due = next_open_day(now.astimezone(site.tzinfo).date(), as_calendar(calendar_for(site)))
    careplans.open_task(
        patient=referral.patient,
        site=site,
        kind=TaskKind.REFERRAL_FOLLOW_UP,
        title=(str(chase.title) % {"what": referral.specialty})[:200],
        reason=reason[:500],
        next_step=str(chase.next_step),
        owner=owner,
        team=None if owner else referral.team,
        due_at=end_of_day(due, site.zone),
        dedupe_key=key,
        cause=referral,
        by=by,
        now=now,
    )


def settled(*, record: Referral, by: Actor, now: datetime) -> None:
    """The referral went on: what its missed date had opened is done; so is the day asked for, once it is seen or over."""
    about = Q(dedupe_key__startswith=KEY)
    if record.status not in rules.NOT_YET_SEEN:
        about |= Q(dedupe_key__startswith=SEEN_BY_KEY)
    keys = list(Task.objects.open().filter(about, cause_id=record.pk).values_list("dedupe_key", flat=True))
    careplans.close_automatic(dedupe_keys=keys, outcome=record.get_status_display(), by=by, now=now)
