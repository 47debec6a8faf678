"""Django's `migrate`, which builds a new database in a fraction of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

ADDING = ("add_model", "add_field", "add_index", "add_constraint")


class Command(DjangoMigrate):
    """An empty database is built with `one_model_at_a_time`; a database in use is changed exactly as Django does it."""

    def handle(self, *args: Any, **options: Any) -> None:
        recorder = MigrationRecorder(connections[options["database"]])
        if recorder.applied_migrations():
            super().handle(*args, **options)
            return
        with one_model_at_a_time():
            super().handle(*args, **options)


@contextmanager
def one_model_at_a_time() -> Iterator[None]:
    """Whatever a migration adds to a model, only that model is made anew in memory, not all that are related to it.

    Nearly every table here points to a person, so Django makes nearly every model anew for each new column, index and
    constraint: nine tenths of the time of a first start. The statements are the same. State that another kind of
    operation reads (a data migration, a changed or removed column) is made whole by Django before it: that is what
    `is_delayed` asks for. `FROM_ONE_MODEL=1 bin/test coordinator/tests/test_migrate.py` compares both ways.
    """
    usual = {name: getattr(ProjectState, name) for name in ADDING}
    for name, method in usual.items():
        setattr(ProjectState, name, _alone(method))
    try:
        yield
    finally:
        for name, method in usual.items():
            setattr(ProjectState, name, method)


def _alone(method: Callable[..., None]) -> Callable[..., None]:
    def add(state: ProjectState, *args: Any, **options: Any) -> None:
        # On this one state, for this one call: it stands before the method of the class.
        state._find_reload_model = partial(_itself, state)  # type: ignore[attr-defined]
        try:
            method(state, *args, **options)
        finally:
            del state._find_reload_model  # type: ignore[attr-defined]

    return add


def _itself(
    state: ProjectState, app_label: str, model_name: str, delay: bool = False
) -> set[tuple[str, str]]:
    state.is_delayed = True
    return {(app_label, model_name)}
