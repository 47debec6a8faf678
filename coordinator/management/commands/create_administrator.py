"""The first account of a new clinic: everything else is made on the pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from coordinator.accounts.password_links import link_for
from coordinator.accounts.roles import Role
from coordinator.accounts.services import create_user
from coordinator.workflow import System


class Command(BaseCommand):
    help = "Make an administrator's account and print the one-time address at which its password is chosen."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name", help='such as "Rashida Cole"')

    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        by, role = System("create_administrator"), Role.ADMINISTRATOR
        try:
            user = create_user(email=email, name=name, role=role, sites=[], by=by, now=timezone.now())
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{user.email} is an administrator.")
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        self.stdout.write(f"Choose the password (once, within {hours} hours): {link_for(user)}")
