"""What the run board shows: each night's figures from the ledger, alarms, and the messages behind every number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, DateField, F, Func, Min, QuerySet
from django.db.models.functions import Cast
from django.utils.formats import time_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from coordinator import wording
from coordinator.accounts.models import Site
from coordinator.dashboard.models import JobRun
from coordinator.dashboard.run_records import NIGHTLY, SILENT_AFTER
from coordinator.messaging.models import REMINDER, Message, MessageStatus, SkipReason, late_q
from patients.models import Patient
from scheduling.rules.local_time import day_bounds, local_day, opens_at
from scheduling.rules.reminders import Decision
from scheduling.services.reminders import Planned

ALARM_FROM = time(3)  # local: by then the night must be done
GOING = (
    MessageStatus.SCHEDULED,
    MessageStatus.SENDING,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.FAILED,
    MessageStatus.UNKNOWN,
)
S = MessageStatus
UNDER_WAY = (JobRun.Status.REQUESTED, JobRun.Status.RUNNING)


@dataclass
class Figures:
    """The reminders of one site whose moment falls on one local day."""

    by_status: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)
    late: int = 0

    @property
    def planned(self) -> int:
        """All that went, goes or should have gone; without skipped and withdrawn ones."""
        return sum(self.by_status[status] for status in GOING)

    @property
    def waiting(self) -> int:
        return self.by_status[S.SCHEDULED] + self.by_status[S.SENDING]

    @property
    def sent(self) -> int:
        return self.by_status[S.SENT] + self.by_status[S.DELIVERED]

    @property
    def delivered(self) -> int:
        return self.by_status[S.DELIVERED]

    @property
    def failed(self) -> int:
        return self.by_status[S.FAILED]

    @property
    def unknown(self) -> int:
        return self.by_status[S.UNKNOWN]

    @property
    def withdrawn(self) -> int:
        return self.by_status[S.CANCELLED]

    @property
    def skipped(self) -> int:
        return self.by_status[S.SKIPPED]

    @property
    def reasons(self) -> list[tuple[str, str, int]]:
        """(code, words, number), the most frequent first."""
        found = sorted(self.by_reason.items(), key=lambda item: (-item[1], item[0]))
        return [(code, str(SkipReason(code).label), number) for code, number in found]


class LocalDay(Func):
    """The day of a moment on the wall of the row's own site."""

    function = "TIMEZONE"
    output_field = DateField()


def figures(
    sites: Iterable[Site], first: date, last: date, now: datetime
) -> dict[tuple[UUID, date], Figures]:
    """Figures by site and local day, first and last included: one query for all."""
    places = list(sites)
    if not places:
        return {}
    rows = (
        reminders_between(places, first, last)
        .annotate(day=Cast(LocalDay(F("site__zone"), F("send_after")), DateField()))
        .values("site_id", "day", "status", "skip_reason")
        .annotate(number=Count("pk"), late_ones=Count("pk", filter=late_q(now)))
        .order_by()
    )
    found: dict[tuple[UUID, date], Figures] = defaultdict(Figures)
    for row in rows:
        one = found[row["site_id"], row["day"]]
        one.by_status[row["status"]] += row["number"]
        one.late += row["late_ones"]
        if row["status"] == S.SKIPPED:
            one.by_reason[row["skip_reason"]] += row["number"]
    return {key: one for key, one in found.items() if first <= key[1] <= last}


def reminders_between(sites: Sequence[Site], first: date, last: date) -> QuerySet[Message]:
    """Reminders of these sites whose moment lies in these days at any of them; a day of slack for other zones."""
    zone = sites[0].zone
    start = day_bounds(first, zone)[0] - timedelta(days=1)
    end = day_bounds(last, zone)[1] + timedelta(days=1)
    return told(
        Message.objects.filter(
            purpose=REMINDER, site__in=[site.pk for site in sites], send_after__gte=start, send_after__lt=end
        )
    )


def of_day(site: Site, on: date) -> QuerySet[Message]:
    """The reminders of one site and local day."""
    start, end = day_bounds(on, site.zone)
    return told(
        Message.objects.filter(purpose=REMINDER, site=site, send_after__gte=start, send_after__lt=end)
    )


