"""`manage.py nightly [--on YYYY-MM-DD] [--dry-run] [--site NAME]`: the night's work, in the foreground."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from coordinator.accounts.models import Site
from coordinator.dashboard.nightly import Result, run_night
from coordinator.dashboard.run_figures import Figures, figures, forecast
from coordinator.messaging.models import SkipReason
from coordinator.workflow import System
from scheduling.rules.local_time import local_day

COLUMNS = ("Site", "Night", "Planned", "Sent", "Skipped", "Failed", "Unknown", "Waiting", "Late")


class Command(BaseCommand):
    help = "Run the night of a date at every site: the same code as the schedule, and nothing doubles."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--on", metavar="YYYY-MM-DD", help="local date (default: today at each site)")
        parser.add_argument("--site", help="name or short name of one site (default: all)")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, print what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        by = System("command line")
        rows: list[tuple[Any, ...]] = []
        results = []
        for site in self._sites(options["site"]):
            on = self._date(options["on"], site, now)
            if on < local_day(now, site.zone) and settings.PRODUCTION:
                self.stderr.write(
                    "In production a past night stands for now: what is over is a missed window."
                )
            result = run_night(site=site, on=on, now=now, by=by, dry_run=options["dry_run"], wait=True)
            results.append(result)
            rows.append(self._row(result, now))
        self._print(rows)
        for result in results:
            self._print_details(result, options["dry_run"])
        if any(result.error for result in results):
            raise CommandError("At least one step failed; see above.")

    def _sites(self, name: str | None) -> list[Site]:
        sites = Site.objects.filter(is_active=True)
        if name:
            sites = sites.filter(name=name) or sites.filter(short_name=name)
        if not sites:
            raise CommandError(f"There is no site {name!r}." if name else "There is no active site.")
        return list(sites)

    def _date(self, text: str | None, site: Site, now: datetime) -> date:
        if not text:
            return local_day(now, site.zone)
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise CommandError("--on expects a date such as 2026-11-18.") from error

    def _row(self, result: Result, now: datetime) -> tuple[Any, ...]:
        site, on = result.night.site, result.night.on
        if result.planned is not None and result.run_id is None:
            day = forecast(site, on, result.planned, now)
        else:
            day = figures([site], on, on, now).get((site.pk, on), Figures())
        return (site, on, day.planned, day.sent, day.skipped, day.failed, day.unknown, day.waiting, day.late)

    def _print(self, rows: list[tuple[Any, ...]]) -> None:
        table = [COLUMNS, *(tuple(str(cell) for cell in row) for row in rows)]
        widths = [max(len(row[n]) for row in table) for n in range(len(COLUMNS))]
        for row in table:
            cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
            self.stdout.write("  ".join(cells))

    def _print_details(self, result: Result, dry_run: bool) -> None:
        self.stdout.write("")
        self.stdout.write(
            f"{result.night.site}, night of {result.night.on}" + (", forecast" if dry_run else "")
        )
        if not result.led:
            self.stdout.write("  Another worker is running this night; nothing was done here.")
            return
        for name, found in result.counts.items():
            self.stdout.write(f"  {NAMES.get(name, name)}: {_words(found)}")
        if result.error:
            self.stderr.write(f"  Failed: {result.error}")


NAMES = {
    "reminders": "Reminders",
    "delivery": "Delivery",
    "failures": "Tasks for failed messages",
    "no_shows": "No-show follow-ups",
    "no_outcome": "Visits without an outcome",
    "reviews": "Overdue plan reviews",
    "discharges": "Discharges to follow up",
    "ending": "Consents and papers that run out",
    "ended": "Approvals expired or used up",
    "renewals": "Approvals to renew",
    "reports": "Consult reports that are late",
    "awards": "Awards that expired",
    "money": "Bills, aid, benefits and estimates to follow up",
    "chased": "Referrals past their date",
    "mended": "Records completed since",
    "gaps": "Incomplete records",
    "escalated": "Overdue tasks escalated",
    "woken": "Snoozed tasks woken",
}


def _words(found: Any) -> str:
    if not isinstance(found, dict):
        return str(found)
    parts = [f"{name.replace('_', ' ')} {n}" for name, n in found.items() if name != "skipped"]
    reasons = found.get("skipped")
    if isinstance(reasons, dict):
        parts += [f"skipped ({str(SkipReason(code).label).lower()}) {n}" for code, n in reasons.items()]
    elif reasons is not None:
        parts.append(f"skipped {reasons}")
    return ", ".join(parts) or "nothing due"
