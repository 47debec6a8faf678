"""Make an API client from the command line; the token is printed once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from coordinator.accounts.models import Site
from coordinator.api.permissions import SCOPES
from coordinator.api.services import create_client
from coordinator.db import Conflict
from coordinator.workflow import System


class Command(BaseCommand):
    help = "Makes an API client and prints its token, once. Only the token's hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the other system is called")
        parser.add_argument(
            "--site", action="append", required=True, help="name of a site it may see; repeatable"
        )
        parser.add_argument(
            "--scope", action="append", required=True, help=f"repeatable; one of {', '.join(SCOPES)}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = set(options["site"])
        sites = list(Site.objects.filter(name__in=wanted))
        missing = wanted - {site.name for site in sites}
        if missing:
            known = ", ".join(Site.objects.values_list("name", flat=True))
            raise CommandError(f"No site is called {', '.join(sorted(missing))}. Sites: {known}.")
        try:
            _client, token = create_client(
                name=options["name"],
                sites=sites,
                scopes=options["scope"],
                by=System("create_api_client"),
                now=timezone.now(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except Conflict as error:
            raise CommandError(str(error)) from None
        self.stdout.write(token)
