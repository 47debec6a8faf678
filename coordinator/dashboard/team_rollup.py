"""Keeps the figures of the team board: computed by one set-based statement when they are older than a minute.

The statement is made of the measures' own querysets, so the figures are what the lists behind them hold.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, F, QuerySet, Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat

from coordinator.accounts.models import Site, User
from coordinator.accounts.roles import Role
from coordinator.dashboard import team_measures as measures
from coordinator.dashboard.models import CaseloadSnapshot, CaseloadStat
from coordinator.dashboard.team_measures import MEASURES, PERIODS, WEEKS, Scope, tally

FRESH_FOR = timedelta(seconds=60)
LOCK = (20, 1)  # advisory; coordinator.db uses classes 1 to 4, messaging 9
LISTED = (Role.COORDINATOR, Role.LEAD)  # have a line on the board even when it is all zeros
MEMBER = "member"


def figures_of(sites: dict[UUID, str], *, now: datetime) -> list[CaseloadStat]:
    """The figures of these sites (key to zone), at most a minute old, with their users.

    Whoever finds them older computes them; others meanwhile read what is there. Only the very first has to wait.
    """
    rows = _stored(sites)
    ages = {row.site_id: row.computed_at for row in rows}
    old = {key: zone for key, zone in sites.items() if key not in ages or ages[key] < now - FRESH_FOR}
    if old and _refresh(old, now=now, wait=any(key not in ages for key in old)):
        rows = _stored(sites)
    return rows


def _stored(sites: dict[UUID, str]) -> list[CaseloadStat]:
    return list(CaseloadStat.objects.filter(site__in=sites).select_related("user"))


@transaction.atomic
def _refresh(sites: dict[UUID, str], *, now: datetime, wait: bool) -> bool:
    """Compute the figures of these sites anew; False when somebody else is doing it and `wait` is not asked for."""
    with connection.cursor() as cursor:
        name = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        cursor.execute(f"select {name}(%s, %s)", LOCK)
        if cursor.fetchone()[0] is False:
            return False
        if wait and _are_fresh(sites, now):  # somebody did it while we waited
            return True
        # Reads every open task and active patient: on a busy machine that may take longer than a page may.
        cursor.execute("set local statement_timeout = '60s'")
        sql, params = everything(sites, now).query.sql_with_params()
        cursor.execute(
            f"""
            with fresh as (
                insert into dashboard_caseloadstat (user_id, site_id, computed_at, figures)
                select t.person, t.site, %s, jsonb_object_agg(t.figure, t.n)
                from ({sql}) as t (figure, site, person, n)
                group by t.person, t.site
                on conflict (user_id, site_id)
                do update set computed_at = excluded.computed_at, figures = excluded.figures
                returning id
            )
            delete from dashboard_caseloadstat
            where site_id = any(%s) and computed_at < %s and id not in (select id from fresh)
            """,  # noqa: S608  (made of our own querysets)
            [now, *params, list(sites), now],
        )
    return True


def _are_fresh(sites: dict[UUID, str], now: datetime) -> bool:
    fresh = CaseloadStat.objects.filter(site__in=sites, computed_at__gte=now - FRESH_FOR)
    return fresh.values("site").distinct().count() == len(sites)


def everything(sites: dict[UUID, str], now: datetime) -> QuerySet[Any]:
    """All figures of these sites under one another: (name, site, person, number), one statement."""
    first, *rest = _parts(sites, now)
    return first.union(*rest, all=True)


def _parts(sites: dict[UUID, str], now: datetime) -> list[QuerySet[Any]]:
    scope = scope_of(sites, now)
    staff = User.sites.through.objects.filter(site__in=sites, user__is_active=True, user__role__in=LISTED)
    parts = [
        # Every site has its row of what is nobody's, and everybody who carries a caseload theirs.
        tally(Site.objects.filter(pk__in=sites), "pk", None, MEMBER, Count("pk")),
        tally(staff, "site", "user", MEMBER, Count("pk")),
    ]
    for measure in MEASURES.values():
        periods = PERIODS if measure.in_period else PERIODS[:1]
        parts += [measure.tally(Scope(scope.zones, now, days)) for days in periods]
    return parts + _chart_parts(scope)


def _chart_parts(scope: Scope) -> list[QuerySet[Any]]:
    """Opened and closed by week (the number counts weeks from the oldest), overdue by kind and age: whole sites."""
    parts = []
    for zone, sites in scope.zones.items():
        here = Scope({zone: sites}, scope.now)
        first = measures.starts(measures.week_starts(scope, zone)[0], zone)
        for word, field in (("opened", "opened_at"), ("closed", "ended_at")):
            lately = measures.listed_tasks(here).filter(**{f"{field}__gte": first})
            ago = lately.annotate(ago=measures.WeeksAgo(field, zone, scope.today(zone)))
            name = Concat(Value(f"{word}_"), Cast(Value(WEEKS - 1) - F("ago"), CharField()))
            parts.append(tally(ago.filter(ago__gte=0), "site", None, name, Count("pk")))
    overdue = measures.overdue_tasks(scope).annotate(band=measures.age_band(scope))
    name = Concat(Value("age:"), F("kind"), Value(":"), F("band"))
    parts.append(tally(overdue, "site", None, name, Count("pk")))
    return parts


def scope_of(sites: dict[UUID, str], now: datetime, days: int = PERIODS[0]) -> Scope:
    zones: dict[str, set[UUID]] = {}
    for key, zone in sites.items():
        zones.setdefault(zone, set()).add(key)
    return Scope({zone: frozenset(keys) for zone, keys in zones.items()}, now, days)


# --- snapshots --------------------------------------------------------------------------------------------


@transaction.atomic
def keep_snapshot(*, site: Site, day: date, now: datetime) -> int:
    """Keep the site's figures as those of `day`, once; returns how many rows. Keeping them again changes nothing."""
    rows = figures_of({site.pk: site.zone}, now=now)
    kept = CaseloadSnapshot.objects.bulk_create(
        [
            CaseloadSnapshot(
                day=day, user_id=row.user_id, site_id=row.site_id, taken_at=row.computed_at,
                figures={name: n for name, n in row.figures.items() if name in KEPT},
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return len(kept)


KEPT = frozenset(
    name
    for measure in MEASURES.values()
    for name in ([f"{measure.key}_{days}" for days in PERIODS] if measure.in_period else [measure.key])
)
