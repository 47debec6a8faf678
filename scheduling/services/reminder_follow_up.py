"""Failures end with a person: a task, and a mark on a number that refuses messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import Task, TaskKind
from careplans.services import default_owner, open_all
from careplans.services.opening import first_status
from coordinator.accounts.models import Team
from coordinator.audit import services as audit
from coordinator.messaging import services as messaging
from coordinator.messaging.models import REMINDER, Message, MessageStatus
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor, person
from patients.models import ContactPoint
from scheduling.models import Appointment

BATCH = 500
AT_LEAST = timedelta(hours=2)


def follow_up_failures(*, now: datetime, by: Actor) -> int:
    """Open one task for each patient and channel whose reminder failed or is in doubt; returns how many are new.

    A number that the gateway refused is marked as failing, so that nothing more is sent there until somebody has
    looked. Run by two at once, or again, it opens nothing twice.
    """
    opened = 0
    while True:
        made, seen = _follow_up_batch(now, by)
        opened += made
        if seen < BATCH:
            return opened


@transaction.atomic
def _follow_up_batch(now: datetime, by: Actor) -> tuple[int, int]:
    failed = list(
        Message.objects.filter(
            status__in=(MessageStatus.FAILED, MessageStatus.UNKNOWN),
            followed_up_at=None,
            purpose=REMINDER,
            replay=False,  # about visits that are long over
        )
        .order_by("finished_at", "pk")
        .select_for_update(skip_locked=True, of=("self",))[:BATCH]
    )
    visits = Appointment.objects.select_related("patient__coordinator", "site").in_bulk(
        {m.about_id for m in failed}
    )
    teams: dict[UUID, Team] = {}
    tasks: dict[str, Task] = {}
    for message in failed:
        visit = visits.get(message.about_id)
        if visit is not None:
            task = _task(message, visit, teams, now=now, by=by)
            tasks.setdefault(task.dedupe_key, task)
    made = open_all(list(tasks.values()), by=by, now=now)
    _mark_failing([m for m in failed if m.error.startswith("refused")], now=now, by=by)
    messaging.mark_followed_up(ids=[m.pk for m in failed], now=now)
    return len(made), len(failed)


@in_clinic_language
def _task(message: Message, visit: Appointment, teams: dict[UUID, Team], *, now: datetime, by: Actor) -> Task:
    owner, team = default_owner(visit.patient, visit.site, teams)
    ahead = visit.start > now
    return Task(
        created_by=person(by),
        patient=visit.patient,
        site=visit.site,
        kind=TaskKind.MESSAGE_FAILED,
        title=_title(message),
        reason=_reason(message),
        next_step=_("Call about the visit, and check the number or address.")
        if ahead
        else _("Check the number or address with the patient."),
        status=first_status(owner, by),
        owner=owner,
        team=team,
        # In time for the visit it was about; a number alone can wait a day.
        due_at=max(visit.start - AT_LEAST, now) if ahead else now + timedelta(days=1),
        due_has_time=ahead,
        opened_at=now,
        dedupe_key=f"message_failed:{visit.patient_id}:{message.channel}",
        cause_type=visit._meta.label_lower,
        cause_id=visit.pk,
    )


def _title(message: Message) -> str:
    if message.channel == Message.Channel.SMS:
        return _("A text message did not arrive")
    return _("An e-mail did not arrive")


def _reason(message: Message) -> str:
    if message.status == MessageStatus.UNKNOWN:
        return _("It is not known whether the reminder arrived: the connection was lost while it was sent.")
    if message.error.startswith("refused"):
        return _("The number or address does not take messages.")
    return _("The reminder could not be sent in time, although it was tried several times.")


def _mark_failing(refused: list[Message], *, now: datetime, by: Actor) -> None:
    points = ContactPoint.objects.filter(
        patient__in=[m.patient_id for m in refused],
        normalized__in=[m.address for m in refused],
        failing_since=None,
    )
    wanted = {(m.patient_id, m.address) for m in refused}
    marked = [point for point in points if (point.patient_id, point.normalized) in wanted]
    ContactPoint.objects.filter(pk__in=[p.pk for p in marked]).update(failing_since=now, updated_at=now)
    audit.record_many([_failing_event(point, by) for point in marked])


def _failing_event(point: ContactPoint, by: Actor) -> Any:
    return audit.event(
        by=by,
        action="mark_failing",
        entity="patients.contactpoint",
        entity_id=point.pk,
        patient_id=point.patient_id,
    )
