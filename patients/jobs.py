"""Celery's doorways of the record. Each looks into tables; a lost or doubled call changes nothing."""

from celery import shared_task

from patients.services.previews import make_waiting_previews


@shared_task(name="patients.make_previews", ignore_result=True)
def make_previews() -> None:
    """Draw the documents that wait, one at a time."""
    make_waiting_previews()
