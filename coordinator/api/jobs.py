"""Celery's doorway of the API."""

from celery import shared_task
from django.utils import timezone

from coordinator.api.services import forget_old_answers as forget


@shared_task(name="api.forget_old_answers", ignore_result=True)
def forget_old_answers() -> None:
    """Answers kept for calls that are sent again, older than 30 days."""
    forget(now=timezone.now())
