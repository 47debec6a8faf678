"""The night: one site, one local date, every step safe to repeat.

Steps: reminders planned; for a night made up for later, sent as of that night; failures handed to people; missed
visits followed up; visits without an outcome asked about; overdue plan reviews opened; discharges followed up;
what runs out, approvals that end or should be renewed, visits without cover, waits that nobody looks after, reports
that are late and incomplete records asked about; awards whose last day is over given back to their funds; what is due
about money asked about; tasks that stay overdue escalated; snoozed tasks woken; what is open without an owner, a next
step or a date counted. One step that fails does not stop the others. What is due by day is sent by `messaging.deliver_due`, not here.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection

from careplans import services as careplans
from careplans.models import Task
from careplans.selectors import reviews_without_task
from careplans.workflow import TaskStatus
from coordinator.accounts.models import Site
from coordinator.audit import services as audit
from coordinator.dashboard import causes, gaps, past_visits
from coordinator.dashboard.models import JobRun
from coordinator.dashboard.run_records import ENTITY, NIGHTLY, SILENT_AFTER, Leader, Superseded, leading
from coordinator.dashboard.silent import count_silent
from coordinator.dashboard.team_rollup import keep_snapshot
from coordinator.messaging.claims import Scope
from coordinator.messaging.delivery import deliver_due
from coordinator.workflow import Actor, System
from referrals.services import ask_for_late_reports, chase_overdue, expire_awards, follow_up_money
from scheduling.rules.local_time import day_bounds, local_day, opens_at
from scheduling.services.covering import guard_visits
from scheduling.services.reminder_follow_up import follow_up_failures
from scheduling.services.reminders import Planned, plan_reminders
from scheduling.services.renewals import ask_for_renewals, end_authorizations
from scheduling.services.waitlist import look_after_waitlist

log = logging.getLogger(__name__)
BEGINS = time(1)  # local; every clinic is closed and the day is over everywhere nearby
MOST_TRIES = 5
WAIT_SECONDS = 900  # for the gateway, when somebody watches a past night being made up for
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Night:
    """One site's night. `now` is the moment its decisions stand for."""

    site: Site
    on: date
    now: datetime
    past: bool  # made up for later: reminders are decided and sent as of that night
    future: bool  # planned ahead: nothing but reminders, and none leaves early
    by: Actor

    @property
    def midnight(self) -> datetime:
        return day_bounds(self.on, self.site.zone)[0]

    @property
    def scope(self) -> Scope:
        return Scope(
            until=day_bounds(self.on, self.site.zone)[1], as_of=self.now, replay=True, site_id=self.site.pk
        )

    @property
    def looks_back_to(self) -> datetime:
        """From which day on visits that are over are looked at; a past night minds only the day before."""
        return self.midnight - (ONE_DAY if self.past else past_visits.LOOK_BACK)


@dataclass
class Result:
    """What a run did (or would do, in a dry run). `run_id` is None for a dry run; `led` False when another led."""

    night: Night
    counts: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    led: bool = True
    run_id: Any = None
    planned: Planned | None = None


def night_of(site: Site, on: date, now: datetime, by: Actor) -> Night:
    """Today's night stands for `now`, a coming one for its own start. A past one is made up for as of its start, but
    never in production: there it stands for `now`, and what is over is a missed window instead of a message."""
    today = local_day(now, site.zone)
    begins = opens_at(on, BEGINS, site.zone)
    if on < today and not settings.PRODUCTION:
        return Night(site, on, begins, past=True, future=False, by=by)
    return Night(site, on, max(now, begins), past=False, future=on > today, by=by)


def run_night(
    *, site: Site, on: date, now: datetime, by: Actor, dry_run: bool = False, wait: bool = False
) -> Result:
    """Run the night of this site and local date, again if need be: nothing doubles.

    `now` is the real time. `dry_run` writes nothing and counts what would happen. `wait` stays until the messages of
    a past night have their final state.
    """
    night = night_of(site, on, now, by)
    if dry_run:
        return _forecast(night)
    with leading(site=site, on=on, by=by) as leader:
        if leader is None:
            return Result(night, led=False)
        result = Result(night, run_id=leader.run_id)
        try:
            _do_steps(result, leader, wait)
            leader.finish(counts=result.counts, error=result.error)
        except Superseded:
            result.led = False
            return result
        _record_end(result)
    return result


def _do_steps(result: Result, leader: Leader, wait: bool) -> None:
    for name, step in _steps(result, leader, wait):
        leader.beat()
        try:
            result.counts[name] = step()
        except Superseded:
            raise
        except Exception as error:
            # Without its text: a database error quotes the row.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("Nightly step %s failed: %s\n%s", name, type(error).__name__, frames)
            result.counts[name] = {"failed": type(error).__name__}
            result.error = (result.error + f" {name}: {type(error).__name__}.").strip()
            if not connection.in_atomic_block:
                close_old_connections()


