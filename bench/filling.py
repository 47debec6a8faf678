"""Rows by set-based SQL: how the generator of a clinic fills a table, whatever it is about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import connection, models

if TYPE_CHECKING:
    from bench.generate import Clinic

SITES, PRACTITIONERS_PER_SITE, COORDINATORS_PER_SITE = 3, 20, 20
MOST_VISITS = 100_000
SLOTS_A_DAY, TAKEN_A_DAY = 16, 12  # half hours from 8 to 12 and 1 to 5; three of four are taken
ZONE = "America/Chicago"

# A key in time order, as coordinator.db.uuid7 makes them, but worked out from a number.
KEY = """
create or replace function pg_temp.key(kind int, i bigint) returns uuid language sql immutable as $$
  select (lpad(to_hex(1700000000000 + i), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
          || '8' || substr(md5(kind || ':' || i), 1, 15))::uuid $$
"""
# A number from 0 to 1 that looks like chance, the same on every run.
CHANCE = """
create or replace function pg_temp.chance(what text, i bigint) returns float8 language sql immutable as $$
  select ('x' || substr(md5(what || i), 1, 8))::bit(32)::bigint / 4294967296.0 $$
"""
PATIENT, TASK, VISIT, REFERRAL, CLOCK, PHONE, CONTACT, COVERAGE, NUMBER, REQUEST, LINE = range(1, 12)
DATE = 20  # and the kind of the record that it is a date of


def insert(model: type[models.Model], source: str, params: list[Any] | None = None, **columns: str) -> int:
    """Insert from a select. `columns` are SQL for named fields; the rest get the model's own defaults."""
    values = {}
    for field in model._meta.concrete_fields:
        if field.name in columns:
            values[field.column] = columns[field.name]
        elif not isinstance(field, models.AutoField):
            values[field.column] = _default(field)
    names = ", ".join(f'"{name}"' for name in values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into {model._meta.db_table} ({names}) select {', '.join(values.values())} {source}",
            params,
        )
        return cursor.rowcount


@contextlib.contextmanager
def without_indexes(*tables: str) -> Iterator[None]:
    """Fill first, index afterwards: several times quicker. Primary and unique keys stay."""
    again = []
    with connection.cursor() as cursor:
        cursor.execute(
            """select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
                where contype = 'x' and conrelid::regclass::text = any(%s)""",
            [list(tables)],
        )
        for table, name, definition in cursor.fetchall():
            cursor.execute(f'alter table {table} drop constraint "{name}"')
            again.append(f'alter table {table} add constraint "{name}" {definition}')
        cursor.execute(
            """select x.indexname, x.indexdef from pg_indexes x
                where x.schemaname = 'public' and x.tablename = any(%s)
                  and not exists (select 1 from pg_constraint c where c.conindid = format('%%I', x.indexname)::regclass)""",
            [list(tables)],
        )
        for name, definition in cursor.fetchall():
            cursor.execute(f'drop index "{name}"')
            again.append(definition)
    yield
    with connection.cursor() as cursor:
        cursor.execute("set maintenance_work_mem = '256MB'")
        for statement in again:
            cursor.execute(statement)


def _default(field: Any) -> str:
    if isinstance(field, models.DateTimeField) and (field.auto_now or field.auto_now_add):
        return "now()"
    if field.has_default() and not callable(field.default):
        value = getattr(field.default, "value", field.default)
        return f"'{value}'" if isinstance(value, str) else str(value).lower()
    if isinstance(field, models.JSONField):
        return f"'{'[]' if field.default is list else '{}'}'::jsonb"
    if field.null:
        return "null"
    if isinstance(field, (models.CharField, models.TextField, models.FileField)):
        return "''"
    if hasattr(field, "base_field"):
        return "'{}'"
    raise ValueError(f"Say what {field.model.__name__}.{field.name} holds.")


def clock_zone() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(ZONE)


def array(values: list[Any], kind: str) -> str:
    quoted = [str(v) if kind == "bigint" else "'" + str(v).replace("'", "''") + "'" for v in values]
    return f"(array[{', '.join(quoted)}])::{kind}[]"


def of_site(lists: list[list[Any]], number: str, kind: str) -> str:
    """SQL for the element `number` of the list of the row's site (i % 3)."""
    cases = " ".join(
        f"when {n} then ({array(values, kind)})[1 + ({number}) % {len(values)}]"
        for n, values in enumerate(lists)
    )
    return f"case i % {SITES} {cases} end"


def site_of(clinic: Clinic) -> str:
    return f"({array([site.pk for site in clinic.sites], 'uuid')})[1 + i % {SITES}]"
