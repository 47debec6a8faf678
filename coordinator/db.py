"""What every app needs from the database: keys, records, locks, and sentences for its refusals."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import time
import uuid
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError, OperationalError, connection, models, transaction
from django.db.models.expressions import DatabaseDefault
from django.utils.translation import gettext as _

M = TypeVar("M", bound=models.Model)
F = TypeVar("F", bound=Callable[..., Any])


class Conflict(Exception):
    """Somebody or something else got there first. The text can be shown; HTTP 409.

    `extra` carries what helps to go on, such as the next free times.
    """

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.extra = extra


def uuid7() -> uuid.UUID:
    """A time-ordered random key (RFC 9562, version 7): 48 bits of milliseconds, 12 of their fraction, then random.

    The fraction (method 3 of the RFC) keeps rows written one after the other in one process in that order.
    Made here and not by the database so that PostgreSQL 15 works as well as 18.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | int.from_bytes(os.urandom(8), "big")
    value |= 0x7 << 76 | (rest * 4096 // 1_000_000) << 64
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class Record(models.Model):
    """A row that somebody made, with a version for "changed since you opened it" (If-Match)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


def lock(queryset: models.QuerySet[M] | models.Manager[M], pk: Any) -> M:
    """The row with this key, locked until the transaction ends; `move()` insists on it.

    Raises the model's DoesNotExist when the row is not in `queryset`.
    """
    record = queryset.select_for_update(of=("self",)).get(pk=pk)
    record._locked = True  # type: ignore[attr-defined]
    return record


# --- several records in one statement ----------------------------------------------------------------
# Statements by hand, for what every booking and every read does: the ORM needs longer to build one than
# PostgreSQL to answer it.


def columns(model: type[models.Model], alias: str, names: Sequence[str] = ()) -> str:
    """Columns for a statement by hand: of these fields, or of all in the order that `records()` expects."""
    fields = [model._meta.get_field(name) for name in names] or model._meta.concrete_fields
    return ", ".join(f'{alias}."{field.column}"' for field in fields)  # type: ignore[union-attr]


def records(row: Sequence[Any], *kinds: type[models.Model]) -> list[Any]:
    """The records that one row holds, as the ORM would load them; None where an outer join found nothing.

    For models without JSON columns: those need the ORM to be read.
    """
    values, found = iter(row), []
    for model in kinds:
        names = [field.attname for field in model._meta.concrete_fields]
        own = list(islice(values, len(names)))
        there = own[names.index(model._meta.pk.attname)] is not None
        found.append(model.from_db(connection.alias, names, own) if there else None)
    return found


def keys_of(rows: models.QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """The keys of these rows as a statement with its parameters, to stand inside one by hand."""
    try:
        return rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "select null::uuid where false", ()


def rows_of(
    model: type[models.Model], names: Sequence[str], where: str, params: Sequence[Any]
) -> list[dict[str, Any]]:
    """What `values(*names)` would answer for the rows (called r in `where`), by hand. `where` is never typed text."""
    statement = f'select {columns(model, "r", names)} from "{model._meta.db_table}" r where {where}'  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def insert_together(*rows: models.Model) -> None:
    """Insert rows, mostly of different tables, in one statement. Keys that the database makes are not read back."""
    parts, params = [], []
    for row in rows:
        names, values = _to_insert(row)
        marks = ", ".join(["%s"] * len(values))
        into = f'"{row._meta.db_table}" ({", ".join(names)})'
        parts.append(f"insert into {into} values ({marks})")  # noqa: S608  (names from the model, values as parameters)
        params += values
    before = ", ".join(f"row{number} as ({part})" for number, part in enumerate(parts[:-1]))
    with connection.cursor() as cursor:
        cursor.execute(f"with {before} {parts[-1]}" if before else parts[-1], params)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _to_insert(row: models.Model) -> tuple[list[str], list[Any]]:
    """Columns and values; what the database fills in itself is left out."""
    names, values = [], []
    for field in row._meta.concrete_fields:
        value = field.pre_save(row, add=True)
        if isinstance(value, DatabaseDefault) or (field.primary_key and value is None):
            continue
        names.append(f'"{field.column}"')
        values.append(field.get_db_prep_save(value, connection))
    return names, values


# --- locks and refusals -------------------------------------------------------------------------------


def is_locked(record: models.Model) -> bool:
    """True when `lock()` fetched this object inside a transaction that is still open."""
    return getattr(record, "_locked", False) and connection.in_atomic_block


def advisory_lock(*resources: tuple[str, Any]) -> None:
    """Lock resources such as ("practitioner", id) for this transaction, always in one sorted order.

    Sorting by kind rank, then key, is what keeps two bookings of the same three resources from
    deadlocking; the exclusion constraints stay the judge.
    """
    order = ("site", "practitioner", "room", "patient")
    wanted = sorted(
        {(kind, str(key)) for kind, key in resources if key is not None},
        key=lambda r: (order.index(r[0]), r[1]),
    )
    numbers = [(order.index(kind) + 1, zlib.crc32(f"{kind}:{key}".encode()) - 2**31) for kind, key in wanted]
    if numbers:
        # One statement: its columns are worked out from left to right.
        locks = ", ".join(["pg_advisory_xact_lock(%s, %s)"] * len(numbers))
        with refusals(), connection.cursor() as cursor:
            cursor.execute(f"select {locks}", [part for pair in numbers for part in pair])


UNIQUE, EXCLUSION, LOCK_TIMEOUT, DEADLOCK, STATEMENT_TIMEOUT = "23505", "23P01", "55P03", "40P01", "57014"


def sqlstate(error: BaseException) -> str | None:
    return getattr(error.__cause__, "pgcode", None)


@contextlib.contextmanager
def refusals(**sentences: str) -> Iterator[None]:
    """Turn the database's refusals into `Conflict` with a sentence.

    `sentences` maps a constraint name to the sentence for it. Deadlocks pass through, for
    `retry_deadlocks` to see them.
    """
    try:
        yield
    except DatabaseError as error:
        state = sqlstate(error)
        if state in (UNIQUE, EXCLUSION):
            constraint = error.__cause__.diag.constraint_name or ""  # type: ignore[union-attr]
            raise Conflict(
                sentences.get(constraint, _("Someone else saved this first. Nothing was changed.")),
                constraint=constraint,
            ) from error
        if state == LOCK_TIMEOUT:
            raise Conflict(_("Somebody is saving the same record. Please try again.")) from error
        raise


def retry_deadlocks(service: F) -> F:
    """Run a whole service again when PostgreSQL chose it as the deadlock's victim, at most 3 times."""

    @functools.wraps(service)
    def retrying(*args: Any, **kwargs: Any) -> Any:
        for attempt in range(3):
            try:
                return service(*args, **kwargs)
            except OperationalError as error:
                inside = connection.in_atomic_block
                if sqlstate(error) != DEADLOCK or inside:
                    raise
                if attempt == 2:
                    raise Conflict(_("The clinic is very busy just now. Please try again.")) from error
        raise AssertionError("unreachable")

    return retrying  # type: ignore[return-value]


def require_transaction() -> None:
    """Fail loudly when a service forgot `@transaction.atomic`."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("This needs an open transaction.")


def db_now() -> datetime:
    """The database's clock (UTC). Leases use it, so that a worker with a wrong clock harms nobody."""
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        return cursor.fetchone()[0]


def asked_rows(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement with %(name)s in it."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


# What a value of Python is to PostgreSQL, in this order: a datetime is a date and a bool an int.
TYPES = (
    (bool, "boolean"),
    (int, "bigint"),
    (str, "text"),
    (uuid.UUID, "uuid"),
    (datetime, "timestamptz"),
    (date, "date"),
    (list, "text[]"),
)
# The names of the statements that each open connection has planned.
_planned: weakref.WeakKeyDictionary[Any, set[str]] = weakref.WeakKeyDictionary()


def planned_rows(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement with %(name)s in it, which the database plans once for a connection and not each time.

    For the few wide statements that pages ask again and again: planning one of a page's length took the database ten
    times as long as its answer. Values are texts, lists of texts, whole numbers, keys, moments and dates, never None.
    """
    types = {
        name: next(of for kind, of in TYPES if isinstance(value, kind)) for name, value in params.items()
    }
    name = "planned_" + hashlib.md5(f"{sql}{types}".encode(), usedforsecurity=False).hexdigest()
    with connection.cursor() as cursor:
        known = _planned.setdefault(connection.connection, set())
        if name not in known:
            numbered = sql % {param: f"${number}" for number, param in enumerate(params, 1)}
            # Not through Django's cursor: this is set-up, not one of the page's questions.
            with connection.wrap_database_errors, connection.connection.cursor() as raw:
                raw.execute(f"prepare {name} ({', '.join(types.values())}) as {numbered}")
            known.add(name)
        cursor.execute(f"execute {name} ({', '.join(['%s'] * len(params))})", list(params.values()))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
