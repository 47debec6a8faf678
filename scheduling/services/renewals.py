"""Every night: approvals whose days or units are over end, and those that soon will be are asked about.

Safe to repeat: an ended approval has another status, and a task is opened once for each last day or last unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q, Subquery, Sum
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from careplans import services as careplans
from careplans.models import Task, TaskKind
from careplans.services.opening import first_status
from coordinator.accounts.models import Site, Team
from coordinator.clocks.rules import end_of_day
from coordinator.db import lock
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor, person
from patients.workflow import PatientStatus
from referrals.models import AuthorizationLine, PriorAuthorization
from referrals.services.authorizations import advance_authorization
from referrals.services.renewals import ENDS, covers_gap
from referrals.workflow import IN_FORCE, OVER
from scheduling.models import Appointment
from scheduling.rules.units import CONSUMING, EXTENSION, REVISION, Balance
from scheduling.selectors.units import units_of
from scheduling.workflow import UPCOMING

BATCH = 500
AHEAD, AHEAD_SLOW = timedelta(days=14), timedelta(days=30)
RAN_OUT = timedelta(days=30)  # so long after its last day an approval is still asked about


@dataclass(frozen=True)
class Ask:
    """One approval to ask about: until when, and why now."""

    record: PriorAuthorization
    key: str
    due_on: date
    why: str


def end_authorizations(*, site: Site, by: Actor, now: datetime) -> int:
    """Expire what is past its last day and exhaust what has no unit left; returns how many ended."""
    today, ended = now.astimezone(site.tzinfo).date(), 0
    in_force = PriorAuthorization.objects.filter(site=site, status__in=IN_FORCE)
    for records in _batches(in_force.filter(Q(ends_on__lt=today) | may_be_used_up())):
        balances = units_of(records, now)
        for record in records:
            step = _over(record, balances.get(record.pk), today)
            if step:
                ended += _end(record.pk, step, today, by, now)
    return ended


def may_be_used_up() -> Q:
    """Approvals with as many units in visits, seen or booked, as one of their lines has, or that share units with
    another: few of all, and all of those that the rules of units can say it of. They have the word."""
    visits = Appointment.objects.filter(
        authorization=OuterRef("pk"), status__in=[str(status) for status in (*CONSUMING, *UPCOMING)]
    )
    lines = AuthorizationLine.objects.filter(
        authorization=OuterRef("pk"), decision__in=["approved", "modified"]
    )
    used = visits.order_by().values("authorization").annotate(n=Sum("units")).values("n")
    least = lines.order_by().values("authorization").annotate(n=Min("units_approved")).values("n")
    sharing = (REVISION, EXTENSION)
    followed = PriorAuthorization.objects.filter(supersedes=OuterRef("pk"), certification__in=sharing)
    return (
        Q(certification__in=sharing)
        | Q(Exists(followed))
        | Q(GreaterThanOrEqual(Subquery(used), Subquery(least)))
    )


def _over(record: PriorAuthorization, left: Balance | None, today: date) -> str:
    if record.ends_on is not None and record.ends_on < today:
        return "expire"
    if left is not None and left.counts and left.approved > 0 and left.remaining <= 0:
        return "exhaust"
    return ""


@transaction.atomic
@in_clinic_language
def _end(pk: UUID, step: str, today: date, by: Actor, now: datetime) -> bool:
    """Looked at again under its lock: somebody may have extended it, or ended it, meanwhile."""
    record = lock(PriorAuthorization.objects.select_related("site", "payer"), pk)
    left = units_of([record], now).get(pk) if step == "exhaust" else None
    if record.status not in IN_FORCE or _over(record, left, today) != step:
        return False
    advance_authorization(authorization_id=pk, step=step, by=by, now=now)
    return True


@transaction.atomic
@in_clinic_language
def ask_for_renewals(*, site: Site, by: Actor, now: datetime) -> int:
    """One task for each approval that ends in 14 days (30 for a payer known to be slow), or whose booked visits use
    its last unit, whichever comes first; returns how many were opened. Those covered by a renewal, extended, or of
    somebody who left close by themselves."""
    wanted = {ask.key: ask for ask in _wanted(site, now)}
    mine = Task.objects.filter(site=site, dedupe_key__startswith=ENDS)
    open_ones = list(mine.open().values_list("dedupe_key", "cause_id"))
    causes = {ask.record.pk for ask in wanted.values()}
    gone = [key for key, cause in open_ones if cause not in causes]
    if gone:
        outcome = lazy("It was renewed, or is no longer needed.")
        careplans.close_automatic(dedupe_keys=gone, outcome=outcome, by=by, now=now)
    known = set(mine.filter(dedupe_key__in=list(wanted)).values_list("dedupe_key", flat=True))
    busy = {cause for key, cause in open_ones if cause in causes and _same_end(key, wanted)}
    stale = [key for key, cause in open_ones if cause in causes and cause not in busy]
    careplans.close_automatic(dedupe_keys=stale, outcome=lazy("Its dates or units changed."), by=by, now=now)
    teams: dict[UUID, Team] = {}
    tasks = [
        _task(ask, site, teams, by, now)
        for key, ask in sorted(wanted.items())
        if key not in known and ask.record.pk not in busy
    ]
    return len(careplans.open_all(tasks, by=by, now=now))


def _same_end(key: str, wanted: dict[str, Ask]) -> bool:
    """Whether an open task still asks about the end it was opened for; one about units stands until they change."""
    return key in wanted or any(key.split(":units:")[0] == other.split(":units:")[0] for other in wanted)


def _wanted(site: Site, now: datetime) -> Iterator[Ask]:
    today = now.astimezone(site.tzinfo).date()
    standing = PriorAuthorization.objects.filter(
        site=site, status__in=(*IN_FORCE, *OVER), patient__status=PatientStatus.ACTIVE
    ).exclude(status__in=OVER, ends_on__lt=today - RAN_OUT)
    standing = standing.filter(Q(ends_on__lte=today + AHEAD_SLOW) | may_be_used_up(), may_end_at=None)
    for records in _batches(standing.select_related("patient__site", "patient__coordinator", "payer")):
        balances, renewed = units_of(records, now), _renewed(records)
        for record in records:
            if record.pk not in renewed and (ask := _ask(record, balances.get(record.pk), today)):
                yield ask


def _ask(record: PriorAuthorization, left: Balance | None, today: date) -> Ask | None:
    stem = f"{ENDS}{record.pk}:{record.ends_on}"
    ahead = AHEAD_SLOW if record.payer.is_slow else AHEAD
    if record.ends_on is not None and today - RAN_OUT <= record.ends_on <= today + ahead:
        why = _("It ends %(day)s, and that is the date of this task.") % {"day": day(record.ends_on)}
        return Ask(record, stem, record.ends_on, why)
    if left is None or not left.counts or not left.approved:
        return None
    if left.remaining <= 0:
        return Ask(record, f"{stem}:units:{left.approved}", today, _("No unit is left."))
    if left.runs_out is not None:
        words = {"n": left.runs_out.n, "day": day(left.runs_out.on)}
        why = _("Its units run out with booked visit %(n)d, on %(day)s.") % words
        return Ask(record, f"{stem}:units:{left.approved}", left.runs_out.on, why)
    return None


def _renewed(records: list[PriorAuthorization]) -> set[UUID]:
    """Those that an approval in force follows without a gap (one query)."""
    by_key = {record.pk: record for record in records}
    followers = PriorAuthorization.objects.filter(supersedes__in=list(by_key), status__in=IN_FORCE)
    return {
        follower.supersedes_id
        for follower in followers
        if follower.supersedes_id and covers_gap(follower, by_key[follower.supersedes_id])
    }


def _task(ask: Ask, site: Site, teams: dict[UUID, Team], by: Actor, now: datetime) -> Task:
    record = ask.record
    owner, team = careplans.default_owner(record.patient, site, teams)
    return Task(
        created_by=person(by),
        patient=record.patient,
        site=site,
        kind=TaskKind.AUTHORIZATION,
        title=(_("Renew the approval, or let it end: %(what)s") % {"what": record.service})[:200],
        reason=ask.why[:500],
        next_step=_("Renew it before that day, or close this with why it may end."),
        status=first_status(owner, by),
        owner=owner,
        team=team,
        due_at=end_of_day(ask.due_on, site.zone),
        opened_at=now,
        dedupe_key=ask.key,
        cause_type=record._meta.label_lower,
        cause_id=record.pk,
    )


def _batches(rows: Any) -> Iterator[list[PriorAuthorization]]:
    """All rows in order of their keys, some at a time."""
    last = None
    while True:
        page = list((rows.filter(pk__gt=last) if last else rows).order_by("pk")[:BATCH])
        if not page:
            return
        yield page
        last = page[-1].pk
