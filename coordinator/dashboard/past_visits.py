"""What the night does about visits that are over: missed ones are followed up, forgotten ones asked about."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from careplans.models import Task, TaskKind
from careplans.services import complete_task, default_owner, open_all
from careplans.services.opening import first_status
from careplans.workflow import OPEN
from coordinator import wording
from coordinator.accounts.models import Site, Team
from coordinator.db import lock
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, System, person
from scheduling.models import Appointment
from scheduling.services import consequences
from scheduling.workflow import WITHOUT_OUTCOME, Status

ABOUT = "scheduling.appointment"
LOOK_BACK = timedelta(days=7)  # a clinic that was closed for a week loses nothing
BATCH = 500
DUE_HOUR = timedelta(hours=12)


def no_shows_without_task(site: Site, since: datetime, until: datetime) -> QuerySet[Appointment]:
    """Missed visits that never had a follow-up task: recorded by an import, or cut off by a crash."""
    had_one = Task.objects.filter(cause_id=OuterRef("pk"), kind=TaskKind.NO_SHOW_FOLLOW_UP)
    return Appointment.objects.filter(
        ~Exists(had_one), site=site, status=Status.NO_SHOW, start__gte=since, start__lt=until
    )


def follow_up_no_shows(*, site: Site, since: datetime, until: datetime, by: Actor, now: datetime) -> int:
    """Open the follow-up of each missed visit that has none, as marking it would have; returns how many."""
    waiting = no_shows_without_task(site, since, until)
    opened = 0
    for pk in list(waiting.order_by("start", "pk").values_list("pk", flat=True)):
        opened += _follow_up(pk, by, now)
    return opened


@transaction.atomic
def _follow_up(pk: UUID, by: Actor, now: datetime) -> bool:
    missed = Appointment.objects.select_related("patient__coordinator", "site__calendar", "service")
    visit = lock(missed, pk)
    if (
        visit.status != Status.NO_SHOW
        or Task.objects.filter(cause_id=pk, kind=TaskKind.NO_SHOW_FOLLOW_UP).exists()
    ):
        return False
    consequences.after_no_show(visit, by=by, now=now)
    return True


def without_outcome(site: Site, since: datetime, until: datetime) -> QuerySet[Appointment]:
    """Visits that are over and of which nobody wrote what happened, not asked about yet."""
    had_one = Task.objects.filter(cause_id=OuterRef("pk"), dedupe_key__startswith="no_outcome:")
    return Appointment.objects.filter(
        ~Exists(had_one), site=site, status__in=WITHOUT_OUTCOME, start__gte=since, end__lt=until
    )


def ask_for_outcomes(*, site: Site, since: datetime, until: datetime, by: Actor, now: datetime) -> int:
    """Open one task for each visit without an outcome; returns how many are new."""
    opened, teams = 0, dict[UUID, Team]()
    while True:
        made, seen = _ask_batch(site, since, until, by, now, teams)
        opened += made
        if seen < BATCH or not made:
            return opened


@transaction.atomic
def _ask_batch(
    site: Site, since: datetime, until: datetime, by: Actor, now: datetime, teams: dict[UUID, Team]
) -> tuple[int, int]:
    visits = list(
        without_outcome(site, since, until)
        .select_related("patient__coordinator", "site", "service")
        .order_by("start", "pk")[:BATCH]
    )
    tasks = [_outcome_task(visit, by, now, teams) for visit in visits]
    return len(open_all(tasks, by=by, now=now)), len(visits)


@in_clinic_language
def _outcome_task(visit: Appointment, by: Actor, now: datetime, teams: dict[UUID, Team]) -> Task:
    owner, team = default_owner(visit.patient, visit.site, teams)
    return Task(
        created_by=person(by),
        patient=visit.patient,
        site=visit.site,
        kind=TaskKind.DATA_QUALITY,
        title=_("Record what happened: %(service)s") % {"service": visit.service.name},
        reason=_("The visit on %(day)s is over and has no outcome.") % {"day": _day(visit)},
        next_step=_("Mark it as seen, missed or cancelled."),
        status=first_status(owner, by),
        owner=owner,
        team=team,
        due_at=now + DUE_HOUR,
        opened_at=now,
        dedupe_key=outcome_key(visit.pk),
        cause_type=ABOUT,
        cause_id=visit.pk,
    )


def outcome_key(visit_id: UUID) -> str:
    return f"no_outcome:{visit_id}"


def close_outcome_task(*, visit: Appointment, by: Actor, now: datetime) -> None:
    """Somebody wrote what happened: the question is answered."""
    asked = Task.objects.filter(dedupe_key=outcome_key(visit.pk), status__in=OPEN)
    for task_id in list(asked.values_list("pk", flat=True)):
        complete_task(task_id=task_id, by=System("visits"), now=now, outcome=str(visit.get_status_display()))


def _day(visit: Appointment) -> str:
    with timezone.override(visit.zone):
        return wording.day(visit.start)