def told(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Without those to restricted patients: neither counted nor listed, whoever looks."""
    return messages.exclude(patient_id__in=Patient.objects.filter(is_restricted=True).values("pk"))


def forecast(site: Site, on: date, planned: Planned, now: datetime) -> Figures:
    """The figures this day will have when a dry run's decisions are carried out: with what the ledger has already."""
    day = figures([site], on, on, now).get((site.pk, on), Figures())
    for decision in planned.decisions:
        if local_day(decision.send_after, site.zone) == on:
            _add(day, decision)
    revised = {pk: d for pk, d in planned.revisions.items() if local_day(d.send_after, site.zone) == on}
    for row in Message.objects.filter(pk__in=list(revised)).only("status", "skip_reason"):
        day.by_status[row.status] -= 1
        if row.skip_reason:
            day.by_reason[row.skip_reason] -= 1
    for decision in revised.values():
        _add(day, decision)
    day.by_reason = +day.by_reason
    return day


def _add(day: Figures, decision: Decision) -> None:
    day.by_status[S.SKIPPED if decision.skip_reason else S.SCHEDULED] += 1
    day.late += decision.late
    if decision.skip_reason:
        day.by_reason[decision.skip_reason] += 1


# --- the board ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NightRow:
    """One line of the board. `run` is None when nothing ran."""

    site: Site
    on: date
    run: JobRun | None
    figures: Figures
    missing: bool  # it should have run and did not

    @property
    def on_text(self) -> str:
        """The date as it stands in an address."""
        return self.on.isoformat()

    @property
    def tasks(self) -> str:
        """ "12 no-show follow-ups, 3 plan reviews": what else the run did; empty for nothing."""
        counts = self.run.counts if self.run else {}
        words = (
            ("no_shows", lambda n: ngettext("%(n)d no-show follow-up", "%(n)d no-show follow-ups", n)),
            (
                "no_outcome",
                lambda n: ngettext("%(n)d visit without outcome", "%(n)d visits without outcome", n),
            ),
            ("reviews", lambda n: ngettext("%(n)d plan review", "%(n)d plan reviews", n)),
            ("discharges", lambda n: ngettext("%(n)d discharge", "%(n)d discharges", n)),
            ("ending", lambda n: ngettext("%(n)d thing that runs out", "%(n)d things that run out", n)),
            ("ended", lambda n: ngettext("%(n)d approval over", "%(n)d approvals over", n)),
            ("renewals", lambda n: ngettext("%(n)d approval to renew", "%(n)d approvals to renew", n)),
            ("uncovered", lambda n: ngettext("%(n)d visit without cover", "%(n)d visits without cover", n)),
            ("waitlist", lambda n: ngettext("%(n)d wait to look at", "%(n)d waits to look at", n)),
            ("reports", lambda n: ngettext("%(n)d late report", "%(n)d late reports", n)),
            ("awards", lambda n: ngettext("%(n)d award that expired", "%(n)d awards that expired", n)),
            ("money", lambda n: ngettext("%(n)d matter of money", "%(n)d matters of money", n)),
            ("chased", lambda n: ngettext("%(n)d overdue referral", "%(n)d overdue referrals", n)),
            ("gaps", lambda n: ngettext("%(n)d incomplete record", "%(n)d incomplete records", n)),
            ("escalated", lambda n: ngettext("%(n)d task escalated", "%(n)d tasks escalated", n)),
            ("failures", lambda n: ngettext("%(n)d failed message", "%(n)d failed messages", n)),
        )
        numbers = [(counts.get(name), text) for name, text in words]
        return ", ".join(text(n) % {"n": n} for n, text in numbers if isinstance(n, int) and n)

    @property
    def looked(self) -> bool:
        """Whether the run looked for that; earlier ones did not."""
        return self.run is not None and "silent" in self.run.counts

    @property
    def silent(self) -> int:
        """How much was open without an owner, a next step or a date when the run looked."""
        found = self.run.counts.get("silent") if self.run else None
        return sum(n for n in found.values() if isinstance(n, int)) if isinstance(found, dict) else 0

    @property
    def who(self) -> str:
        if self.run is None:
            return ""
        if self.run.started_by:
            return str(self.run.started_by)
        return (
            pgettext("started by", "Schedule")
            if self.run.by_system == NIGHTLY
            else capfirst(self.run.by_system)
        )


@dataclass(frozen=True)
class SiteBoard:
    site: Site
    today: date
    rows: list[NightRow]
    alarms: list[str]

    @property
    def reminder_time(self) -> str:
        """ "10:00 AM", the site's own hour."""
        return time_format(time(self.site.reminder_hour), "TIME_FORMAT")

    @property
    def silent(self) -> int:
        """What the newest finished night found without an owner, a next step or a date."""
        return next((row.silent for row in self.rows if row.run is not None and row.run.finished_at), 0)

    @property
    def busy(self) -> bool:
        """A run is asked for or under way: the page looks again by itself."""
        return any(row.run is not None and row.run.status in UNDER_WAY for row in self.rows)


def board(sites: Sequence[Site], now: datetime, days: int = 7) -> list[SiteBoard]:
    """The last nights of each site, newest first, with what is wrong (three queries whatever the number)."""
    today = {site.pk: local_day(now, site.zone) for site in sites}
    if not today:
        return []
    last, first = max(today.values()), min(today.values()) - timedelta(days=days - 1)
    numbers = figures(sites, first, last, now)
    runs = {
        (run.site_id, run.period): run
        for run in JobRun.objects.filter(
            job=NIGHTLY, site__in=today, period__gte=first, period__lte=last
        ).select_related("started_by")
    }
    oldest = oldest_overdue(sites, now)
    result = []
    for site in sites:
        span = [today[site.pk] - timedelta(days=n) for n in range(days)]
        rows = [_row(site, on, runs.get((site.pk, on)), numbers, now) for on in span]
        while len(rows) > 1 and rows[-1].run is None and not rows[-1].figures.by_status:
            rows.pop()  # before the clinic began
        rows = [_not_before(row, rows) for row in rows]
        alarms = [text for text in (run_alarm(rows[0], now), overdue_alarm(oldest.get(site.pk), now)) if text]
        result.append(SiteBoard(site, today[site.pk], rows, alarms))
    return result


def _row(
    site: Site, on: date, run: JobRun | None, numbers: Mapping[tuple[UUID, date], Figures], now: datetime
) -> NightRow:
    missing = run is None and now >= opens_at(on, ALARM_FROM, site.zone)
    return NightRow(site, on, run, numbers.get((site.pk, on), Figures()), missing)


def _not_before(row: NightRow, rows: Sequence[NightRow]) -> NightRow:
    """A gap counts as missing only between nights that ran, or for tonight."""
    earliest = min((r.on for r in rows if r.run), default=rows[0].on)
    if row.missing and row.on < earliest:
        return NightRow(row.site, row.on, row.run, row.figures, missing=False)
    return row


def run_alarm(row: NightRow, now: datetime) -> str:
    """A sentence when tonight's run is missing, failed or stuck past 3:00 local; else ""."""
    if now < opens_at(row.on, ALARM_FROM, row.site.zone):
        return ""
    if row.run is None:
        return _("Tonight's run did not start. Is the background worker running?")
    if row.run.status == JobRun.Status.FAILED:
        return _("Tonight's run failed: %(what)s") % {"what": row.run.error}
    if row.run.status in UNDER_WAY and now - row.run.heartbeat_at > SILENT_AFTER:
        return _("Tonight's run has given no sign of life for %(time)s.") % {
            "time": wording.span(now - row.run.heartbeat_at)
        }
    return ""


def oldest_overdue(sites: Sequence[Site], now: datetime) -> dict[UUID, datetime]:
    """The oldest message that should have gone and has not, by site (one query)."""
    rows = Message.objects.overdue(now).filter(site__in=[site.pk for site in sites])
    return dict(rows.values_list("site_id").annotate(oldest=Min("send_after")).order_by())


def overdue_alarm(oldest: datetime | None, now: datetime) -> str:
    if oldest is None:
        return ""
    return _("Messages are not going out: the oldest is %(time)s late.") % {
        "time": wording.span(now - oldest)
    }


# --- the messages behind a number -----------------------------------------------------------------------

STATES: dict[str, tuple[str, ...]] = {
    "planned": GOING,
    "waiting": (S.SCHEDULED, S.SENDING),
    "sent": (S.SENT, S.DELIVERED),
    "delivered": (S.DELIVERED,),
    "failed": (S.FAILED,),
    "unknown": (S.UNKNOWN,),
    "withdrawn": (S.CANCELLED,),
    "skipped": (S.SKIPPED,),
}


def messages_behind(
    site: Site, on: date, now: datetime, *, state: str = "", reason: str = ""
) -> QuerySet[Message]:
    """The messages that a number of the board counts, in the order of sending."""
    rows = of_day(site, on)
    if state == "late":
        rows = rows.late(now)  # type: ignore[attr-defined]
    elif state:
        rows = rows.filter(status__in=STATES[state])
    if reason:
        rows = rows.filter(status=S.SKIPPED, skip_reason=reason)
    return rows.order_by("send_after", "pk")


ERRORS: dict[str, Any] = {
    "refused": lambda: _("The number or address was refused"),
    "gave_up": lambda: _("Given up after several tries"),
    "no_answer": lambda: _("The answer was lost"),
    "worker_lost": lambda: _("The connection was lost while it was sent"),
    "gateway_cannot_tell": lambda: _("The gateway could not say whether it was sent"),
    "superseded": lambda: _("The visit was moved"),
    "unreachable": lambda: _("The gateway cannot be reached"),
}


def error_words(message: Message) -> str:
    """Why it failed or was withdrawn, in words; the gateway's code stays for those who repair it."""
    code, _colon, detail = message.error.partition(":")
    if code not in ERRORS:
        return message.error
    return f"{ERRORS[code]()} ({detail})" if detail else str(ERRORS[code]())
