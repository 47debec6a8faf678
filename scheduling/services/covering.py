"""Whether a payer covers a visit: asked before it is booked, and once more every night for the next seven days (R19).

Safe to repeat: a task is opened once for each visit, time and kind of gap, and closes by itself when it is covered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from careplans import services as careplans
from careplans.models import Task, TaskKind
from careplans.services.opening import first_status
from coordinator.accounts.models import Site, Team
from coordinator.wording import day, in_clinic_language
from coordinator.workflow import Actor, person
from patients.models import Patient
from patients.workflow import PatientStatus
from referrals.models import (
    NEEDED,
    AuthorizationLine,
    Payer,
    PayerRequirement,
    PriorAuthorization,
    Referral,
)
from referrals.selectors.authorizations import listed, payer_of
from referrals.visit_guard import HARMLESS, against_visit
from referrals.workflow import IN_FORCE, ReferralStatus
from scheduling.models import Appointment
from scheduling.rules.conflicts import Found, Level
from scheduling.rules.local_time import day_bounds, local_day
from scheduling.rules.units import MORE_UNITS, MOVE, RENEW, REVISE
from scheduling.selectors.units import units_of
from scheduling.services import consequences

AHEAD = timedelta(days=7)  # R19: T-7 days
GUARD = "visit_guard:"
KINDS = {
    "after_end": "authorization_ended",
    "before_start": "authorization_not_begun",
    "no_units": "authorization_used_up",
    "missing": "authorization_missing",
}
OFFERS = {"renewal": RENEW, "extension": MORE_UNITS, "revision": REVISE}


def uncovered(asked: Any) -> list[Found]:
    """What is said before a visit is booked that names no authorization. `asked` is scheduling.services.deciding.Asked.

    By its referral's authorizations, else by what the payer's list says of the codes the visit type is billed as.
    """
    if asked.referral is not None:
        against = against_visit(asked.referral, asked.start, asked.now)
        if against is None:
            return []
        offers = (MOVE, *(OFFERS[name] for name in against.asks))
        return [
            Found(
                KINDS[against.kind],
                Level.ASK,
                against.text,
                offers=offers,
                authorization=against.authorization_id,
                until=against.until,
            )
        ]
    on = local_day(asked.start, asked.site.zone)
    text = _needed(asked.patient, asked.service.codes, on, {})
    return [Found("authorization_missing", Level.ASK, text)] if text else []


def _needed(patient: Patient, codes: list[str], on: date, known: dict[Any, PayerRequirement | None]) -> str:
    """What is missing when the payer's list wants an authorization for one of these codes; "" otherwise."""
    payer: Payer | None = payer_of(patient)[1] if codes else None
    if payer is None:
        return ""
    for code in codes:
        key = (payer.pk, code, on)
        if key not in known:
            known[key] = listed(payer, on=on, code=code)
        line = known[key]
        if line is None or line.pa_needed not in NEEDED:
            continue
        words = {"payer": payer.name, "code": code}
        if _is_held(patient, payer, code, on):
            text = _(
                "%(payer)s wants an authorization for %(code)s. One is in force: name it with the visit."
            )
        else:
            text = _("%(payer)s wants an authorization for %(code)s, and none is in force.")
        return text % words
    return ""


def _is_held(patient: Patient, payer: Payer, code: str, on: date) -> bool:
    """Whether this payer has approved the code for that day; a line without days of its own has those of the whole."""
    lines = AuthorizationLine.objects.filter(
        authorization__patient=patient,
        authorization__payer=payer,
        authorization__status__in=IN_FORCE,
        service_code=code,
        decision__in=("approved", "modified"),
    ).annotate(
        first=Coalesce("starts_on", "authorization__starts_on"),
        last=Coalesce("ends_on", "authorization__ends_on"),
    )
    begun, goes_on = Q(first=None) | Q(first__lte=on), Q(last=None) | Q(last__gte=on)
    return lines.filter(begun, goes_on).exists()


# --- every night ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """A visit ahead that is not covered: its own row or its referral's, when it is, and why."""

    cause: models.Model
    patient: Patient
    start: datetime
    zone: str
    what: str
    kind: str
    why: str

    @property
    def key(self) -> str:
        return f"{GUARD}{self.cause.pk}:{self.start:%Y%m%dT%H%M}:{self.kind}"


