"""The night's sweep over every clock, referral and prior authorization: what the time has done, and who is to act.

python -m bench.sweep run MOMENT      the sweep at every site as of that moment; prints seconds and numbers by step
python -m bench.sweep state           what is there afterwards; equal texts mean an equal outcome
"""
# ruff: noqa: E402  (Django must be set up before the models are imported)

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import Any

import django

django.setup()

from django.db import connection

from coordinator.accounts.models import Site
from coordinator.clocks.sweeping import sweep, sweep_warnings
from coordinator.dashboard.silent import find_silent
from coordinator.workflow import System
from referrals.services import ask_for_late_reports, chase_overdue
from scheduling.services.renewals import ask_for_renewals, end_authorizations

# Rows of whatever the sweep may write, without the keys and moments that every run makes anew.
STATE = """
select 'tasks', count(*), md5(string_agg(concat_ws('|', dedupe_key, status, owner_id, team_id, due_at, title), '~'
       order by dedupe_key, id)) from careplans_task where dedupe_key <> ''
union all select 'task steps', count(*), '' from careplans_taskchange
union all select 'requests', count(*), md5(string_agg(concat_ws('|', id, status, next_step, due_at, version), '~' order by id))
  from referrals_priorauthorization
union all select 'request steps', count(*), '' from referrals_priorauthorizationchange
union all select 'referrals', count(*), md5(string_agg(concat_ws('|', id, status, next_step, due_at, version), '~' order by id))
  from referrals_referral
union all select 'clocks', count(*), md5(string_agg(concat_ws('|', subject_id, kind, state, version, due_at), '~'
       order by subject_id, kind, due_at)) from clocks_clock
union all select 'clock steps', count(*), '' from clocks_clockevent
union all select 'trail', count(*), '' from audit_auditevent
"""


def run(moment: str) -> None:
    now, by = datetime.fromisoformat(moment), System("bench")
    found: dict[str, Any] = {"seconds": {}, "done": {}}

    def timed(name: str, step: Any) -> None:
        began = time.perf_counter()
        number = step()
        found["seconds"][name] = found["seconds"].get(name, 0) + time.perf_counter() - began
        found["done"][name] = found["done"].get(name, 0) + number

    timed("clocks missed", lambda: len(sweep(now=now, limit=1_000_000, by=by)))
    timed("clocks warned", lambda: len(sweep_warnings(now=now, limit=1_000_000, by=by)))
    for site in Site.objects.filter(name__startswith="Bench site").order_by("name"):
        act = {"site": site, "by": by, "now": now}
        timed("approvals ended", lambda act=act: end_authorizations(**act))
        timed("renewals asked for", lambda act=act: ask_for_renewals(**act))
        timed("reports asked for", lambda act=act: ask_for_late_reports(**act))
        timed("dates chased", lambda act=act: chase_overdue(**act))
    timed("silent", lambda: len(find_silent(now=now)))
    print(json.dumps(found))


def state() -> None:
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        print(json.dumps(cursor.fetchall()))


if __name__ == "__main__":
    {"run": run, "state": state}[sys.argv[1]](*sys.argv[2:])
