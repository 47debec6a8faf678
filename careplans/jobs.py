"""Celery doorways of tasks and plans."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from careplans import services


@shared_task(name="careplans.wake_due_tasks")
def wake_due_tasks() -> int:
    """Put snoozed tasks whose time has come back on their lists. Harmless to run twice."""
    return services.wake_due_tasks(now=timezone.now())


@shared_task(name="careplans.chase_updates")
def chase_updates() -> int:
    """Remind both sides of updates to providers that nobody answered in time. Harmless to run twice."""
    return services.chase_updates(now=timezone.now())
