"""A contact that was logged wrongly: it no longer counts, and what it caused is taken back as far as it can be."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import ContactAttempt, Task
from careplans.permissions import check_can_log_contact
from careplans.services.locking import CLOSED, lock_task
from careplans.services.tasks import cancel_locked
from coordinator.audit import services as audit
from coordinator.db import Conflict, lock
from coordinator.workflow import Actor, record_edit
from patients.models import ContactPoint
from patients.services import mark_contact_point_failing

FLAGGING = ("wrong_number", "disconnected")


@transaction.atomic
def enter_contact_in_error(*, attempt_id: UUID, reason: str, by: Actor, now: datetime) -> ContactAttempt:
    """Take a contact out of every list and count; it stays in the database with its reason.

    Its task has one attempt less and is due as the contact before said; tasks that the contact opened are closed, and
    a number that it flagged is in use again when nothing else flagged it. A task that it closed stays closed:
    reopening is a decision of its own. Raises Conflict when it was taken back already.
    """
    task_id = ContactAttempt.everything.values_list("task_id", flat=True).get(pk=attempt_id)
    task = lock_task(task_id) if task_id else None
    rows = ContactAttempt.everything.select_related("patient__site", "contact_point")
    attempt = lock(rows, attempt_id)
    check_can_log_contact(by, attempt.patient)
    if not reason.strip():
        raise ValidationError({"reason": _("Please give a reason.")})
    if attempt.error_reason:
        raise Conflict(_("This was taken back already."))
    attempt.error_at, attempt.error_reason = now, reason
    attempt.version += 1
    attempt.save()
    audit.record_change(attempt, "enter_in_error", by=by, reason=reason)
    _forget_last_contact(attempt)
    if task is not None:
        _correct_task(task, attempt, reason, by, now)
    _close_caused(attempt, by, now)
    point = attempt.contact_point
    if point is not None and attempt.outcome in FLAGGING and _is_nobodys_word_now(point):
        mark_contact_point_failing(contact_point_id=point.pk, failing=False, by=by, now=now)
    return attempt


def _is_nobodys_word_now(point: ContactPoint) -> bool:
    """That a number fails was said by contacts that are all taken back; the gateway had not refused it before them."""
    if point.failing_since is None:
        return False
    flagging = ContactAttempt.everything.filter(contact_point=point, outcome__in=FLAGGING)
    said_it = flagging.filter(at__lte=point.failing_since).exclude(error_at__lte=point.failing_since)
    return said_it.exists() and not flagging.filter(error_reason="").exists()


def _forget_last_contact(attempt: ContactAttempt) -> None:
    """What lists show as the patient's last contact is the one before."""
    last = ContactAttempt.objects.filter(patient=attempt.patient_id).order_by("-at", "-id").first()
    Task.objects.open().filter(patient=attempt.patient_id).update(
        last_contact_at=last.at if last else None, last_contact_outcome=last.outcome if last else ""
    )


def _correct_task(task: Task, attempt: ContactAttempt, reason: str, by: Actor, now: datetime) -> None:
    task.refresh_from_db(fields=["last_contact_at", "last_contact_outcome"])
    if attempt.direction == "out":
        task.attempts_made = max(task.attempts_made - 1, 0)
    before = ContactAttempt.objects.filter(task=task).order_by("-at", "-id").first()
    moved_by_it = attempt.next_attempt_at is not None and task.due_at == attempt.next_attempt_at
    if task.status not in CLOSED and moved_by_it and not task.clock_id:
        # Without an earlier contact it is due at once: nobody tried yet.
        task.due_at = before.next_attempt_at if before and before.next_attempt_at else now
    task.version += 1
    task.save()
    record_edit(task, "contact_in_error", by=by, now=now, reason=reason, attempts_made=task.attempts_made)


def _close_caused(attempt: ContactAttempt, by: Actor, now: datetime) -> None:
    label = attempt._meta.label_lower
    caused = Task.objects.open().filter(cause_id=attempt.pk, cause_type=label).order_by("pk")
    for pk in caused.values_list("pk", flat=True):
        note = _("The contact was entered in error")
        cancel_locked(lock_task(pk), close_reason="no_longer_needed", note=note, by=by, now=now)