def _steps(result: Result, leader: Leader, wait: bool) -> list[tuple[str, Callable[[], Any]]]:
    night = result.night
    over = {"site": night.site, "since": night.looks_back_to, "until": night.midnight}
    act = {"by": night.by, "now": night.now}

    def reminders() -> dict[str, Any]:
        result.planned = plan_reminders(
            site=night.site, run_id=leader.run_id, replay=night.past, progress=leader.beat, **act
        )
        return result.planned.as_counts()

    def deliver() -> dict[str, int]:
        return dict(deliver_due(scope=night.scope, wait=wait, seconds=WAIT_SECONDS, progress=leader.beat))

    def figures() -> int:
        """What the boards show, kept as the end of the day before (a night made up for later cannot know it)."""
        return keep_snapshot(site=night.site, day=night.on - ONE_DAY, now=night.now)

    if night.future:
        return [("reminders", reminders)]
    return [
        ("reminders", reminders),
        *([("delivery", deliver)] if night.past else []),
        ("failures", lambda: follow_up_failures(**act)),
        ("no_shows", lambda: past_visits.follow_up_no_shows(**over, **act)),
        ("no_outcome", lambda: past_visits.ask_for_outcomes(**over, **act)),
        ("reviews", lambda: len(careplans.open_overdue_review_tasks(on=night.on, site=night.site, **act))),
        ("discharges", lambda: 0 if night.past else causes.follow_up_discharges(site=night.site, **act)),
        ("ending", lambda: 0 if night.past else causes.ask_about_ends(site=night.site, **act)),
        ("ended", lambda: 0 if night.past else end_authorizations(site=night.site, **act)),
        ("renewals", lambda: 0 if night.past else ask_for_renewals(site=night.site, **act)),
        ("uncovered", lambda: 0 if night.past else guard_visits(site=night.site, **act)),
        ("waitlist", lambda: 0 if night.past else look_after_waitlist(site=night.site, **act)),
        ("reports", lambda: 0 if night.past else ask_for_late_reports(site=night.site, **act)),
        ("awards", lambda: 0 if night.past else expire_awards(site=night.site, **act)),
        ("money", lambda: 0 if night.past else follow_up_money(site=night.site, **act)),
        ("chased", lambda: 0 if night.past else chase_overdue(site=night.site, **act)),
        ("mended", lambda: 0 if night.past else gaps.close_mended(site=night.site, **act)),
        ("gaps", lambda: 0 if night.past else gaps.ask_about_gaps(site=night.site, **act)),
        ("escalated", lambda: 0 if night.past else careplans.escalate_overdue(site=night.site, **act)),
        ("woken", lambda: careplans.wake_due_tasks(**act)),
        ("silent", lambda: {} if night.past else count_silent(site=night.site, now=night.now)),
        *([] if night.past else [("figures", figures)]),
    ]


def _forecast(night: Night) -> Result:
    """The same decisions, nothing written."""
    planned = plan_reminders(
        site=night.site, now=night.now, by=night.by, dry_run=True, replay=night.past, keep=True
    )
    since, until = night.looks_back_to, night.midnight
    snoozed = Task.objects.filter(site=night.site, status=TaskStatus.ON_HOLD, wake_at__lte=night.now)
    counts = {
        "reminders": planned.as_counts(),
        "no_shows": past_visits.no_shows_without_task(night.site, since, until).count(),
        "no_outcome": past_visits.without_outcome(night.site, since, until).count(),
        "reviews": reviews_without_task(night.on).filter(patient__site=night.site).count(),
        "gaps": 0 if night.past else gaps.patients_to_ask_about(night.site, night.now).count(),
        "woken": snoozed.count(),
    }
    return Result(night, counts, planned=planned)


def _record_end(result: Result) -> None:
    audit.record(
        by=result.night.by,
        action="finish_run",
        entity=ENTITY,
        entity_id=result.run_id,
        site_id=result.night.site.pk,
        details={"night": result.night.on.isoformat(), "failed": bool(result.error)},
    )


# --- which nights are due -----------------------------------------------------------------------------


def run_due_nights(*, now: datetime) -> list[Result]:
    """Run what is due: tonight at every site whose night has begun, and what somebody asked for. Called every five
    minutes; when everything is done it costs two queries."""
    sites = {site.pk: site for site in Site.objects.filter(is_active=True)}
    runs = JobRun.objects.filter(job=NIGHTLY, site__in=sites, period__gte=now.date() - 2 * ONE_DAY)
    asked_for = JobRun.objects.filter(job=NIGHTLY, site__in=sites, status=JobRun.Status.REQUESTED)
    known = {(run.site_id, run.period): run for run in [*asked_for, *runs] if run.site_id}
    wanted = {key for key, run in known.items() if _wants_worker(run, now)}
    for site in sites.values():
        tonight = (site.pk, local_day(now, site.zone))
        if now >= opens_at(tonight[1], BEGINS, site.zone) and tonight not in known:
            wanted.add(tonight)
    by = System(NIGHTLY)
    return [run_night(site=sites[key], on=on, now=now, by=by) for key, on in sorted(wanted, key=str)]


def _wants_worker(run: JobRun, now: datetime) -> bool:
    if run.status == JobRun.Status.REQUESTED:
        return True
    if run.status == JobRun.Status.RUNNING:
        return now - run.heartbeat_at > SILENT_AFTER
    return run.status == JobRun.Status.FAILED and run.attempts < MOST_TRIES
