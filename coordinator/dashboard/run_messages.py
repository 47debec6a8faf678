"""The messages behind a number of the run board, and the forecast of the coming night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from coordinator.accounts.models import Site
from coordinator.audit import services as audit
from coordinator.dashboard.models import JobRun
from coordinator.dashboard.nightly import run_night
from coordinator.dashboard.run_figures import error_words, forecast, messages_behind
from coordinator.dashboard.run_records import NIGHTLY
from coordinator.messaging.models import Message, SkipReason
from coordinator.workflow import System
from patients.models import Patient
from scheduling.models import Appointment
from scheduling.rules.local_time import local_day
from scheduling.rules.reminder_words import pack, sentences
from scheduling.rules.reminders import Decision
from scheduling.services.reminders import Planned

PAGE = 50
TONES = {
    "sent": "ok",
    "delivered": "ok",
    "failed": "danger",
    "unknown": "warn",
    "scheduled": "",
    "sending": "",
    "skipped": "",
    "cancelled": "",
}


@dataclass(frozen=True)
class Line:
    """One message as the list shows it. Without `patient` the reader may not know whose it is."""

    at: datetime
    zone: str
    window: int
    channel: str
    state: str
    tone: str
    reason: str
    why: list[str]
    patient: Patient | None = None
    visit: Appointment | None = None
    body: str = ""


@dataclass(frozen=True)
class Page:
    """Lines in the order of sending. `next_after` is the mark of the next page, or ""."""

    lines: list[Line]
    total: int
    names: bool
    next_after: str = ""


@dataclass(frozen=True)
class _Known:
    """Patients and visits by key; empty for readers who may not see them."""

    patients: dict[UUID, Patient] = field(default_factory=dict)
    visits: dict[UUID, Appointment] = field(default_factory=dict)


def page_of(
    site: Site, on: date, now: datetime, *, user: Any, state: str = "", reason: str = "", after: str = ""
) -> Page:
    """One page of the messages that a number counts (five queries at most). Seeing names is recorded."""
    rows = messages_behind(site, on, now, state=state, reason=reason)
    total = rows.count()
    wanted = list(_after(rows, after)[: PAGE + 1])
    shown = wanted[:PAGE]
    names = user.can("patients.view")
    known = _known(user, [m.patient_id for m in shown], [m.about_id for m in shown]) if names else _Known()
    if names and shown:
        audit.record(
            by=user,
            action="view",
            entity="messaging.message",
            site_id=site.pk,
            details={"night": on.isoformat(), "state": state, "reason": reason, "rows": len(shown)},
        )
    lines = [_line(message, site, known, names) for message in shown]
    return Page(lines, total, names, str(shown[-1].pk) if len(wanted) > PAGE else "")


def _after(rows: Any, after: str) -> Any:
    """What comes after the message with this key; the start for a key that is none."""
    try:
        last = Message.objects.only("send_after").get(pk=UUID(after)) if after else None
    except (ValueError, Message.DoesNotExist):
        last = None
    if last is None:
        return rows
    return rows.filter(Q(send_after__gt=last.send_after) | Q(send_after=last.send_after, pk__gt=last.pk))


def _known(user: Any, patient_ids: Iterable[UUID | None], visit_ids: Iterable[UUID]) -> _Known:
    keys = [key for key in patient_ids if key is not None]
    return _Known(
        Patient.objects.visible_to(user).in_bulk(keys),
        Appointment.objects.visible_to(user).in_bulk(list(visit_ids)),
    )


def _line(message: Message, site: Site, known: _Known, names: bool) -> Line:
    return Line(
        at=message.finished_at if message.gateway_reference and message.finished_at else message.send_after,
        zone=site.zone,
        window=int(message.window.removesuffix("d") or 0),
        channel=message.channel,
        state=message.get_status_display(),
        tone=TONES[message.status],
        reason=str(SkipReason(message.skip_reason).label) if message.skip_reason else error_words(message),
        why=sentences(message.explanation) if names else [],
        patient=known.patients.get(message.patient_id) if message.patient_id else None,
        visit=known.visits.get(message.about_id),
        body=message.body if names else "",
    )


# --- tonight --------------------------------------------------------------------------------------------


def coming_night(site: Site, now: datetime) -> date:
    """Today's local date while its run is not done, else tomorrow's (one query)."""
    today = local_day(now, site.zone)
    done = JobRun.objects.filter(job=NIGHTLY, site=site, period=today, status=JobRun.Status.DONE).exists()
    return today + timedelta(days=1) if done else today


def forecast_of(site: Site, now: datetime, *, user: Any) -> dict[str, Any]:
    """What the coming night will do, for its page: figures of that day and the first decisions by name."""
    on = coming_night(site, now)
    result = run_night(site=site, on=on, now=now, by=System(NIGHTLY), dry_run=True)
    assert result.planned is not None
    restricted = set(Patient.objects.filter(site=site, is_restricted=True).values_list("pk", flat=True))
    planned = _without(result.planned, restricted)
    decisions = [*planned.decisions, *planned.revisions.values()]
    due = [d for d in decisions if local_day(d.send_after, site.zone) == on]
    due.sort(key=lambda d: (bool(d.skip_reason), d.send_after, d.visit.id))
    names = user.can("patients.view")
    shown = due[:PAGE]
    known = (
        _known(user, [d.visit.patient_id for d in shown], [d.visit.id for d in shown]) if names else _Known()
    )
    return {
        "on": on,
        "figures": forecast(site, on, planned, now),
        "counts": result.counts,
        "later": len(decisions) - len(due),
        "names": names,
        "lines": _forecast_lines(shown, site, known, names),
        "total": len(due),
    }


def _without(planned: Planned, patients: set[UUID]) -> Planned:
    """The plan without what is about these patients."""
    return replace(
        planned,
        decisions=[d for d in planned.decisions if d.visit.patient_id not in patients],
        revisions={pk: d for pk, d in planned.revisions.items() if d.visit.patient_id not in patients},
    )


def _forecast_lines(decisions: Sequence[Decision], site: Site, known: _Known, names: bool) -> list[Line]:
    return [
        Line(
            at=d.send_after,
            zone=site.zone,
            window=d.window,
            channel=d.channel,
            state="",
            tone="",
            reason=str(SkipReason(d.skip_reason).label) if d.skip_reason else "",
            why=sentences(pack(d.steps)) if names else [],
            patient=known.patients.get(d.visit.patient_id),
            visit=known.visits.get(d.visit.id),
        )
        for d in decisions
    ]
