"""Celery's doorways of the roof. Each looks into tables; a lost or doubled call changes nothing."""

from celery import shared_task
from django.utils import timezone

from coordinator.dashboard.drafts import discard_old_drafts
from coordinator.dashboard.nightly import run_due_nights
from coordinator.dashboard.presence import forget_who_left
from coordinator.dashboard.run_duplicates import run_due_scan
from coordinator.workflow import System
from scheduling.services.reminder_follow_up import follow_up_failures


@shared_task(name="coordinator.nightly_cycle", ignore_result=True)
def nightly_cycle() -> None:
    """Nights that are due or asked for, and messages that failed since the last look."""
    now = timezone.now()
    run_due_nights(now=now)
    follow_up_failures(now=now, by=System("nightly"))


@shared_task(name="coordinator.find_duplicates", ignore_result=True)
def find_duplicates() -> None:
    """Once a night, for all sites."""
    run_due_scan(now=timezone.now())


@shared_task(name="coordinator.forget_drafts", ignore_result=True)
def forget_drafts() -> None:
    """Drafts nobody came back to, and who is no longer in a record."""
    now = timezone.now()
    discard_old_drafts(now=now)
    forget_who_left(now=now)
