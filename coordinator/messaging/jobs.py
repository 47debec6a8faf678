"""Celery's doorway: look for what is due. Harmless to run twice or from many workers."""

from celery import shared_task

from coordinator.messaging import delivery


@shared_task(name="messaging.deliver_due", ignore_result=True)
def deliver_due() -> None:
    """Claim and send what is due."""
    delivery.deliver_due()
