"""Celery's doorway to imports: a hint to look for waiting runs. Several workers at once are harmless."""

from __future__ import annotations

from celery import shared_task

from coordinator.imports import services


@shared_task(name="imports.run_waiting", ignore_result=True)
def run_waiting() -> None:
    """Take up the imports that wait, one at a time."""
    services.run_waiting()


@shared_task(name="imports.run_caseload", ignore_result=True)
def run_caseload() -> None:
    """Check, import or take back the tables of patients that wait; forget the old ones."""
    services.run_caseload()
