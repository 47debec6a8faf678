"""What people do on the run board."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from coordinator import hints
from coordinator.accounts.models import Site
from coordinator.dashboard.models import JobRun
from coordinator.dashboard.run_records import request_run
from coordinator.workflow import Actor
from scheduling.rules.local_time import local_day
from scheduling.services.reminder_settings import switch_reminders


@transaction.atomic
def ask_for_run(*, site: Site, on: date, by: Actor, now: datetime) -> JobRun:
    """Mark a night as asked for and tell a worker to look; without Redis the schedule finds it in five minutes."""
    from coordinator.jobs import nightly_cycle

    run = request_run(site=site, on=on, by=by, now=now)
    hints.hint(nightly_cycle)
    return run


@transaction.atomic
def switch_site(*, site: Site, on: bool, by: Actor, now: datetime) -> None:
    """Stop or start a site's reminders. Started again, tonight is run again: what was skipped meanwhile may go."""
    switch_reminders(site_id=site.pk, on=on, by=by, now=now)
    if on:
        ask_for_run(site=site, on=local_day(now, site.zone), by=by, now=now)
