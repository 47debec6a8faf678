"""Dates of referrals that were missed: each opens a task that says what to do, once, and closes it when it is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.checklists import checklist_for
from careplans.models import Task, TaskKind
from careplans.services.opening import first_status
from coordinator.accounts.models import Site, Team, User
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor, person
from patients.workflow import PatientStatus
from referrals.models import Referral
from referrals.rules import referrals as rules

BATCH = 500
Words = Callable[[Referral], dict[str, str]]  # title, reason, next step and key of the task about one
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
        status__in=rules.CHASED,
        patient__status=PatientStatus.ACTIVE,
    )
    return found.filter(~_had(KEY, "pk", "clock_id")).order_by("due_at", "pk")


def not_seen_by(site: Site, now: datetime) -> QuerySet[Referral]:
    """Referrals whose patient was to be seen by a day that is over, and was not."""
    today = now.astimezone(site.tzinfo).date()
    found = Referral.objects.filter(
        Q(requested_by_on__lt=today),
        site=site,
        status__in=rules.NOT_YET_SEEN,
        patient__status=PatientStatus.ACTIVE,
    )
    return found.filter(~_had(SEEN_BY_KEY, "pk", "requested_by_on")).order_by("requested_by_on", "pk")


def chase_overdue(*, site: Site, by: Actor, now: datetime) -> int:
    """Open the tasks for missed dates; returns how many. Running it again opens none twice."""
    return sum(
        _open_all(found, about, site, by, now)
        for found, about in ((missed(site, now), _chase), (not_seen_by(site, now), _escalate))
    )


def _open_all(found: QuerySet[Referral], about: Words, site: Site, by: Actor, now: datetime) -> int:
    done = 0
    while opened := _open_batch(found, about, site, by, now):
        done += opened
    return done


@transaction.atomic
@in_clinic_language
def _open_batch(found: QuerySet[Referral], about: Words, site: Site, by: Actor, now: datetime) -> int:
    """The tasks of the first ones, in a fixed number of statements; those that somebody works on now wait for the next
    night. Who is found has no such task: so it ends, and what a killed run left is found again."""
    people = User.objects.assignable().filter(sites=site).in_bulk()
    due = next_open_day(now.astimezone(site.tzinfo).date(), as_calendar(calendar_for(site)))
    rows = found.select_related("patient__coordinator", "site", "team")
    teams: dict[UUID, Team] = {}
    tasks = []
    for referral in rows.select_for_update(of=("self",), skip_locked=True)[:BATCH]:
        owner = people.get(referral.owner_id) if referral.owner_id else None
        team = None if owner else referral.team
        if owner is None and team is None:
            owner, team = careplans.default_owner(referral.patient, site, teams)
        tasks.append(
            Task(
                created_by=person(by),
                patient=referral.patient,
                site=referral.site,
                kind=TaskKind.REFERRAL_FOLLOW_UP,
                status=first_status(owner, by),
                owner=owner,
                team=team,
                due_at=end_of_day(due, site.zone),
                opened_at=now,
                checklist=checklist_for(TaskKind.REFERRAL_FOLLOW_UP),
                attempts_planned=3,
                cause_type=referral._meta.label_lower,
                cause_id=referral.pk,
                **about(referral),
            )
        )
    return len(careplans.open_all(tasks, by=by, now=now))


def _chase(referral: Referral) -> dict[str, str]:
    chase = rules.CHASES[rules.next_step(referral).rule]
    assert referral.due_at is not None
    reason = _("It was due %(day)s.") % {"day": day(referral.due_at.astimezone(referral.site.tzinfo).date())}
    return _words(referral, chase, reason, f"{KEY}{referral.pk}:{referral.clock_id}")


def _escalate(referral: Referral) -> dict[str, str]:
    assert referral.requested_by_on is not None
    reason = _("The requester asked for a visit by %(day)s.") % {"day": day(referral.requested_by_on)}
    return _words(referral, rules.SEEN_BY, reason, f"{SEEN_BY_KEY}{referral.pk}:{referral.requested_by_on}")


def _words(referral: Referral, chase: rules.Chase, reason: str, key: str) -> dict[str, str]:
    return {
        "title": (str(chase.title) % {"what": referral.specialty})[:200],
        "reason": reason[:500],
        "next_step": str(chase.next_step),
        "dedupe_key": key,
    }


def settled(*, record: Referral, by: Actor, now: datetime) -> None:
    """The referral went on: what its missed date had opened is done; so is the day asked for, once it is seen or over."""
    about = Q(dedupe_key__startswith=KEY)
    if record.status not in rules.NOT_YET_SEEN:
        about |= Q(dedupe_key__startswith=SEEN_BY_KEY)
    keys = list(Task.objects.open().filter(about, cause_id=record.pk).values_list("dedupe_key", flat=True))
    careplans.close_automatic(dedupe_keys=keys, outcome=record.get_status_display(), by=by, now=now)
