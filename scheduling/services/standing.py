"""Visits to come of somebody who died or left: cancelled when people agreed to it, otherwise asked about."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from careplans import services as careplans
from careplans.models import TaskKind
from coordinator.db import Conflict, lock
from coordinator.wording import as_kept, in_clinic_language
from coordinator.workflow import Actor, NotAllowed, move
from patients.leaving import BACK, BECAUSE, MARK, chosen, keep_trail, leavings
from patients.models import Patient
from scheduling.models import Appointment
from scheduling.selectors.ahead import to_come
from scheduling.services import consequences
from scheduling.services.appointments import claim_time
from scheduling.workflow import UNBOOKED, CancelledBy, Status


@transaction.atomic
@in_clinic_language
def settle_visits(*, patient: Patient, change: Any, by: Actor, now: datetime) -> None:
    """Cancel the visits that were agreed to be cancelled; when nobody was asked, a task asks about all of them.

    A consequence: whoever changed the standing was checked there.
    """
    wanted = chosen(change)
    visits = list(to_come(patient, now).values_list("pk", flat=True))
    if wanted is None:
        _ask(patient, visits, change, by, now)
        return
    cancelled = sum(_cancel(pk, change, by, now) for pk in visits if pk in wanted)
    if cancelled:
        said = ngettext("%(n)d visit cancelled.", "%(n)d visits cancelled.", cancelled) % {"n": cancelled}
        mark = {MARK: str(change.pk)}
        keep_trail(patient, "settle", [said], by=by, now=now, visits=cancelled, **mark)


def _cancel(visit_id: UUID, change: Any, by: Actor, now: datetime) -> bool:
    visit = lock(Appointment.objects.select_related("patient", "site", "service"), visit_id)
    if visit.workflow.find("cancel", visit.status) is None:
        return False
    why, who = as_kept(BECAUSE[change.step]), CancelledBy.SYSTEM
    move(visit, "cancel", by=by, now=now, reason=why, cancelled_by=who, **{MARK: str(change.pk)})
    consequences.after_cancelling(visit, reason=why, by=by, now=now)
    return True


def asking_key(patient_id: Any) -> str:
    return f"visits_of_leaver:{patient_id}"


def _ask(patient: Patient, visits: list[UUID], change: Any, by: Actor, now: datetime) -> None:
    if not visits:
        return
    first = Appointment.objects.select_related("site__calendar").get(pk=visits[0])
    title = ngettext(
        "Cancel or keep %(n)d visit to come", "Cancel or keep %(n)d visits to come", len(visits)
    ) % {"n": len(visits)}
    careplans.open_task(
        patient=patient,
        site=first.site,
        kind=TaskKind.OTHER,
        title=title,
        reason=str(BECAUSE[change.step]),
        next_step=_("Open the visits and cancel those that will not take place."),
        due_at=consequences.end_of_next_business_day(first, now),
        dedupe_key=asking_key(patient.pk),
        cause=first,
        by=by,
        now=now,
    )


@transaction.atomic
@in_clinic_language
def take_up_visits(*, patient: Patient, by: Actor, now: datetime) -> None:
    """The patient is active again: visits that their leaving cancelled are booked again while their time is free.

    For the others a task asks to book anew.
    """
    keys = leavings(patient)
    outcomes = [_book_again(visit, keys, by, now) for visit in cancelled_by_leaving(patient, keys, now)]
    booked = outcomes.count(True)
    again = ngettext("%(n)d visit booked again.", "%(n)d visits booked again.", booked) % {"n": booked}
    keep_trail(patient, "take_up", [again] if booked else [], by=by, now=now, visits=booked)
    careplans.close_automatic(dedupe_keys=[asking_key(patient.pk)], outcome=BACK, by=by, now=now)


def cancelled_by_leaving(patient: Patient, keys: list[str], now: datetime) -> list[Appointment]:
    """Visits still to come, and wishes for one, that these changes of standing cancelled and nobody touched since."""
    marked = {f"changes__facts__{MARK}__in": keys, "changes__step": "cancel"}
    # The time of a wish may have passed: it is a wish all the same.
    still = Q(start__gt=now) | Q(changes__from_status__in=UNBOOKED)
    visits = Appointment.objects.filter(still, patient=patient, status=Status.CANCELLED, **marked)
    return list(
        visits.select_related("patient", "site__calendar", "service").order_by("start", "pk").distinct()
    )


def _book_again(visit: Appointment, keys: list[str], by: Actor, now: datetime) -> bool:
    last = visit.changes.order_by("-at", "-id").first()
    if last is None or last.facts.get(MARK) not in keys:
        return False
    if last.from_status == Status.BOOKED:
        try:
            claim_time(
                appointment_id=visit.pk, step="undo_cancel", check=_any, by=by, now=now, cancelled_by=""
            )
        except (Conflict, NotAllowed):
            pass
        else:
            return True
    careplans.open_task(
        patient=visit.patient,
        site=visit.site,
        kind=TaskKind.BOOK_VISIT,
        title=_("Book again: %(service)s") % {"service": visit.service.name},
        reason=_("It was cancelled when the patient left; the time could not be taken back."),
        next_step=_("Offer a new time, or complete this with why no visit is needed."),
        due_at=consequences.end_of_next_business_day(visit, now),
        dedupe_key=f"book_again:{visit.pk}",
        cause=visit,
        by=by,
        now=now,
    )
    return False


def _any(visit: Appointment) -> None:
    """A consequence: whoever changed the standing was checked there."""
