"""What the nights would have kept: figures of the last three months, that every night ran, and what was sent."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

from coordinator.dashboard.models import CaseloadSnapshot, JobRun
from coordinator.dashboard.run_records import NIGHTLY
from coordinator.dashboard.team_rollup import KEPT, figures_of
from coordinator.demo.clinic import Clinic
from coordinator.messaging.models import REMINDER, Message
from patients.models import ContactPoint
from scheduling.models import Appointment
from scheduling.rules.reminders import visit_key

DAYS = 91
NIGHTS = 14
# How far a figure was from today's, as a share, at the start of the three months.
DRIFT = {"active": -0.06, "load": -0.08, "high": -0.1, "overdue": -0.35, "open": -0.2, "referrals": 0.15}


def make_past(clinic: Clinic, rng: random.Random) -> None:
    sites = {site.pk: site.zone for site in (clinic.riverbend, clinic.northgate)}
    rows = []
    for number, stat in enumerate(figures_of(sites, now=clinic.now)):
        for ago in range(1, DAYS):
            day = clinic.today - timedelta(days=ago)
            figures = {
                name: _then(name, n, ago, number, rng) for name, n in stat.figures.items() if name in KEPT
            }
            rows.append(
                CaseloadSnapshot(
                    day=day,
                    user=stat.user,
                    site=stat.site,
                    taken_at=clinic.now - timedelta(days=ago),
                    figures=figures,
                )
            )
    CaseloadSnapshot.objects.bulk_create(rows, batch_size=1000)
    _nights(clinic)
    _reminders(clinic, rng)


def _then(name: str, today: int, ago: int, person: int, rng: random.Random) -> int:
    """A figure that many days ago: it drifts, swings over the weeks, and is never below zero."""
    drift = DRIFT.get(name, 0.0) * ago / DAYS
    swing = (
        0.22 * math.sin(ago / 9 + person * 1.7) if name in ("overdue", "contacts", "risk", "visits") else 0.0
    )
    noise = rng.uniform(-0.05, 0.05) if name != "active" else 0.0
    return max(0, round(today * (1 + drift + swing + noise)))


def _nights(clinic: Clinic) -> None:
    """Two weeks of nights that ended well, tonight's included: the demo itself has planned tonight's reminders."""
    runs = []
    for site in (clinic.riverbend, clinic.northgate):
        for ago in range(NIGHTS + 1):
            began = clinic.at(clinic.today - timedelta(days=ago), 1)
            if began > clinic.now:
                continue
            ended = began + timedelta(seconds=4)
            runs.append(
                JobRun(
                    job=NIGHTLY, period=clinic.today - timedelta(days=ago), site=site, status=JobRun.Status.DONE,
                    started_at=began, heartbeat_at=ended, finished_at=ended, by_system=NIGHTLY,
                )
            )  # fmt: skip
    JobRun.objects.bulk_create(runs)


def _reminders(clinic: Clinic, rng: random.Random) -> None:
    """What went out for the visits of the last days: most delivered, a few not, each with its reason."""
    since = clinic.at(clinic.today - timedelta(days=NIGHTS), 0)
    visits = Appointment.objects.filter(start__gte=since, start__lt=clinic.at(clinic.today, 0))
    phones = {
        point.patient_id: point
        for point in ContactPoint.objects.filter(kind="phone", rank=1, ended_at=None).order_by("-pk")
    }
    rows = []
    for visit in visits.select_related("site").order_by("start", "pk"):
        day = visit.start.astimezone(clinic.riverbend.tzinfo).date()
        for days in (3, 1):
            at = clinic.at(day - timedelta(days=days), visit.site.reminder_hour)
            if at < clinic.now - timedelta(hours=20):
                rows.append(_message(visit, phones.get(visit.patient_id), days, at, rng))
    # Some visits have theirs already, from a service that planned them.
    Message.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def _message(
    visit: Appointment, phone: ContactPoint | None, days: int, at: datetime, rng: random.Random
) -> Message:
    may = phone is not None and phone.ok_to_message
    status = rng.choices(("delivered", "sent", "failed"), (94, 4, 2))[0] if may else "skipped"
    reason = "" if may else "no_permission" if phone else "no_address"
    return Message(
        key=f"{visit_key(visit.pk, visit.start_version, days)}:sms", purpose=REMINDER, about_type="scheduling.appointment",
        about_id=visit.pk, patient_id=visit.patient_id, site=visit.site, window=f"{days}d", channel="sms",
        address=phone.normalized if may and phone else "", status=status, skip_reason=reason, send_after=at,
        body="You have a visit. Please call us if you cannot come." if may else "",
        created_at=at - timedelta(hours=9), finished_at=at + timedelta(seconds=rng.randint(2, 40)) if may else None,
        attempts=1 if may else 0, error="refused_by_carrier" if status == "failed" else "", followed_up_at=at,
    )  # fmt: skip
