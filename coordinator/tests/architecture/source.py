"""The rules of docs/architecture.md as checks over source text. Each finds violations as (line, sentence)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[3]
APPS = ("patients", "careplans", "referrals", "scheduling")  # lowest first
LAYERS = ("floor", *APPS, "roof")
FLOOR_PACKAGES = ("accounts", "audit", "clocks", "messaging", "templatetags", "formats")
FLOOR_MODULES = (
    "db",
    "workflow",
    "http",
    "fields",
    "files",
    "filters",
    "toasts",
    "wording",
    "hints",
    "managed_lists",
    "uploads",
    "paper",
    "context",
    "celery",
)

Found = Iterator[tuple[int, str]]
Check = Callable[[PurePosixPath, str, ast.Module], Found]


@dataclass(frozen=True)
class Rule:
    """`planted` is (path, source) that breaks the rule; `fine` is a twin that does not."""

    name: str
    check: Check
    planted: tuple[tuple[str, str], ...]
    fine: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The name alone: test ids must be the same in every worker."""
        return self.name


def python_files() -> list[Path]:
    found = [ROOT / "manage.py"]
    for package in ("coordinator", *APPS, "bench", "faults"):
        found += sorted((ROOT / package).rglob("*.py"))
    return [path for path in found if path.exists()]


def violations(rule: Rule, path: str, source: str, tree: ast.Module | None = None) -> list[str]:
    """`tree` is the source as it was parsed before, when somebody did."""
    pure, parsed = PurePosixPath(path), tree or ast.parse(source)
    return [f"{path}:{line}: {words}" for line, words in rule.check(pure, source, parsed)]


# --- where a module stands ----------------------------------------------------------------------------------


def layer(module: str) -> str | None:
    """The layer of a dotted module of ours; None for everybody else's."""
    first, _, rest = module.partition(".")
    if first in APPS:
        return first
    if first != "coordinator":
        return None
    second = rest.partition(".")[0]
    return "floor" if not second or second in FLOOR_PACKAGES + FLOOR_MODULES else "roof"


def dotted(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def is_test(path: PurePosixPath) -> bool:
    return "tests" in path.parts


def is_migration(path: PurePosixPath) -> bool:
    return "migrations" in path.parts


def is_ours(path: PurePosixPath) -> bool:
    """Code of the product itself: not tests, migrations, the development servers or benchmarks."""
    return (
        path.parts[0] in ("coordinator", *APPS)
        and not is_test(path)
        and not is_migration(path)
        and path.parts[:2] != ("coordinator", "devserver")
    )


def has_role(path: PurePosixPath, *roles: str) -> bool:
    """True for services.py, services/…, team_services.py and, in the roof, services of one page."""
    names = [part.removesuffix(".py") for part in path.parts]
    return any(name == role or name.endswith(f"_{role}") for name in names for role in roles)


def is_doorway(path: PurePosixPath) -> bool:
    """Pages, forms and the API: where records are reached through visible_to() only."""
    doors = ("views", "view", "forms", "serializers", "viewsets")
    return (
        has_role(path, *doors)
        or path.name == "api.py"
        or (path.parts[:2] == ("coordinator", "api") and path.name in ("resources.py", "filters.py"))
    )


def walk(tree: ast.AST, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def name_of(node: ast.AST) -> str:
    """`a.b.c` of a chain of names, calls skipped: `A.objects.filter(x).first` is "A.objects.filter.first"."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return name_of(node.func)
    return node.id if isinstance(node, ast.Name) else ""


def imports(tree: ast.Module) -> Iterator[tuple[int, str, int]]:
    """(line, module, level) of every import, also those inside functions."""
    for node in walk(tree, ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, 0) for alias in node.names)
        else:
            base = node.module or ""
            yield node.lineno, base, node.level
            if base == "coordinator":  # from coordinator import demo
                yield from ((node.lineno, f"{base}.{alias.name}", 0) for alias in node.names)
