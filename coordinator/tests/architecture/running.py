"""Time, services, jobs and consequences."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from coordinator.tests.architecture.source import (
    Found,
    Rule,
    has_role,
    is_ours,
    name_of,
    walk,
)

# A run of many minutes notes when each part was done; the start's `now` would be wrong by then.
LONG_RUNNING = ("coordinator/imports/services/runs.py", "coordinator/imports/services/caseload_work.py")
CLOCKS = ("timezone.now", "timezone.localdate", "datetime.now", "datetime.datetime.now", "date.today")


def only_doorways_read_the_clock(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if (
        not is_ours(path)
        or str(path) in LONG_RUNNING
        or not has_role(path, "services", "rules", "selectors", "workflow", "models", "reactions")
    ):
        return
    for node in walk(tree, ast.Call):
        if name_of(node.func) in CLOCKS and not node.args:
            yield node.lineno, f"{name_of(node.func)}() inside; take `now` as an argument"


def services_are_keyword_only_and_say_who(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if (
        not is_ours(path)
        or str(path) in LONG_RUNNING
        or not has_role(path, "services")
        or path.name == "__init__.py"
    ):
        return
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        if "transaction.atomic" not in {name_of(d) for d in node.decorator_list}:
            continue
        arguments = {a.arg for a in node.args.kwonlyargs}
        if node.args.args or node.args.posonlyargs:
            yield node.lineno, f"{node.name}() takes arguments by position"
        for needed in ("by", "now"):
            if needed not in arguments:
                yield node.lineno, f"{node.name}() writes but takes no `{needed}`"


HINTS = ("coordinator/hints.py", "coordinator/messaging/services.py")


def jobs_are_started_by_a_hint(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path):
        return
    for node in walk(tree, ast.Call):
        called = name_of(node.func).rpartition(".")[2]
        words = {k.arg for k in node.keywords}
        if called in ("delay", "apply_async", "send_task", "delay_on_commit") and str(path) not in HINTS:
            yield node.lineno, f".{called}() outside coordinator.hints"
        if called in ("apply_async", "signature", "s") and words & {"eta", "countdown"}:
            yield node.lineno, "a broker is not a calendar: no eta, no countdown"


JOB_ARGUMENT = re.compile(r"(^|_)(id|ids|on|day|period|limit|number)$")
JOB_LINES = 10


def jobs_are_short_and_take_ids(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    if not is_ours(path):
        return
    for node in walk(tree, ast.FunctionDef):
        if not any(name_of(d).rpartition(".")[2] in ("shared_task", "task") for d in node.decorator_list):
            continue
        if path.name != "jobs.py":
            yield node.lineno, f"{node.name}: Celery's doorways stand in jobs.py"
        first = node.body[1] if len(node.body) > 1 and ast.get_docstring(node) else node.body[0]
        if (node.end_lineno or 0) - first.lineno + 1 > JOB_LINES:
            yield node.lineno, f"{node.name} is longer than {JOB_LINES} lines; call a service"
        for argument in [*node.args.args, *node.args.kwonlyargs]:
            if argument.arg != "self" and not JOB_ARGUMENT.search(argument.arg):
                yield node.lineno, f"{node.name}({argument.arg}): jobs take ids only"


NETWORK_CALLS = {"send_mail", "send_mass_mail", "urlopen", "send_messages", "create_connection"}


def no_network_inside_a_transaction(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    """A heuristic: calls that are known to leave the building, written inside atomic code."""
    if not is_ours(path):
        return
    for block in walk(tree, ast.FunctionDef, ast.With):
        if isinstance(block, ast.FunctionDef):
            atomic = "transaction.atomic" in {name_of(d) for d in block.decorator_list}
        else:
            atomic = "transaction.atomic" in {name_of(i.context_expr) for i in block.items}
        for node in walk(block, ast.Call) if atomic else ():
            called = name_of(node.func)
            if called.rpartition(".")[2] in NETWORK_CALLS or called.partition(".")[0] in (
                "requests",
                "httpx",
            ):
                yield node.lineno, f"{called}() inside a transaction"


def receivers_listen_to_moved(path: PurePosixPath, source: str, tree: ast.Module) -> Found:
    """`reactions.py` hears `moved`; the sign-in library's signals are heard in one module for the audit."""
    if not is_ours(path) or str(path) == "coordinator/accounts/sign_in_audit.py":
        return
    for node in walk(tree, ast.Call):
        called = name_of(node.func)
        if called.rpartition(".")[2] == "receiver" and node.args:
            signals = node.args[0].elts if isinstance(node.args[0], ast.List) else [node.args[0]]
            if any(name_of(s).rpartition(".")[2] != "moved" for s in signals):
                yield node.lineno, "receives a signal that is not `moved`"
            elif path.name != "reactions.py" and "reactions" not in path.parts:
                yield node.lineno, "reacts outside reactions.py"


