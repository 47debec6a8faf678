"""Celery's doorways of the schedule. Each looks into tables; a lost or doubled call changes nothing."""

from celery import shared_task
from django.utils import timezone

from coordinator.workflow import System
from scheduling.services.replies import handle_events


@shared_task(name="scheduling.handle_gateway_events", ignore_result=True)
def handle_gateway_events() -> None:
    """Replies and receipts that the gateway brought since the last look."""
    handle_events(by=System("gateway"), now=timezone.now())