@transaction.atomic
@in_clinic_language
def guard_visits(*, site: Site, by: Actor, now: datetime) -> int:
    """One task for each visit of the next seven days without cover; those that are covered by now close. Returns how
    many were opened."""
    wanted = {gap.key: gap for gap in _gaps(site, now)}
    mine = Task.objects.filter(site=site, dedupe_key__startswith=GUARD)
    gone = [key for key in mine.open().values_list("dedupe_key", flat=True) if key not in wanted]
    outcome = lazy("The visit is covered now, or does not take place then.")
    careplans.close_automatic(dedupe_keys=gone, outcome=outcome, by=by, now=now)
    known = set(mine.filter(dedupe_key__in=list(wanted)).values_list("dedupe_key", flat=True))
    teams: dict[UUID, Team] = {}
    tasks = [_task(gap, site, teams, by, now) for key, gap in sorted(wanted.items()) if key not in known]
    return len(careplans.open_all(tasks, by=by, now=now))


def _gaps(site: Site, now: datetime) -> Iterator[Gap]:
    until = day_bounds(local_day(now, site.zone) + AHEAD, site.zone)[1]
    ahead = (
        Appointment.objects.upcoming(now)
        .filter(site=site, start__lt=until, patient__status=PatientStatus.ACTIVE)
        .select_related(
            "patient__site", "patient__coordinator", "service", "site", "authorization", "referral__site"
        )
        .order_by("start", "pk")
    )
    visits = list(ahead)
    yield from _of_authorizations([visit for visit in visits if visit.authorization_id], now)
    yield from _of_the_others([visit for visit in visits if not visit.authorization_id], now)
    yield from _of_outside_visits(site, until, now)


def _of_authorizations(visits: list[Appointment], now: datetime) -> Iterator[Gap]:
    """One query for the balances of all."""
    records = {visit.authorization_id: visit.authorization for visit in visits if visit.authorization}
    balances = units_of(list(records.values()), now)
    for visit in visits:
        record = visit.authorization
        assert record is not None
        left, on = balances.get(record.pk), local_day(visit.start, visit.zone)
        against = [one for one in left.collisions if one.visit.id == visit.pk] if left else []
        if against:
            yield _gap(visit, against[0].kind, against[0].text)
        elif record.ends_on and on > record.ends_on:
            text = _("The authorization ends on %(day)s, before this visit.") % {"day": day(record.ends_on)}
            yield _gap(visit, "after_end", text)
        elif record.status not in IN_FORCE:
            words = {"service": record.service, "status": record.get_status_display()}
            text = _("The authorization “%(service)s” is not in force: it stands at “%(status)s”.") % words
            yield _gap(visit, "missing", text)


def _of_the_others(visits: list[Appointment], now: datetime) -> Iterator[Gap]:
    """Visits that name no authorization: by their referral, else by the payer's list."""
    known: dict[Any, PayerRequirement | None] = {}
    for visit in visits:
        if visit.referral is not None:
            against = against_visit(visit.referral, visit.start, now)
            if against is not None:
                yield _gap(visit, against.kind, against.text)
        elif text := _needed(visit.patient, visit.service.codes, local_day(visit.start, visit.zone), known):
            yield _gap(visit, "missing", text)


def _gap(visit: Appointment, kind: str, why: str) -> Gap:
    return Gap(visit, visit.patient, visit.start, visit.zone, visit.service.name, kind, why)


def _of_outside_visits(site: Site, until: datetime, now: datetime) -> Iterator[Gap]:
    """Dates that another clinic gave for a referral with an authorization; the others were asked about on saving."""
    asked_for = PriorAuthorization.objects.filter(referral=OuterRef("pk")).exclude(status__in=HARMLESS)
    ahead = Referral.objects.filter(
        Exists(asked_for),
        site=site,
        status=ReferralStatus.SCHEDULED,
        visit_at__gt=now,
        visit_at__lt=until,
        patient__status=PatientStatus.ACTIVE,
    ).select_related("site", "patient__site", "patient__coordinator")
    for referral in ahead:
        assert referral.visit_at is not None
        against = against_visit(referral, referral.visit_at, now)
        if against is not None:
            yield Gap(
                referral,
                referral.patient,
                referral.visit_at,
                site.zone,
                referral.service or referral.specialty,
                against.kind,
                against.text,
            )


def _task(gap: Gap, site: Site, teams: dict[UUID, Team], by: Actor, now: datetime) -> Task:
    owner, team = careplans.default_owner(gap.patient, site, teams)
    when = day(gap.start.astimezone(site.tzinfo))
    title = _("Not covered: %(what)s on %(day)s") % {"what": gap.what, "day": when}
    return Task(
        created_by=person(by),
        patient=gap.patient,
        site=site,
        kind=TaskKind.AUTHORIZATION,
        title=title[:200],
        reason=gap.why[:500],
        next_step=_("Get it covered, move the visit, or close this with why it takes place all the same."),
        status=first_status(owner, by),
        owner=owner,
        team=team,
        due_at=min(consequences.end_of_business_day_after(site, now), gap.start),
        opened_at=now,
        dedupe_key=gap.key[:200],
        cause_type=gap.cause._meta.label_lower,
        cause_id=gap.cause.pk,
    )
