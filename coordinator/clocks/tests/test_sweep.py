"""The sweep: each missed clock once, few statements, harmless to run twice or from two workers."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from coordinator.audit.models import AuditEvent
from coordinator.clocks import jobs, services, sweeping
from coordinator.clocks.models import Clock, ClockEvent
from coordinator.clocks.tests.factories import CHICAGO, NEW_YORK, TESTER, local, make_clock
from coordinator.clocks.workflow import State
from coordinator.tests.factories import make_site
from coordinator.workflow import moved

pytestmark = pytest.mark.django_db
AFTER = local(CHICAGO, 2026, 11, 25, 0)  # one second after the day on which make_clock() is due


def test_clocks_past_their_day_are_missed_once_and_told_of():
    clock = make_clock()
    heard = []

    def listen(sender, record, step, change, **kwargs):
        heard.append((record.pk, step, change.step, record.state))

    moved.connect(listen, sender=Clock)
    try:
        missed = sweeping.sweep(now=AFTER)
        assert sweeping.sweep(now=AFTER) == []
    finally:
        moved.disconnect(listen, sender=Clock)
    assert [c.pk for c in missed] == [clock.pk]
    clock.refresh_from_db()
    assert (clock.state, clock.version) == (State.MISSED, 2)
    assert heard == [(clock.pk, "miss", "miss", "missed")]
    event = clock.changes.get(step="miss")
    assert (event.from_status, event.to_status, event.by_system) == ("running", "missed", "clock-sweep")
    assert AuditEvent.objects.filter(entity_id=str(clock.pk), action="miss").count() == 1


def test_a_clock_is_not_missed_within_its_last_second():
    make_clock()
    assert sweeping.sweep(now=AFTER - timedelta(microseconds=1)) == []


def test_held_met_and_void_clocks_are_never_missed():
    met, void = make_clock(), make_clock()
    held = make_clock(kind="no_show.follow_up")
    now = local(CHICAGO, 2026, 11, 21, 9)
    services.meet_clock(clock_id=met.pk, by=TESTER, now=now)
    services.void_clock(clock_id=void.pk, reason="Cancelled", by=TESTER, now=now)
    services.hold_clock(clock_id=held.pk, reason="Snow", by=TESTER, now=now)
    assert sweeping.sweep(now=AFTER + timedelta(days=30)) == []


@pytest.mark.parametrize("count", [1, 20])
def test_a_sweep_takes_as_many_statements_for_one_clock_as_for_twenty(count):
    for _ in range(count):
        make_clock()
    with CaptureQueriesContext(connection) as captured:
        assert len(sweeping.sweep(now=AFTER)) == count
    assert len(captured) == 6  # savepoint and release, select, update, events, audit


def test_the_limit_leaves_the_rest_to_the_next_run(monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 2)
    for _ in range(7):
        make_clock()
    assert len(sweeping.sweep(now=AFTER, limit=5)) == 5
    assert len(sweeping.sweep(now=AFTER, limit=5)) == 2


def test_a_warning_is_noted_once_for_each_point_reached():
    clock = make_clock(
        kind="payer_decision",
        rule="prior_auth.medicare_advantage.expedited",
        anchor_at=local(NEW_YORK, 2026, 11, 9, 10),
        zone=NEW_YORK,
        now=local(NEW_YORK, 2026, 11, 9, 10),
    )
    assert len(clock.warn_marks) == 4
    at = [clock.anchor_at + timedelta(hours=hours) for hours in (35, 36, 37, 69, 70)]
    assert [len(sweeping.sweep_warnings(now=now)) for now in at] == [0, 1, 0, 1, 0]
    marks = [event.facts["mark"] for event in clock.changes.filter(step="warn")]
    assert len(marks) == 2
    assert marks[1] == clock.warn_marks[3].isoformat().replace("+00:00", "Z"), "the latest of those passed"
    clock.refresh_from_db()
    assert clock.next_warn_at is None


@pytest.mark.parametrize("count", [1, 20])
def test_warnings_take_as_many_statements_for_one_clock_as_for_twenty(count):
    for _ in range(count):
        make_clock()
    with CaptureQueriesContext(connection) as captured:
        assert len(sweeping.sweep_warnings(now=local(CHICAGO, 2026, 11, 24, 12))) == count
    assert len([q for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]]) == 3


def test_the_job_is_the_sweep_by_the_clock_on_the_wall():
    make_clock(anchor_at=local(CHICAGO, 2020, 11, 20, 9), now=local(CHICAGO, 2020, 11, 20, 9))
    jobs.sweep()
    assert Clock.objects.get().state == State.MISSED


def test_two_sweeps_at_once_miss_every_clock_exactly_once(transactional_db, monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 5)
    for _ in range(40):
        make_clock()
    start, found = threading.Barrier(3), []

    def work():
        try:
            start.wait()
            for _ in range(3):
                found.extend(clock.pk for clock in sweeping.sweep(now=AFTER))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) == 40
    assert ClockEvent.objects.filter(step="miss").count() == 40


def test_ten_starts_of_one_clock_at_once_make_one(transactional_db):
    site, start, keys = make_site(), threading.Barrier(10), []

    def work():
        try:
            start.wait()
            with transaction.atomic():
                clock = services.start_clock(
                    subject=site,
                    kind="tcm.contact",
                    anchor_at=local(CHICAGO, 2026, 11, 20, 15),
                    zone=CHICAGO,
                    calendar=None,
                    by=TESTER,
                    now=local(CHICAGO, 2026, 11, 20, 16),
                )
            keys.append(clock.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 10
    assert len(set(keys)) == 1
    assert Clock.objects.count() == 1
    assert ClockEvent.objects.filter(step="start").count() == 1
