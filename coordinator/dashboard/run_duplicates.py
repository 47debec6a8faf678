"""The nightly look for people who are recorded twice: once a night for all sites, when it last ran, what it found."""

from __future__ import annotations

import logging
import traceback
from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from coordinator.dashboard.models import JobRun
from coordinator.dashboard.run_records import DUPLICATES, SILENT_AFTER, Superseded, leading
from coordinator.workflow import System
from patients.services import scan_duplicates
from scheduling.rules.local_time import opens_at

log = logging.getLogger(__name__)
BEGINS = time(2)  # in the clinic's own zone; the sites' nights come first
MOST_TRIES = 3


def run_due_scan(*, now: datetime) -> JobRun | None:
    """Look once a night. Called every few minutes; None when there is nothing to do (one query)."""
    tonight = timezone.localtime(now).date()
    run = JobRun.objects.filter(job=DUPLICATES, period=tonight).first()
    if now < opens_at(tonight, BEGINS, settings.TIME_ZONE) or (run and not _wants_worker(run, now)):
        return None
    by = System(DUPLICATES)
    with leading(site=None, on=tonight, by=by, job=DUPLICATES) as leader:
        if leader is None:
            return None
        try:
            leader.finish(counts=scan_duplicates(now=now, by=by, progress=leader.beat).as_counts())
        except Superseded:
            return None
        except Exception as error:
            # Without its text: a database error quotes the row.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("Looking for duplicates failed: %s\n%s", type(error).__name__, frames)
            leader.finish(counts={}, error=type(error).__name__)
    return last_scan()


def _wants_worker(run: JobRun, now: datetime) -> bool:
    if run.status == JobRun.Status.RUNNING:
        return now - run.heartbeat_at > SILENT_AFTER
    return run.status == JobRun.Status.FAILED and run.attempts < MOST_TRIES


def last_scan() -> JobRun | None:
    return JobRun.objects.filter(job=DUPLICATES).order_by("-period").first()


def is_late(run: JobRun | None, now: datetime) -> bool:
    """A day and a half without a finished look: somebody should ask why."""
    return run is None or run.finished_at is None or now - run.finished_at > timedelta(hours=36)
