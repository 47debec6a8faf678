"""Celery doorways of tasks and plans."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from careplans import services


@shared_task(name="careplans.wake_due_tasks")
def wake_due_tasks() -> int:
    """Put snoozed tasks whose time has come back on their lists. Harmless to run twice."""
    return services.wake_due_tasks(now=timezone.now())
