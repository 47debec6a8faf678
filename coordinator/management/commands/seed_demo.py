"""`manage.py seed_demo [--if-empty]`: the invented clinic. Running it again changes nothing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from coordinator.demo.seeding import is_seeded, seed
from patients.models import Patient


class Command(BaseCommand):
    help = "Fill the database with an invented clinic whose days are counted from today. Never in production."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing when there is any patient")

    def handle(self, *args: Any, if_empty: bool = False, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "The demo is refused when THROUGHLINE_ENV is production: its passwords are public."
            )
        if if_empty and Patient.objects.exists():
            self.stdout.write("There are patients already; nothing was added.")
        elif is_seeded():
            self.stdout.write("The demo is here already; nothing was added.")
        else:
            self.stdout.write(f"An invented clinic with {seed(now=timezone.now())} patients is ready.")
