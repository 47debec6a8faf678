"""Write the generated pages of docs/, or check that they are current."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coordinator.generated_docs import pages

FOLDER = settings.BASE_DIR / "docs"


class Command(BaseCommand):
    help = "Write docs/workflows.md and docs/permissions.md from the code; --check fails when they are stale."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        stale = [name for name, text in pages().items() if _read(name) != text]
        if check and stale:
            raise CommandError(f"Stale: {', '.join(stale)} in docs/. Run manage.py write_docs.")
        for name in stale:
            (FOLDER / name).write_text(pages()[name], encoding="utf-8")
            self.stdout.write(f"wrote docs/{name}")
        if not stale:
            self.stdout.write("docs/ is current")


def _read(name: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else ""
