"""What is new on somebody's list since the place closed: the strip over My work. Each count is that of its list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from careplans.models import Task, TaskChange, TaskKind
from coordinator.accounts.models import Site, User
from coordinator.clocks.rules import book_by
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.wording import clock_time, near_day
from scheduling.rules.local_time import closes_at, day_bounds

REPLIES = Q(dedupe_key__startswith="reply:") | Q(dedupe_key__startswith="reply_rebook:")
ANSWERS = Q(dedupe_key__startswith="provider_update:", dedupe_key__endswith=":read")
GIVEN = ("create", "assign", "reassign", "hand_over")

# What counts as new, by its word in the address: which tasks, when they were opened since then.
OPENED: dict[str, Q] = {
    "discharges": Q(kind=TaskKind.DISCHARGE_CALL),
    "denials": Q(dedupe_key__startswith="denial:"),
    "replies": REPLIES | ANSWERS,
    "failures": Q(kind=TaskKind.MESSAGE_FAILED),
    "escalated": Q(dedupe_key__startswith="escalation:"),
}
HANDED = "handed"  # whenever they were opened: a colleague gave them since then
LABELS = {
    "discharges": gettext_lazy("New: discharges"),
    "denials": gettext_lazy("New: denials"),
    "replies": gettext_lazy("New: replies"),
    "failures": gettext_lazy("New: failed reminders"),
    "escalated": gettext_lazy("New: escalated to you"),
    HANDED: gettext_lazy("New: handed over to you"),
}
COUNTED: dict[str, Callable[[int], str]] = {
    "discharges": lambda n: ngettext("%(n)d discharge", "%(n)d discharges", n),
    "denials": lambda n: ngettext("%(n)d denial", "%(n)d denials", n),
    "replies": lambda n: ngettext("%(n)d reply", "%(n)d replies", n),
    "failures": lambda n: ngettext("%(n)d failed reminder", "%(n)d failed reminders", n),
    "escalated": lambda n: ngettext("%(n)d escalated to you", "%(n)d escalated to you", n),
    HANDED: lambda n: ngettext("%(n)d handed over to you", "%(n)d handed over to you", n),
}


@dataclass(frozen=True)
class News:
    """One count of the strip: `key` in the address, its words, and whether the list is narrowed to it."""

    key: str
    text: str
    current: bool


@dataclass(frozen=True)
class Overnight:
    """The strip: since when, in words, and what is new. No items: nothing is shown."""

    since: str
    items: tuple[News, ...] = ()


def last_close(site: Site, now: datetime) -> datetime:
    """When the last business day of a place before today ended, as UTC: Friday's closing time until Monday is over."""
    yesterday = now.astimezone(site.tzinfo).date() - timedelta(days=1)
    on = book_by(yesterday, as_calendar(calendar_for(site)))
    if site.close_hour >= 24:
        return day_bounds(on, site.zone)[1]
    return closes_at(on, time(site.close_hour), site.zone)


def new_ones(what: str, since: datetime, user: User) -> Q | Exists:
    """The condition for the tasks that one count stands for."""
    if what != HANDED:
        return OPENED[what] & Q(opened_at__gt=since)
    given = TaskChange.objects.filter(record=OuterRef("pk"), step__in=GIVEN, at__gt=since)
    return Exists(given.exclude(by=None).exclude(by=user))


def count_new(tasks: QuerySet[Task], since: datetime, user: User, current: str) -> Overnight:
    """How many of these tasks are new, by what they are (one query)."""
    counts: dict[str, Any] = {name: Count("pk", filter=new_ones(name, since, user)) for name in COUNTED}
    found = tasks.order_by().aggregate(**counts)
    items = [News(name, COUNTED[name](n) % {"n": n}, name == current) for name, n in found.items() if n]
    words = {"day": near_day(since, timezone.localdate()), "time": clock_time(since)}
    return Overnight(_("Since %(day)s, %(time)s:") % words, tuple(items))
