"""How records are written and reached: statuses by one door, rows through visible_to, the audit by its page."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from django.apps import apps

from coordinator.tests.architecture.source import (
    Found,
    Rule,
    is_doorway,
    is_ours,
    name_of,
    walk,
)

# Rows that no person steps through: a job claims and finishes them by conditional update.
OWN_STATUS = (
    "coordinator/messaging/",
    "coordinator/imports/",
    "coordinator/api/idempotency.py",
    "coordinator/dashboard/night",
    "coordinator/dashboard/run",
    "coordinator/record/services.py",
)


def status_moves_through_one_door(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path) or str(path) == "coordinator/workflow.py":
        return
    own = str(path).startswith(OWN_STATUS)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                if not own and any(isinstance(p, ast.Attribute) and p.attr == "status" for p in parts):
                    yield node.lineno, "assigns .status; use workflow.move()"
        if isinstance(node, ast.Call):
            called = name_of(node.func).rpartition(".")[2]
            words = {k.arg for k in node.keywords}
            texts = {c.value for c in ast.walk(node) if isinstance(c, ast.Constant)}
            if called in ("setattr", "__setattr__") and "status" in {
                a.value for a in node.args if isinstance(a, ast.Constant)
            }:
                yield node.lineno, "sets a status by setattr; use workflow.move()"
            if own:
                continue
            if called == "update" and "status" in words:
                yield node.lineno, "updates a status; use workflow.move()"
            if called in ("bulk_update", "update_or_create") and "status" in texts:
                yield node.lineno, f"{called} of a status; use workflow.move()"


def status_is_not_set_by_sql(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path) or str(path).startswith(OWN_STATUS):
        return
    for node in walk(tree, ast.Constant):
        if isinstance(node.value, str) and re.search(
            r"(?is)\bupdate\s+\w+.*\bset\b.*\bstatus\s*=", node.value
        ):
            yield node.lineno, "sets a status by SQL; use workflow.move()"


def _narrowed() -> set[str]:
    """Names of the models whose rows differ from person to person. Which models must be among them is checked
    by test_architecture on the models themselves."""
    return {
        model.__name__
        for model in apps.get_models()
        if callable(getattr(model._default_manager, "visible_to", None))
    }


def records_are_reached_through_visible_to(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path) or not is_doorway(path):
        return
    safe = {id(node.value) for node in walk(tree, ast.Attribute) if node.attr in ("visible_to", "none")}
    handed_over = _arguments_of(tree, "get_visible_or_404")
    narrowed = _narrowed()
    for node in walk(tree, ast.Attribute):
        manager = node.attr in ("objects", "_default_manager", "_base_manager")
        if not manager or not isinstance(node.value, ast.Name) or node.value.id not in narrowed:
            continue
        if id(node) in handed_over:
            continue
        if id(node) not in safe and not _chain_has_visible_to(tree, node):
            yield node.lineno, f"{node.value.id}.{node.attr} without visible_to(user)"
    for node in walk(tree, ast.Call):
        shortcut = name_of(node.func).rpartition(".")[2] in ("get_object_or_404", "get_list_or_404")
        if shortcut and node.args and name_of(node.args[0]).partition(".")[0] in narrowed:
            yield node.lineno, "use coordinator.http.get_visible_or_404"


def _arguments_of(tree: ast.Module, function: str) -> set[int]:
    """What is handed to a function by position: it calls visible_to() on it itself."""
    given = [
        call.args[0]
        for call in walk(tree, ast.Call)
        if name_of(call.func).rpartition(".")[2] == function and call.args
    ]
    names = {node.id for node in given if isinstance(node, ast.Name)}
    given += [
        assigned.value
        for assigned in walk(tree, ast.Assign)
        if any(isinstance(target, ast.Name) and target.id in names for target in assigned.targets)
    ]
    return {id(node) for expression in given for node in ast.walk(expression)}


def _chain_has_visible_to(tree: ast.Module, start: ast.AST) -> bool:
    """True when the expression that grows out of this node calls visible_to further on."""
    for call in walk(tree, ast.Attribute):
        if call.attr == "visible_to" and any(node is start for node in ast.walk(call.value)):
            return True
    return False


def nothing_of_the_request_names_a_column(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path):
        return
    for node in walk(tree, ast.Call):
        called = name_of(node.func).rpartition(".")[2]
        for keyword in node.keywords:
            names = {n.attr for n in walk(keyword.value, ast.Attribute)}
            if keyword.arg is None and names & {"GET", "POST", "data", "query_params"}:
                yield node.lineno, "request data expanded into keywords"
        named = {n.attr for a in node.args for n in walk(a, ast.Attribute)}
        if called in ("order_by", "values", "values_list", "annotate") and named & {"GET", "POST"}:
            yield node.lineno, f"{called}() takes its field from the request; choose from a list"


def audit_is_for_auditors(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    readers = ("coordinator/audit/", "coordinator/dashboard/audit")
    if not is_ours(path) or str(path).startswith(readers):
        return
    for node in walk(tree, ast.ImportFrom):
        if node.module == "coordinator.audit.models":
            yield (
                node.lineno,
                "only the auditor's page reads AuditEvent; a record's own history is its changes",
            )


RULES = [
    Rule(
        "status moves through one door",
        status_moves_through_one_door,
        planted=(
            ("patients/services.py", "patient.status = 'active'"),
            ("patients/services.py", "patient.status: str = 'active'"),
            ("patients/services.py", "a, task.status = 1, 'ready'"),
            ("careplans/x.py", "setattr(task, 'status', 'ready')"),
            ("careplans/x.py", "object.__setattr__(task, 'status', 'ready')"),
            ("careplans/x.py", "Task.objects.filter(pk=1).update(version=2, status='ready')"),
            ("careplans/x.py", "Task.objects.bulk_update(rows, ['status'])"),
            ("careplans/x.py", "Task.objects.update_or_create(pk=1, defaults={'status': 'ready'})"),
            ("coordinator/messaging/x.py", "setattr(task, 'status', 'ready')"),
        ),
        fine=(
            ("careplans/x.py", "response.status_code = 422\nstatus = task.status\nf(status=status)"),
            ("careplans/x.py", "Task.objects.filter(status='ready').update(version=2)"),
            ("coordinator/messaging/delivery.py", "rows.update(status='sent')"),
        ),
    ),
    Rule(
        "status is not set by SQL",
        status_is_not_set_by_sql,
        planted=(("careplans/x.py", "cursor.execute('update careplans_task set version = 2, status = %s')"),),
        fine=(("careplans/x.py", "cursor.execute('select * from careplans_task where status = %s')"),),
    ),
    Rule(
        "records are reached through visible_to",
        records_are_reached_through_visible_to,
        planted=(
            ("patients/views.py", "p = Patient.objects.get(pk=pk)"),
            ("patients/views/search.py", "p = Patient.objects.filter(pk=pk).first()"),
            ("patients/forms.py", "queryset = Patient.objects.all()"),
            ("coordinator/api/views.py", "queryset = Task._default_manager.filter(site=1)"),
            ("coordinator/dashboard/audit_view.py", "p = get_object_or_404(Patient, pk=pk)"),
        ),
        fine=(
            ("patients/views.py", "p = Patient.objects.visible_to(user).filter(pk=1)"),
            ("patients/views.py", "p = Patient.objects.filter(pk=1).select_related('site').visible_to(user)"),
            (
                "patients/views.py",
                "p = get_visible_or_404(Patient.objects.select_related('site'), user, pk=1)",
            ),
            ("patients/views.py", "rows = Patient.objects.filter(pk=1)\nget_visible_or_404(rows, user)"),
            ("patients/forms.py", "queryset = Patient.objects.none()"),
            ("patients/selectors.py", "p = Patient.objects.get(pk=pk)"),
            ("scheduling/forms.py", "queryset = Service.objects.filter(is_active=True)"),
        ),
    ),
    Rule(
        "nothing of the request names a column",
        nothing_of_the_request_names_a_column,
        planted=(
            ("patients/views.py", "Patient.objects.visible_to(u).filter(**request.GET.dict())"),
            ("patients/views.py", "people.order_by(request.GET['sort'])"),
        ),
        fine=(("patients/views.py", "people.order_by(ORDERS[key])\nservice(**form.cleaned_data)"),),
    ),
    Rule(
        "the audit trail is read by its own page only",
        audit_is_for_auditors,
        planted=(("patients/selectors.py", "from coordinator.audit.models import AuditEvent"),),
        fine=(("patients/services.py", "from coordinator.audit import services as audit"),),
    ),
]
