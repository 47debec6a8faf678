"""Bringing `register.py` and the federal holidays into the database.

A service run after every migration, and not a data migration, for two reasons. The register is living data: a new
version is a new line there, and every installation has it after its next `migrate` without a migration per line that
repeats the list. And a data migration runs once: a database emptied by a test's flush would stay without rules, while
`post_migrate` also follows a flush. It only adds; a stored version is changed in two ways, by getting its last day and
its test dates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import holidays
from django.db import connection, transaction

from coordinator.clocks.models import BusinessCalendar, Holiday, Rule, RuleVersion
from coordinator.clocks.register import (
    FEDERAL_CALENDAR,
    FEDERAL_YEARS,
    FEDERAL_ZONE,
    REGISTER,
    Entry,
    Version,
)
from coordinator.clocks.register_vectors import vectors_of


@dataclass
class SyncReport:
    """What a run added, and the rules it left alone because this clinic has versions of its own."""

    holidays: int = 0
    rules: int = 0
    versions: int = 0
    ended: int = 0
    tested: int = 0
    left_alone: list[str] = field(default_factory=list)


@transaction.atomic
def sync_register(entries: list[Entry] | None = None) -> SyncReport:
    """Add what the register has and the database has not. Running it again changes nothing."""
    entries = REGISTER if entries is None else entries
    report = SyncReport()
    with connection.cursor() as cursor:  # two deployments migrating at once take turns
        cursor.execute("select pg_advisory_xact_lock(hashtext('clocks.register'))")
    federal = _sync_federal_calendar(report)
    rules = _sync_rules(entries, report)
    stored: dict[Any, dict[int, RuleVersion]] = {}
    for row in RuleVersion.objects.all():
        stored.setdefault(row.rule_id, {})[row.version] = row
    missing = []
    for entry in entries:
        rule, known = rules[entry.key], stored.get(rules[entry.key].pk, {})
        if _is_own(known, entry):
            report.left_alone.append(entry.key)
            continue
        for number, version in enumerate(entry.versions, 1):
            if number not in known:
                missing.append(_row(rule, number, version, federal))
            elif version.until and known[number].effective_to is None:
                RuleVersion.objects.filter(pk=known[number].pk).update(effective_to=version.until)
                report.ended += 1
            if number in known:
                report.tested += _give_vectors(known[number], entry.key)
    report.versions = len(RuleVersion.objects.bulk_create(missing))
    return report


def _is_own(known: dict[int, RuleVersion], entry: Entry) -> bool:
    """True when this clinic has versions of its own: more than ship, or one that somebody here approved."""
    more = set(known) - set(range(1, len(entry.versions) + 1))
    return bool(more) or any(version.approved_at is not None for version in known.values())


def _give_vectors(version: RuleVersion, key: str) -> bool:
    wanted = [vector.as_data() for vector in vectors_of(key, version.version)]
    if not wanted or version.vectors == wanted:
        return False
    RuleVersion.objects.filter(pk=version.pk).update(vectors=wanted)
    return True


def load_after_migrate(sender: Any, apps: Any, using: str, **kwargs: Any) -> None:
    """`post_migrate`: sync, but only when the tables are as this code expects them (not half-way back)."""
    if using != "default":
        return
    for model in (BusinessCalendar, Holiday, Rule, RuleVersion):
        try:
            migrated = apps.get_model(model._meta.label)
        except LookupError:
            return
        if {f.column for f in migrated._meta.local_fields} != {f.column for f in model._meta.local_fields}:
            return
    sync_register()


def federal_holidays() -> dict[Any, str]:
    """Federal holidays with their observed days (Saturday's on Friday, Sunday's on Monday), by date."""
    return dict(holidays.country_holidays("US", years=FEDERAL_YEARS, language="en_US"))


def _sync_federal_calendar(report: SyncReport) -> BusinessCalendar:
    calendar, created = BusinessCalendar.objects.get_or_create(
        name=FEDERAL_CALENDAR, defaults={"zone": FEDERAL_ZONE}
    )
    if created:
        rows = [
            Holiday(calendar=calendar, date=day, name=name)
            for day, name in sorted(federal_holidays().items())
            if day.year in FEDERAL_YEARS
        ]
        report.holidays = len(Holiday.objects.bulk_create(rows))
    return calendar


def _sync_rules(entries: list[Entry], report: SyncReport) -> dict[str, Rule]:
    rules = {rule.key: rule for rule in Rule.objects.all()}
    missing = [Rule(key=e.key, title=e.title, area=e.area) for e in entries if e.key not in rules]
    report.rules = len(Rule.objects.bulk_create(missing))
    return rules | {rule.key: rule for rule in missing}


def _row(rule: Rule, number: int, version: Version, federal: BusinessCalendar) -> RuleVersion:
    return RuleVersion(
        rule=rule,
        version=number,
        effective_from=version.since,
        effective_to=version.until,
        kind=version.kind.value,
        params=version.params,
        calendar=federal if version.federal else None,
        source=version.source,
        verified=version.verified,
        vectors=[vector.as_data() for vector in vectors_of(rule.key, number)],
    )
