"""Celery's doorway: look for clocks that ran out. Harmless to run twice or from two workers."""

from celery import shared_task
from django.utils import timezone

from coordinator.clocks import sweeping


@shared_task(name="clocks.sweep", ignore_result=True)
def sweep() -> None:
    """Clocks that ran out and warnings that are due."""
    now = timezone.now()
    sweeping.sweep(now=now)
    sweeping.sweep_warnings(now=now)
