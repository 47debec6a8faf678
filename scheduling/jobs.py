"""Celery's doorways of the schedule. Each looks into tables; a lost or doubled call changes nothing."""

from celery import shared_task
from django.utils import timezone

from coordinator.workflow import System
from scheduling.services.replies import handle_events
from scheduling.services.waitlist_offers import expire_offers as expire


@shared_task(name="scheduling.handle_gateway_events", ignore_result=True)
def handle_gateway_events() -> None:
    """Replies and receipts that the gateway brought since the last look."""
    handle_events(by=System("gateway"), now=timezone.now())


@shared_task(name="scheduling.expire_offers", ignore_result=True)
def expire_offers() -> None:
    """Offers of the waitlist that nobody answered in time; the next person is asked."""
    expire(by=System("waitlist"), now=timezone.now())
