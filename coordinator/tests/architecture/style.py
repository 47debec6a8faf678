"""What keeps the tree readable and its logs and pages free of names."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from coordinator.tests.architecture.source import (
    Found,
    Rule,
    has_role,
    is_migration,
    is_ours,
    name_of,
    walk,
)


def no_drawer_for_everything(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if {"utils", "helpers", "misc", "common"} & {part.removesuffix(".py") for part in path.parts}:
        yield 1, "there is no utils.py: a helper lives next to its user"


MIGRATION = re.compile(r"^\d{4}_(?!auto_|.*_and_more$)[a-z0-9_]{3,}$")


def migrations_are_named(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if is_migration(path) and path.name != "__init__.py" and not MIGRATION.match(path.stem):
        yield 1, "name the migration after what it does"


LOGGERS = ("log", "logger", "logging")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


def logs_carry_no_built_text(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    """An f-string in a log call is how a name gets into a log; arguments are ids and are seen in review."""
    if not is_ours(path):
        return
    for node in walk(tree, ast.Call):
        owner, _, level = name_of(node.func).rpartition(".")
        first = node.args[0] if node.args else None
        if owner in LOGGERS and level in LEVELS and isinstance(first, (ast.JoinedStr, ast.BinOp)):
            yield node.lineno, "a log line built from values; pass ids as arguments"


SAFE_MAKERS = ("coordinator/templatetags/", "coordinator/toasts.py")


def html_is_made_by_templates(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path):
        return
    for node in walk(tree, ast.Name, ast.Attribute):
        word = node.id if isinstance(node, ast.Name) else node.attr
        if word == "mark_safe" and not str(path).startswith(SAFE_MAKERS):
            yield node.lineno, "mark_safe outside the template tags"
        if word == "csrf_exempt":
            yield node.lineno, "csrf_exempt"


VIEW_LINES = 32  # "about 25", with its decorators and docstring


def _is_view(node: ast.FunctionDef) -> bool:
    first = node.args.args[:1]
    return bool(first) and first[0].arg == "request" and not node.name.startswith("_")


def views_are_short(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path) or not has_role(path, "views", "view"):
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _is_view(node):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > VIEW_LINES:
                yield node.lineno, f"{node.name} has {length} lines; a view reads, calls and answers"


FILE_LINES = 450  # "about 400"
LONG_FILES = {
    "coordinator/clocks/register.py": "data: every rule with its source",
    "coordinator/fhir/mapping.py": "one function per FHIR type, read side by side with the standard",
}


def files_are_short(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if is_ours(path) and str(path) not in LONG_FILES and source.count("\n") > FILE_LINES:
        yield 1, f"{source.count(chr(10))} lines; split it by noun"


RULES = [
    Rule(
        "no drawer for everything",
        no_drawer_for_everything,
        planted=(("patients/utils.py", ""), ("coordinator/helpers/x.py", "")),
    ),
    Rule(
        "migrations are named",
        migrations_are_named,
        planted=(
            ("patients/migrations/0002_auto_20261121_2301.py", ""),
            ("patients/migrations/0003_alter_patient_sex_and_more.py", ""),
        ),
        fine=(("patients/migrations/0002_coverage_expiry.py", ""),),
    ),
    Rule(
        "log lines carry ids as arguments",
        logs_carry_no_built_text,
        planted=(
            ("patients/x.py", "log.info(f'seen {patient.name}')"),
            ("patients/x.py", "logger.warning('seen ' + patient.name)"),
        ),
        fine=(("patients/x.py", "log.info('seen %s', patient.pk)"),),
    ),
    Rule(
        "HTML is made by templates",
        html_is_made_by_templates,
        planted=(
            ("patients/views.py", "x = mark_safe('<b>')"),
            ("coordinator/api/views.py", "@csrf_exempt\ndef f(request): ..."),
        ),
        fine=(("coordinator/templatetags/ui.py", "x = mark_safe('<b>')"),),
    ),
    Rule(
        "views are short",
        views_are_short,
        planted=(("patients/views.py", "def f(request):\n" + "    x()\n" * VIEW_LINES),),
        fine=(("patients/views.py", "def f(request):\n    return page()\n"),),
    ),
    Rule(
        "files are short",
        files_are_short,
        planted=(("patients/selectors.py", "x = 1\n" * (FILE_LINES + 1)),),
    ),
]
