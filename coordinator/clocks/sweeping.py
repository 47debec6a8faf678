"""Finding what the time has done: clocks that were missed, and those to warn about.

Both run over the table in batches that skip what another worker holds, so two at once share the work and a second
run finds nothing. Each batch is its own transaction and costs the same few statements for one row or five hundred.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from coordinator.audit import services as audit
from coordinator.clocks.models import Clock, ClockEvent
from coordinator.clocks.workflow import WORKFLOW, State
from coordinator.workflow import Actor, System, actor_fields, moved

SWEEPER = System("clock-sweep")
BATCH = 500


def sweep(*, now: datetime, limit: int = 10_000, by: Actor = SWEEPER) -> list[Clock]:
    """Mark running clocks whose deadline is over as missed, each exactly once, and return them (at most `limit`).

    This is `move(clock, "miss")` for many rows: state, version, change row, audit event and `moved` all in the
    batch's transaction.
    """
    return _in_batches(lambda size: _miss(now=now, size=size, by=by), limit)


def sweep_warnings(*, now: datetime, limit: int = 10_000, by: Actor = SWEEPER) -> list[Clock]:
    """Note the warning points that running clocks have reached, each once, and return those clocks (at most `limit`).

    Several points passed since the last run are one warning, with the latest of them in the event's facts.
    """
    return _in_batches(lambda size: _warn(now=now, size=size, by=by), limit)


def _in_batches(batch: Callable[[int], list[Clock]], limit: int) -> list[Clock]:
    done: list[Clock] = []
    while len(done) < limit:
        size = min(BATCH, limit - len(done))
        found = batch(size)
        done += found
        if len(found) < size:
            break
    return done


def _claimed(clocks: QuerySet[Clock], size: int) -> list[Clock]:
    return list(clocks.defer("explanation").select_for_update(skip_locked=True, of=("self",))[:size])


@transaction.atomic
def _miss(*, now: datetime, size: int, by: Actor) -> list[Clock]:
    clocks = _claimed(Clock.objects.past_due(now).order_by("due_at"), size)
    if not clocks:
        return []
    step = WORKFLOW.find("miss", State.RUNNING)
    assert step is not None
    changes = [
        ClockEvent(
            clock=clock,
            step=step.name,
            from_status=clock.state,
            to_status=step.to,
            at=now,
            facts={"due_at": clock.due_at},
            **actor_fields(by),
        )
        for clock in clocks
    ]
    Clock.objects.filter(pk__in=[clock.pk for clock in clocks]).update(
        state=step.to, version=F("version") + 1, updated_at=now
    )
    ClockEvent.objects.bulk_create(changes)
    audit.record_many(
        [
            audit.event(
                by=by,
                action=step.name,
                entity=clock._meta.label_lower,
                entity_id=clock.pk,
                site_id=clock.site_id,
                details={"from": clock.state, "to": step.to},
            )
            for clock in clocks
        ]
    )
    for clock, change in zip(clocks, changes, strict=True):
        clock.state, clock.version, clock.updated_at = step.to, clock.version + 1, now
        moved.send(sender=Clock, record=clock, step=step.name, change=change, by=by, now=now)
    return clocks


@transaction.atomic
def _warn(*, now: datetime, size: int, by: Actor) -> list[Clock]:
    due = Clock.objects.running().filter(next_warn_at__lte=now).order_by("next_warn_at")
    clocks = _claimed(due, size)
    events = []
    for clock in clocks:
        reached = max(mark for mark in clock.warn_marks if mark <= now)
        clock.next_warn_at = min((mark for mark in clock.warn_marks if mark > now), default=None)
        events.append(
            ClockEvent(
                clock=clock,
                step="warn",
                from_status=clock.state,
                to_status=clock.state,
                at=now,
                facts={"mark": reached},
                **actor_fields(by),
            )
        )
    Clock.objects.bulk_update(clocks, ["next_warn_at"])
    ClockEvent.objects.bulk_create(events)
    return clocks
