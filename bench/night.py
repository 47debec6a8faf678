"""A night with many reminders, as the nightly command does it.

python -m bench.night prepare VISITS DAYS_AGO      visits three days after a past day; prints {"on", "visits"}
python -m bench.night run YYYY-MM-DD               that night at every site; prints {"statements", "to_send", ...}
"""
# ruff: noqa: E402  (Django must be set up before the models are imported)

from __future__ import annotations

import json
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

import django

django.setup()

from django.db import connection
from django.utils import timezone

from bench.filling import KEY, PATIENT, SITES, ZONE, clock_zone, insert
from coordinator.accounts.models import Site
from coordinator.dashboard.nightly import run_night
from coordinator.messaging.models import Message
from coordinator.workflow import System
from scheduling.models import Appointment, Service

EXTRA = 40  # kind of key for these visits, and one more for each day


def prepare(number: str, days_ago: str) -> None:
    """One booked visit each for that many patients, without a provider so that all fit on one day."""
    on = timezone.now().astimezone(clock_zone()).date() - timedelta(days=int(days_ago))
    service = Service.objects.filter(name__startswith="Bench").first()
    sites = list(Site.objects.filter(name__startswith="Bench site").order_by("name"))
    assert service is not None
    array = ", ".join(f"'{site.pk}'" for site in sites)
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
        cursor.execute(KEY)
    made = insert(
        Appointment,
        f"""from (select i, (date '{on + timedelta(days=3)}' + time '09:00' + (i % 32) * interval '15 minutes') at time zone '{ZONE}' as begins
                    from generate_series(0, {number} * 20 / 19) i) g
            join patients_patient p on p.id = pg_temp.key({PATIENT}, i) and p.status = 'active'""",
        id=f"pg_temp.key({EXTRA + int(days_ago)}, i)",
        patient="p.id",
        site=f"(array[{array}]::uuid[])[1 + i % {SITES}]",
        service=f"'{service.pk}'",
        start="begins",
        end="begins + interval '15 minutes'",
        zone=f"'{ZONE}'",
        booked_at="begins - interval '30 days'",
    )
    print(json.dumps({"on": on.isoformat(), "visits": made}))


def run(on: str) -> None:
    statements, counts = 0, []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        for site in Site.objects.filter(name__startswith="Bench site"):
            result = run_night(
                site=site, on=date.fromisoformat(on), now=timezone.now(), by=System("bench"), wait=True
            )
            counts.append({"error": result.error, **result.counts})
    # Also visits the clinic had anyway are reminded of; the other reminder of each visit waits for a later day.
    day = date.fromisoformat(on)
    begins, ends = (datetime.combine(when, time(), clock_zone()) for when in (day, day + timedelta(days=1)))
    due = Message.objects.filter(send_after__gte=begins, send_after__lt=ends)
    to_send = due.exclude(status__in=("skipped", "cancelled")).count()
    print(json.dumps({"statements": statements, "to_send": to_send, "counts": counts}, default=str))


if __name__ == "__main__":
    {"prepare": prepare, "run": run}[sys.argv[1]](*sys.argv[2:])
