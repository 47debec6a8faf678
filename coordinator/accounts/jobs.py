"""Celery's doorways to accounts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from coordinator.accounts.password_links import send_due_links


@shared_task(name="accounts.send_password_links")
def send_password_links() -> None:
    """Send the password links that were asked for."""
    send_due_links(now=timezone.now())
