"""Celery's doorway to record exports: a hint to look for requests that wait."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from coordinator.record import services


@shared_task(name="record.run_exports", ignore_result=True)
def run_exports() -> None:
    """Make the files that wait and delete the old ones."""
    services.run_exports(now=timezone.now())
