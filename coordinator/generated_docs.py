"""docs/workflows.md and docs/permissions.md, written from the tables the code itself uses."""

from __future__ import annotations

from collections.abc import Callable

from django.apps import apps
from django.db.models import Model
from django.utils import translation

from coordinator.accounts.roles import EVERY_PERMISSION, PERMISSIONS, Role
from coordinator.workflow import Step, Workflow

NOTE = "<!-- Written by `manage.py write_docs`. Change the tables in the code, then run it again. -->\n"
WORKFLOWS_INTRO = (
    "Every status moves through `coordinator.workflow.move()`, one step of these tables at a time. The diagrams "
    "leave out the step for what was entered in error: it starts at every status and needs a reason.\n"
)
PERMISSIONS_INTRO = (
    "A permission says what kind of thing (`coordinator/accounts/roles.py`); which rows is decided by "
    "`visible_to()`: a person sees the patients, work and visits of their own sites. What somebody may not "
    "know exists answers 404, what their role does not include answers 403.\n"
)


def pages() -> dict[str, str]:
    """File name -> text."""
    writers: dict[str, Callable[[], str]] = {"workflows.md": workflows, "permissions.md": permissions}
    with translation.override("en"):
        return {name: write() for name, write in writers.items()}


# --- workflows ------------------------------------------------------------------------------------------


def models_with_workflow() -> list[type[Model]]:
    found = [m for m in apps.get_models() if isinstance(getattr(m, "workflow", None), Workflow)]
    return sorted(found, key=lambda m: (m._meta.app_label, m.__name__))


def workflows() -> str:
    parts = [
        "# Statuses and steps\n",
        NOTE,
        WORKFLOWS_INTRO,
    ]
    for model in models_with_workflow():
        parts += [_heading(model), _diagram(model), _table(model)]
    return "\n".join(parts)


def _heading(model: type[Model]) -> str:
    return f"## {model.__name__}\n\n`{model.__module__.split('.models')[0]}`: {_first_line(model)}\n"


def _first_line(model: type[Model]) -> str:
    words = (model.__doc__ or "").strip().splitlines()
    own = words[0] if words and not words[0].startswith(f"{model.__name__}(") else ""
    return own or f"statuses of {model._meta.verbose_name}."


def _is_error(step: Step) -> bool:
    return step.to in ("entered_in_error", "void")


def _diagram(model: type[Model]) -> str:
    """A Mermaid state diagram; the arrows into "entered in error" are left out, they start everywhere."""
    workflow: Workflow = model.workflow  # type: ignore[attr-defined]
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {workflow.initial}"]
    for step in workflow.steps:
        if not _is_error(step):
            lines += [f"    {source} --> {step.to}: {step.name}" for source in step.sources]
    ends = workflow.terminal() - {step.to for step in workflow.steps if _is_error(step)}
    lines += [f"    {status} --> [*]" for status in workflow.statuses.values if status in ends]
    return "\n".join([*lines, "```", ""])


def _table(model: type[Model]) -> str:
    workflow: Workflow = model.workflow  # type: ignore[attr-defined]
    words = dict(zip(workflow.statuses.values, workflow.statuses.labels, strict=True))
    lines = ["| Step | On screen | From | To | Needs |", "| --- | --- | --- | --- | --- |"]
    for step in workflow.steps:
        sources = "every other" if _is_error(step) else ", ".join(str(words[s]) for s in step.sources)
        needs = ", ".join(f"`{need}`" for need in step.needs)
        lines.append(f"| `{step.name}` | {step.label} | {sources} | {words[step.to]} | {needs} |")
    return "\n".join([*lines, ""])


# --- permissions ----------------------------------------------------------------------------------------


def permissions() -> str:
    roles = list(Role)
    head = "| Permission | " + " | ".join(str(role.label) for role in roles) + " |"
    lines = [
        "# Who may do what\n",
        NOTE,
        PERMISSIONS_INTRO,
        head,
        "| --- |" + " :---: |" * len(roles),
    ]
    for permission in sorted(EVERY_PERMISSION):
        marks = ("yes" if permission in PERMISSIONS[role] else "" for role in roles)
        lines.append(f"| `{permission}` | " + " | ".join(marks) + " |")
    lines.append(
        "\nAn API client acts as an account of its own with the role above, narrowed again by its token's scopes. "
        "Every address, method and role is tried in `coordinator/tests/test_permission_matrix.py`.\n"
    )
    return "\n".join(lines)
