"""What is missing in a record: prompts on the patient's page, each with the button that mends it, and a task at night.

The task is for patients somebody works with (open tasks) or who come in the next 14 days, not for everybody; it closes
by itself in the night after everything was mended or set aside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import BooleanField, CharField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from careplans import services as careplans
from careplans.models import Task, TaskKind
from careplans.rules import end_of_day
from careplans.services.opening import first_status
from coordinator.accounts.models import Site, Team
from coordinator.audit import services as audit
from coordinator.dashboard.models import GapDecision
from coordinator.db import lock
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, person
from patients.models import ContactPoint, Coverage, Patient
from patients.permissions import check_can_edit
from patients.workflow import PatientStatus
from scheduling.models import Appointment
from scheduling.workflow import UPCOMING

COVERAGE_HOLDS = timedelta(days=30)  # domain 1.1, P19
COMING = timedelta(days=14)
ASK_AGAIN = timedelta(days=30)  # after a task was closed
SET_ASIDE = timedelta(days=30)
TO_MEND = timedelta(days=7)
BATCH = 500
KEY = "record_gaps:"


@dataclass(frozen=True)
class Gap:
    """One thing a record should have. `route` is where it is mended; `extra` are further parts of that address.

    `before_visit`: a task asks for it only when the patient comes soon.
    """

    code: str
    text: Any
    missing: Any
    button: Any
    route: str
    extra: tuple[str, ...] = ()
    before_visit: bool = False

    def address(self, patient: Patient) -> str:
        return reverse(self.route, args=[patient.pk, *self.extra])


GAPS = (
    Gap(
        "phone",
        lazy("There is no phone number that works."),
        lazy("a phone number that works"),
        lazy("Add a phone"),
        "patients:entry_new",
        ("phone",),
    ),
    Gap(
        "language",
        lazy("The language is not recorded."),
        lazy("the language"),
        lazy("Record the language"),
        "patients:patient_edit",
    ),
    Gap(
        "team",
        lazy("Nobody leads the care team, or whoever did has left."),
        lazy("a lead coordinator"),
        lazy("Choose a coordinator"),
        "patients:patient_coordinator",
    ),
    Gap(
        "birth_date",
        lazy("The birth date is not recorded."),
        lazy("the birth date"),
        lazy("Record the birth date"),
        "patients:patient_edit",
    ),
    Gap(
        "address",
        lazy("No address is recorded."),
        lazy("the address"),
        lazy("Record the address"),
        "patients:patient_edit",
        before_visit=True,
    ),
    Gap(
        "coverage",
        lazy("The coverage was not checked in the last 30 days."),
        lazy("a coverage check in the last 30 days"),
        lazy("Check the coverage"),
        "dashboard:patient_details",
        before_visit=True,
    ),
)
BY_CODE = {gap.code: gap for gap in GAPS}


def with_gaps(
    patients: QuerySet[Patient], now: datetime, *, set_aside_too: bool = False
) -> QuerySet[Patient]:
    """Patients with one truth value per gap (`gap_phone`, ...): there is one, and nobody set it aside.

    With `set_aside_too` also those that somebody set aside, for a page that reads these decisions anyway.
    """
    phones = ContactPoint.objects.filter(
        patient=OuterRef("pk"), kind="phone", ended_at=None, failing_since=None
    )
    unchecked = Coverage.objects.filter(
        Q(checked_at=None) | Q(checked_at__lt=now - COVERAGE_HOLDS), patient=OuterRef("pk"), status="active"
    )
    conditions = {
        "phone": ~Q(Exists(phones)),
        "language": Q(language=""),
        "team": Q(coordinator=None) | Q(coordinator__is_active=False),
        "birth_date": Q(birth_date=None),
        "address": Q(address_line="", city=""),
        "coverage": Q(Exists(unchecked)),
    }
    if not set_aside_too:
        for code in conditions:
            conditions[code] &= ~Q(Exists(_aside(now).filter(patient=OuterRef("pk"), gap=code)))
    return patients.annotate(
        **{f"gap_{code}": ExpressionWrapper(found, BooleanField()) for code, found in conditions.items()}
    )


def _aside(now: datetime) -> QuerySet[GapDecision]:
    """Decisions that stand; the last day is included."""
    return GapDecision.objects.filter(Q(until=None) | Q(until__gte=now.date()), ended_at=None)


def _any(gaps: Any) -> Q:
    return reduce(or_, (Q(**{f"gap_{gap.code}": True}) for gap in gaps))


def gaps_of(patient: Patient, aside: Iterable[Any] = ()) -> list[Gap]:
    """What this record, read through `with_gaps`, misses, without what `aside` (rows of `summary.facts`) names;
    nothing for somebody who is not in our care."""
    if patient.status != PatientStatus.ACTIVE:
        return []
    left = {one.gap for one in aside}
    return [gap for gap in GAPS if getattr(patient, f"gap_{gap.code}") and gap.code not in left]


def set_aside_of(decisions: Iterable[Any]) -> list[tuple[Gap, Any]]:
    """What was set aside, with who said so: rows of `summary.facts` (gap, until_on, reason, by)."""
    return [(BY_CODE[one.gap], one) for one in decisions if one.gap in BY_CODE]


# --- what people decide -------------------------------------------------------------------------------------------


@transaction.atomic
def set_aside(
    *, patient: Patient, gap: str, applies: bool, reason: str, by: Any, now: datetime
) -> GapDecision:
    """Not now (for 30 days), or never where it does not apply; with a reason. Raises ValidationError without one."""
    check_can_edit(by, patient)
    if gap not in BY_CODE:
        raise ValidationError(_("There is no such prompt."))
    if not reason.strip():
        raise ValidationError({"reason": _("Say in a few words why.")})
    lock(Patient.objects, patient.pk)  # two at once leave one decision
    GapDecision.objects.filter(patient=patient, gap=gap, ended_at=None).update(ended_at=now)
    until = (now + SET_ASIDE).astimezone(patient.site.tzinfo).date() if applies else None
    made = GapDecision.objects.create(
        patient=patient, gap=gap, until=until, reason=reason.strip()[:200], by=by, at=now
    )
    _record(patient, "set_aside", by, gap)
    return made


@transaction.atomic
def ask_again(*, patient: Patient, gap: str, by: Any, now: datetime) -> None:
    """The prompt counts again."""
    check_can_edit(by, patient)
    lock(Patient.objects, patient.pk)
    ended = GapDecision.objects.filter(patient=patient, gap=gap, ended_at=None).update(ended_at=now)
    if ended:
        _record(patient, "ask_again", by, gap)


def _record(patient: Patient, action: str, by: Any, gap: str) -> None:
    audit.record(
        by=by,
        action=action,
        entity="dashboard.gapdecision",
        patient_id=patient.pk,
        site_id=patient.site_id,
        details={"gap": gap},
    )


# --- the night ----------------------------------------------------------------------------------------------------


def patients_to_ask_about(site: Site, now: datetime) -> QuerySet[Patient]:
    """Active patients of the site with a gap that matters now, and no task about it in the last 30 days."""
    # What this very night opened counts from the next one on, so that a forecast says the same as the night.
    working = Task.objects.open().filter(opened_at__lt=now).exclude(patient=None)
    working = working.exclude(kind=TaskKind.DATA_QUALITY)
    coming = Appointment.objects.filter(status__in=UPCOMING, start__gt=now, start__lte=now + COMING)
    key: Any = Concat(Value(KEY), Cast(OuterRef("pk"), CharField()))
    asked = Task.objects.filter(Q(ended_at=None) | Q(ended_at__gte=now - ASK_AGAIN), patient=OuterRef("pk"))
    with_work, with_visit = Q(pk__in=working.values("patient")), Q(pk__in=coming.values("patient"))
    found = with_gaps(Patient.objects.active().filter(with_work | with_visit, site=site), now).filter(
        (with_work & _any(gap for gap in GAPS if not gap.before_visit)) | (with_visit & _any(GAPS)),
        ~Exists(asked.filter(dedupe_key=key)),
    )
    return found.select_related("site", "coordinator").order_by("pk")


def ask_about_gaps(*, site: Site, by: Actor, now: datetime) -> int:
    """Open one task for each of these patients; returns how many are new. Twice, or two at once, opens none twice."""
    opened, teams = 0, dict[UUID, Team]()
    while True:
        made, seen = _ask_batch(site, by, now, teams)
        opened += made
        if seen < BATCH or not made:
            return opened


@transaction.atomic
@in_clinic_language
def _ask_batch(site: Site, by: Actor, now: datetime, teams: dict[UUID, Team]) -> tuple[int, int]:
    found = list(patients_to_ask_about(site, now)[:BATCH])
    tasks = [_task(patient, by, now, teams) for patient in found]
    return len(careplans.open_all(tasks, by=by, now=now)), len(found)


def _task(patient: Any, by: Actor, now: datetime, teams: dict[UUID, Team]) -> Task:
    owner, team = careplans.default_owner(patient, patient.site, teams)
    missing = ", ".join(str(gap.missing) for gap in GAPS if getattr(patient, f"gap_{gap.code}"))
    due = (now + TO_MEND).astimezone(patient.site.tzinfo).date()
    return Task(
        created_by=person(by),
        patient=patient,
        site=patient.site,
        kind=TaskKind.DATA_QUALITY,
        title=_("Complete the record"),
        reason=(
            _("Missing: %(what)s. At first due a week after the night that found it.") % {"what": missing}
        )[:500],
        next_step=_("Open the patient’s page; every line there has its button."),
        status=first_status(owner, by),
        owner=owner,
        team=team,
        due_at=end_of_day(due, patient.site.zone),
        opened_at=now,
        dedupe_key=f"{KEY}{patient.pk}",
        cause_type="patients.patient",
        cause_id=patient.pk,
    )


def tasks_mended(site: Site, now: datetime) -> QuerySet[Task]:
    """Open tasks about records that miss nothing any more."""
    lacking = with_gaps(Patient.objects.active().filter(site=site), now).filter(
        _any(GAPS), pk=OuterRef("patient")
    )
    asked = Task.objects.open().filter(site=site, dedupe_key__startswith=KEY)
    return asked.filter(~Exists(lacking))


def close_mended(*, site: Site, by: Actor, now: datetime) -> int:
    """Close the tasks of records that were mended or whose prompts were set aside; returns how many."""
    keys = list(tasks_mended(site, now).values_list("dedupe_key", flat=True))
    outcome = lazy("Nothing is missing in the record any more.")
    return careplans.close_automatic(dedupe_keys=keys, outcome=outcome, by=by, now=now) if keys else 0
