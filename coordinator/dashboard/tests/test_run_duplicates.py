"""The nightly look for people recorded twice: once a night, for all sites, and it says when it failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from coordinator.dashboard import run_duplicates
from coordinator.dashboard.models import JobRun
from coordinator.dashboard.run_duplicates import is_late, last_scan, run_due_scan
from coordinator.jobs import find_duplicates
from coordinator.tests.factories import make_site
from patients.models import PossibleDuplicate
from patients.tests.factories import make_patient

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 11, 18, 2, 30, tzinfo=ZoneInfo("America/Chicago"))


@pytest.fixture(autouse=True)
def twice(db):
    for _n in range(2):
        make_patient(site=make_site(), given_name="Elena")


def test_it_runs_once_a_night_for_all_sites():
    assert run_due_scan(now=NIGHT - timedelta(hours=1)) is None
    run = run_due_scan(now=NIGHT)
    assert (run.status, run.site, run.counts["people"], run.counts["pairs"]) == ("done", None, 2, 1)
    assert run_due_scan(now=NIGHT + timedelta(minutes=15)) is None
    run_due_scan(now=NIGHT + timedelta(days=1))
    assert JobRun.objects.filter(job="duplicates").count() == 2
    assert PossibleDuplicate.objects.count() == 1


def test_a_failure_is_written_down_and_tried_again_three_times(monkeypatch):
    def broken(**_kwargs):
        raise ValueError("with a name in it")

    monkeypatch.setattr(run_duplicates, "scan_duplicates", broken)
    for _n in range(5):
        run_due_scan(now=NIGHT)
    run = last_scan()
    assert (run.status, run.error, run.attempts) == ("failed", "ValueError", 3)


def test_a_night_that_is_missing_is_late():
    assert is_late(None, NIGHT)
    run = run_due_scan(now=NIGHT)
    assert not is_late(run, run.finished_at + timedelta(hours=35))
    assert is_late(run, run.finished_at + timedelta(hours=37))


def test_the_job_asks_and_does_no_more():
    find_duplicates()
    assert JobRun.objects.filter(job="duplicates").count() <= 1
