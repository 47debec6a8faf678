"""Whether a payer covers a visit: asked before it is booked, and once more every night for the next seven days (R19).

Safe to repeat: a task is opened once for each visit, time and kind of gap, and closes by itself when it is covered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Exists, OuterRef
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
from referrals.models import NEEDED, AuthorizationLine, PriorAuthorization, Referral
from referrals.selectors.payer_list import PayerLists, payer_lists
from referrals.visit_guard import HARMLESS, against_visit, against_visits
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
    [text] = _needed([(asked.patient.pk, asked.service.codes, on)])
    return [Found("authorization_missing", Level.ASK, text)] if text else []


Wanted = tuple[UUID, UUID, str, date]  # patient, payer, code and day


def _needed(asked: Sequence[tuple[UUID, list[str], date]]) -> list[str]:
    """What is missing when the payer's list wants an authorization for one of these codes; "" otherwise.

    For patients, codes and days, in their order: four queries, however many.
    """
    lists = payer_lists({patient for patient, codes, _on in asked if codes})
    wanted = [_wanted(lists, patient, codes, on) for patient, codes, on in asked]
    held = _held([one for one in wanted if one])
    names = {payer.pk: payer.name for payer in lists.payers.values()}
    return ["" if one is None else _missing_words(names[one[1]], one[2], one in held) for one in wanted]


def _wanted(lists: PayerLists, patient: UUID, codes: list[str], on: date) -> Wanted | None:
    """The first of the codes for which the patient's payer wants an authorization on that day."""
    _coverage, payer = lists.payer_of(patient)
    for code in codes if payer else ():
        assert payer is not None
        line = lists.line(payer, on=on, code=code)
        if line is not None and line.pa_needed in NEEDED:
            return patient, payer.pk, code, on
    return None


def _missing_words(payer: str, code: str, is_held: bool) -> str:
    words = {"payer": payer, "code": code}
    if is_held:
        text = _("%(payer)s wants an authorization for %(code)s. One is in force: name it with the visit.")
    else:
        text = _("%(payer)s wants an authorization for %(code)s, and none is in force.")
    return text % words


def _held(wanted: list[Wanted]) -> set[Wanted]:
    """Those that this payer has approved for that day; a line without days of its own has those of the whole."""
    if not wanted:
        return set()
    lines = AuthorizationLine.objects.filter(
        authorization__patient__in={patient for patient, *_rest in wanted},
        authorization__status__in=IN_FORCE,
        service_code__in={code for _patient, _payer, code, _on in wanted},
        decision__in=("approved", "modified"),
    ).annotate(
        first=Coalesce("starts_on", "authorization__starts_on"),
        last=Coalesce("ends_on", "authorization__ends_on"),
    )
    days: dict[tuple[UUID, UUID, str], list[tuple[date | None, date | None]]] = defaultdict(list)
    of = ("authorization__patient", "authorization__payer", "service_code", "first", "last")
    for patient, payer, code, first, last in lines.values_list(*of):
        days[patient, payer, code].append((first, last))
    return {
        one
        for one in wanted
        for first, last in days.get(one[:3], ())
        if (first is None or first <= one[3]) and (last is None or last >= one[3])
    }


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
    """Visits that name no authorization: by their referral, else by the payer's list. As many queries as for one."""
    referred = [(visit, visit.referral) for visit in visits if visit.referral is not None]
    found = against_visits([(referral, visit.start) for visit, referral in referred], now)
    for (visit, _referral), against in zip(referred, found, strict=True):
        if against is not None:
            yield _gap(visit, against.kind, against.text)
    others = [visit for visit in visits if visit.referral is None]
    asked = [(one.patient_id, one.service.codes, local_day(one.start, one.zone)) for one in others]
    for visit, text in zip(others, _needed(asked), strict=True):
        if text:
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
    dated = [(referral, referral.visit_at) for referral in ahead if referral.visit_at is not None]
    for (referral, visit_at), against in zip(dated, against_visits(dated, now), strict=True):
        if against is not None:
            what = referral.service or referral.specialty
            yield Gap(referral, referral.patient, visit_at, site.zone, what, against.kind, against.text)


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
