"""The row of a run: who leads it, that it is alive, how it ended.

Two schedulers, two workers or a worker and a person may want the same night. The row is unique by job, night and site;
a session lock says that its leader is alive, and the heartbeat says so to everybody else. A leader that is dead (its
lock is free) or silent for five minutes is replaced. `attempts` is the fence: who was replaced writes nothing more.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q

from coordinator.accounts.models import Site
from coordinator.audit import services as audit
from coordinator.dashboard.models import JobRun
from coordinator.db import db_now, lock, refusals
from coordinator.workflow import Actor, System, person

NIGHTLY, DUPLICATES = "nightly", "duplicates"
SILENT_AFTER = timedelta(minutes=5)
LOCK_CLASS = 10  # advisory locks of runs; coordinator.db uses 1 to 4, messaging 9
ENTITY = "dashboard.jobrun"


class Superseded(Exception):
    """Another worker has taken this run over."""


@dataclass
class Leader:
    """The right to do a run, held by this process."""

    run_id: UUID
    attempt: int

    def beat(self) -> None:
        """Say that the run is alive. Raises Superseded when it is not ours any more."""
        self._write(heartbeat_at=db_now())

    def finish(self, *, counts: dict[str, Any], error: str = "") -> None:
        """Write the end of the run. Raises Superseded when it is not ours any more."""
        now = db_now()
        status = JobRun.Status.FAILED if error else JobRun.Status.DONE
        self._write(status=status, finished_at=now, heartbeat_at=now, counts=counts, error=error)

    def _write(self, **fields: Any) -> None:
        mine = JobRun.objects.filter(pk=self.run_id, attempts=self.attempt, status=JobRun.Status.RUNNING)
        if not mine.update(**fields):
            raise Superseded


@contextmanager
def leading(*, site: Site | None, on: date, by: Actor, job: str = NIGHTLY) -> Iterator[Leader | None]:
    """Lead the run of a job, site (None: all of them) and night, or get None because somebody alive does."""
    which = site.pk if site else job
    number = zlib.crc32(f"{which}:{on.isoformat()}".encode()) - 2**31
    free = _session_lock("pg_try_advisory_lock", number)
    try:
        yield _take(job, site, on, by, alone=free)
    finally:
        if free and not connection.needs_rollback:
            _session_lock("pg_advisory_unlock", number)


def _session_lock(function: str, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"select {function}(%s, %s)", [LOCK_CLASS, number])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _take(job: str, site: Site | None, on: date, by: Actor, *, alone: bool) -> Leader | None:
    now = db_now()
    row: dict[str, Any] = {"job": job, "period": on, "site": site}
    JobRun.objects.bulk_create(
        [JobRun(**row, status=JobRun.Status.REQUESTED, started_at=now, heartbeat_at=now, attempts=0)],
        ignore_conflicts=True,
    )
    with refusals():
        run = lock(JobRun.objects, JobRun.objects.values_list("pk", flat=True).get(**row))
    alive = run.status == JobRun.Status.RUNNING and now - run.heartbeat_at < SILENT_AFTER
    if alive and not alone:
        return None
    asked = run.status == JobRun.Status.REQUESTED and (run.started_by_id is not None or run.by_system != "")
    JobRun.objects.filter(pk=run.pk).update(
        status=JobRun.Status.RUNNING,
        started_at=now,
        heartbeat_at=now,
        finished_at=None,
        error="",
        attempts=F("attempts") + 1,
        **({} if asked and isinstance(by, System) else _who(by)),  # who asked stays on record
    )
    audit.record(
        by=by,
        action="start_run",
        entity=ENTITY,
        entity_id=run.pk,
        site_id=site.pk if site else None,
        details={"night": on.isoformat(), "attempt": run.attempts + 1},
    )
    return Leader(run.pk, run.attempts + 1)


def _who(by: Actor) -> dict[str, Any]:
    return {"started_by": person(by), "by_system": by.name if isinstance(by, System) else ""}


@transaction.atomic
def request_run(*, site: Site, on: date, by: Actor, now: datetime) -> JobRun:
    """Ask for a night to be run again; a worker takes it up. A run that is under way stays as it is."""
    row = {"job": NIGHTLY, "period": on, "site": site}
    fresh = JobRun(
        **row, status=JobRun.Status.REQUESTED, started_at=now, heartbeat_at=now, attempts=0, **_who(by)
    )
    JobRun.objects.bulk_create([fresh], ignore_conflicts=True)
    JobRun.objects.filter(
        ~Q(status=JobRun.Status.RUNNING) | Q(heartbeat_at__lt=db_now() - SILENT_AFTER), **row
    ).update(status=JobRun.Status.REQUESTED, started_at=now, heartbeat_at=now, finished_at=None, **_who(by))
    run = JobRun.objects.get(**row)
    audit.record(
        by=by,
        action="request_run",
        entity=ENTITY,
        entity_id=run.pk,
        site_id=site.pk,
        details={"night": on.isoformat()},
    )
    return run
