"""Celery's doorways of referrals. Each looks into tables; a lost or doubled call changes nothing."""

from celery import shared_task
from django.utils import timezone

from coordinator.workflow import System
from referrals.inbound_sources import collect
from referrals.services.fax_sending import follow_faxes
from referrals.services.inbound import read_waiting_inbound
from referrals.services.secure_links import follow_links


@shared_task(name="referrals.read_inbound", ignore_result=True)
def read_inbound() -> None:
    """Bring in what lies in the drop folders, then read what waits."""
    collect(by=System("incoming"), now=timezone.now())
    read_waiting_inbound()


@shared_task(name="referrals.follow_deliveries", ignore_result=True)
def follow_deliveries() -> None:
    """Hand packets over, ask what became of them, end links whose time is over. Links do not depend on the fax gateway."""
    now = timezone.now()
    try:
        follow_faxes(by=System("fax"), now=now)
    finally:
        follow_links(by=System("mail"), now=now)
