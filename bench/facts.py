# ruff: noqa: E402  (Django must be set up before the models are imported)
"""What the requests name: an API client with its token, a signed-in manager, and keys of generated records.

    DJANGO_SETTINGS_MODULE=bench.settings python -m bench.facts FILE

The client and the manager work at two of the three sites: a role-limited user, as in real life.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils import timezone

from bench.filling import SLOTS_A_DAY, ZONE, clock_zone
from bench.names import FAMILY, GIVEN
from coordinator.accounts.models import Site, User
from coordinator.api.permissions import SCOPES
from coordinator.api.services import create_client
from coordinator.clocks.models import BusinessCalendar
from coordinator.clocks.selectors import as_calendar
from coordinator.dashboard.team_rollup import everything
from coordinator.workflow import System
from patients.models import ContactPoint, Patient
from patients.rules.text import fold
from scheduling.models import Service

SAMPLE = 500
BOOKING_STARTS = 300  # business days ahead: beyond everything that was generated


def signed_in(user: User) -> str:
    """A session key, as the sign-in would have made it."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def business_days(count: int, after: int) -> list[str]:
    calendar = as_calendar(BusinessCalendar.objects.get(name="US federal"))
    day, found, passed = timezone.now().astimezone(clock_zone()).date(), [], 0
    while len(found) < count:
        day += timedelta(days=1)
        if calendar.is_open(day):
            passed += 1
            if passed > after:
                found.append(day.isoformat())
    return found


def facts() -> dict[str, Any]:
    sites = list(Site.objects.filter(name__startswith="Bench site").order_by("name")[:2])
    _client, token = create_client(
        name="Benchmark", sites=sites, scopes=SCOPES, by=System("bench"), now=timezone.now()
    )
    manager = User.objects.create_user("manager@bench.test", None, name="Bench Manager", role="manager")
    manager.sites.set(sites)
    coordinator = User.objects.filter(role="coordinator", sites=sites[0]).order_by("pk")[0]
    patients = Patient.objects.filter(site__in=sites, status="active")
    step = max(patients.count() // SAMPLE, 1)
    some = list(patients.order_by("pk")[::step][:SAMPLE])
    phones = ContactPoint.objects.filter(patient__in=some, kind="phone").values_list("normalized", flat=True)
    return {
        "zone": ZONE,
        "token": token,
        "manager": signed_in(manager),
        "coordinator": signed_in(coordinator),
        "sites": [str(site.pk) for site in sites],
        "practitioners": {
            str(site.pk): [str(pk) for pk in site.practitioners.order_by("pk").values_list("pk", flat=True)]
            for site in sites
        },
        "services": [
            str(pk) for pk in Service.objects.filter(name__startswith="Bench").values_list("pk", flat=True)
        ],
        "patients": {
            str(site.pk): [
                str(pk)
                for pk in patients.filter(site=site).order_by("pk").values_list("pk", flat=True)[:20_000]
            ]
            for site in sites
        },
        "some_patients": [str(patient.pk) for patient in some],
        "mrns": [patient.mrn for patient in some],
        "phones": list(phones),
        "names": [fold(family)[:5] for family in FAMILY[::13]]
        + [f"{fold(g)} {fold(f)[:4]}" for g, f in zip(GIVEN, FAMILY[::11], strict=False)],
        "near_days": business_days(10, after=1),
        "free_days": business_days(220, after=BOOKING_STARTS),
        "slots_a_day": SLOTS_A_DAY,
        "board_sql": board_sql({site.pk: site.zone for site in sites}),
        "board_params": None,
    }


def board_sql(sites: dict[Any, str]) -> str:
    """The statement behind the board, with its values written in."""
    sql, params = everything(sites, timezone.now()).query.sql_with_params()
    with connection.cursor() as cursor:
        written: str = cursor.mogrify(sql, params).decode()
    return (
        "select t.person, t.site, jsonb_object_agg(t.figure, t.n)"
        f" from ({written}) as t (figure, site, person, n) group by 1, 2"
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(facts()))
