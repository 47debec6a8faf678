"""The job wakes snoozed tasks, and two runs at once wake each one once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from careplans import jobs, services
from careplans.models import TaskChange
from careplans.tests.factories import make_task
from coordinator.celery import app


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_wake_each_task_once():
    now = timezone.now()
    for _n in range(6):
        task = make_task()
        services.snooze_task(
            task_id=task.pk,
            wake_at=now - timedelta(minutes=1),
            by=task.owner,
            now=now - timedelta(hours=1),
        )

    def run(_n):
        try:
            return jobs.wake_due_tasks()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(run, range(2))) == 6
    assert TaskChange.objects.filter(step="wake").count() == 6


def test_the_beat_knows_the_job():
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert jobs.wake_due_tasks.name in scheduled