RULES = [
    Rule(
        "only doorways read the clock on the wall",
        only_doorways_read_the_clock,
        planted=(
            ("patients/services.py", "at = timezone.now()"),
            ("careplans/rules.py", "at = datetime.datetime.now()"),
            ("scheduling/selectors/x.py", "on = timezone.localdate()"),
        ),
        fine=(
            ("patients/views.py", "at = timezone.now()"),
            ("patients/rules.py", "on = timezone.localdate(now, zone)"),
        ),
    ),
    Rule(
        "services are keyword-only and say who and when",
        services_are_keyword_only_and_say_who,
        planted=(
            ("patients/services.py", "@transaction.atomic\ndef f(patient, *, by, now): ..."),
            ("patients/services/x.py", "@transaction.atomic\ndef f(*, patient_id, now): ..."),
            ("patients/services.py", "@transaction.atomic\ndef f(*, patient_id, by): ..."),
        ),
        fine=(("patients/services.py", "@transaction.atomic\ndef f(*, patient_id, by, now): ..."),),
    ),
    Rule(
        "jobs are started by a hint after the commit",
        jobs_are_started_by_a_hint,
        planted=(
            ("patients/services.py", "job.delay(1)"),
            ("patients/services.py", "app.send_task('x')"),
            ("coordinator/hints.py", "job.apply_async(eta=later)"),
        ),
        fine=(("coordinator/hints.py", "job.apply_async(args=ids, retry=False)"),),
    ),
    Rule(
        "jobs are short and take ids",
        jobs_are_short_and_take_ids,
        planted=(
            ("patients/services.py", "@shared_task(name='x')\ndef f(): ..."),
            ("patients/jobs.py", "@shared_task\ndef f(patient): ..."),
            ("patients/jobs.py", "@shared_task(name='x')\ndef f(phone_number_text): ..."),
            ("patients/jobs.py", "@app.task\ndef f():\n" + "    x()\n" * 11),
        ),
        fine=(
            ("patients/jobs.py", '@shared_task(name="x")\ndef f(run_id: str):\n    """Words."""\n    x()\n'),
        ),
    ),
    Rule(
        "no network inside a transaction",
        no_network_inside_a_transaction,
        planted=(
            ("patients/services.py", "@transaction.atomic\ndef f():\n    send_mail('a', 'b', 'c', [])"),
            ("patients/services.py", "with transaction.atomic():\n    requests.post('x')"),
        ),
        fine=(("patients/services.py", "def f():\n    send_mail('a', 'b', 'c', [])"),),
    ),
    Rule(
        "receivers listen to moved",
        receivers_listen_to_moved,
        planted=(
            ("careplans/reactions.py", "@receiver(post_save)\ndef f(**kw): ..."),
            ("careplans/models.py", "@receiver(moved)\ndef f(**kw): ..."),
        ),
        fine=(("careplans/reactions.py", "@receiver(moved, sender=Patient)\ndef f(**kw): ..."),),
    ),
]
