"""Give the application's database role what it needs and no more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from psycopg2 import sql

# Rows that are history: the application may add and read, never change or remove.
INSERT_ONLY = ("audit_auditevent", "clocks_clockevent")


class Command(BaseCommand):
    help = (
        "Grant the application's role its rights (insert-only on the audit trail). Run as the tables' owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role")

    @transaction.atomic
    def handle(self, *args: Any, role: str, **options: Any) -> None:
        name = sql.Identifier(role)
        with connection.cursor() as cursor:
            for statement in (
                "grant usage on schema public to {}",
                "grant select, insert, update, delete on all tables in schema public to {}",
                "grant usage, select on all sequences in schema public to {}",
            ):
                cursor.execute(sql.SQL(statement).format(name))
            for table in (*INSERT_ONLY, *self._change_tables()):
                cursor.execute(
                    sql.SQL("revoke update, delete, truncate on {} from {}").format(
                        sql.Identifier(table), name
                    )
                )
            cursor.execute(sql.SQL("revoke insert, update, delete on django_migrations from {}").format(name))
        self.stdout.write(f"{role} may use the application's tables; the audit trail is insert-only for it.")

    @staticmethod
    def _change_tables() -> list[str]:
        from django.apps import apps

        from coordinator.workflow import Change

        return [m._meta.db_table for m in apps.get_models() if issubclass(m, Change)]
