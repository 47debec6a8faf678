"""The work around an update to a provider: whose move it is, until it is answered and the answer is read.

Its words and its answer stand in the update alone: they may be of a protected note, and a task is read by the whole site.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import Priority, Task, TaskKind
from careplans.services.locking import lock_task
from careplans.services.opening import check_assignee, open_task
from careplans.services.tasks import cancel_locked, close_tasks_caused_by
from coordinator.accounts.models import User
from coordinator.db import Conflict
from coordinator.workflow import Actor, NotAllowed, System, record_edit
from patients.models import Patient, ProviderUpdate, UpdateStatus
from patients.permissions import is_asked
from patients.services import count_reminder

log = logging.getLogger(__name__)

# Product defaults: how soon a provider without an account is phoned or faxed, and an answer is read.
TELL_WITHIN = timedelta(hours=1)
READ_WITHIN = timedelta(hours=4)
ANSWER, WAIT, TELL, READ = "answer", "wait", "tell", "read"


def key_of(update: ProviderUpdate, what: str) -> str:
    return f"provider_update:{update.pk}:{what}"


@transaction.atomic
def follow_update(*, update: ProviderUpdate, by: Actor, now: datetime) -> None:
    """Open and close tasks as the update stands now. Twice is once."""
    if update.status == UpdateStatus.SENT:
        _ask(update, by, now)
        return
    words = str(UpdateStatus(update.status).label)
    if update.status in (UpdateStatus.WITHDRAWN, UpdateStatus.ENTERED_IN_ERROR):
        _cancel_all(update, words, by, now)
    else:
        close_tasks_caused_by(cause=update, by=by, now=now, outcome=words)
    if update.status == UpdateStatus.ANSWERED:
        _tell_writer(update, by, now)


def provider_account(update: ProviderUpdate) -> User | None:
    """The provider's own sign-in at the patient's place, if they have one and may see this record."""
    people = User.objects.filter(is_active=True, practitioner=update.report_to, sites=update.patient.site_id)
    here = Patient.objects.filter(pk=update.patient_id)
    return next((user for user in people if is_asked(user, update) and here.visible_to(user).exists()), None)


def _ask(update: ProviderUpdate, by: Actor, now: datetime) -> None:
    """A to-do for the provider (or for the writer, who phones or faxes), and the writer's wait for the answer."""
    account = provider_account(update)
    who = str(update.report_to)
    if account is not None:
        _open(
            update,
            ANSWER,
            by,
            now,
            owner=account,
            title=_("Answer a provider update"),
            reason=_("Open the update to read what is asked."),
            next_step=_("Open the update, then answer it or say that you have read it"),
        )
    else:
        _open(
            update,
            TELL,
            by,
            now,
            owner=_writer(update),
            title=(_("Phone or fax %(who)s about an update") % {"who": who})[:200],
            reason=_("This provider has no sign-in here"),
            next_step=_("Tell them, then write their answer on the update"),
            due_at=min(update.reply_due_at, now + TELL_WITHIN),
        )
    _open(
        update,
        WAIT,
        by,
        now,
        owner=_writer(update),
        title=(_("Answer from %(who)s") % {"who": who})[:200],
        reason=_("Open the update to read what is asked."),
        next_step=_("Without an answer by then, phone; write the answer on the update"),
        waiting_on=who[:120],
    )


def _tell_writer(update: ProviderUpdate, by: Actor, now: datetime) -> None:
    """What was answered has to be read by whoever asked."""
    _open(
        update,
        READ,
        by,
        now,
        owner=_writer(update),
        title=(_("Read the answer of %(who)s") % {"who": update.report_to})[:200],
        reason=_("Open the update to read the answer."),
        next_step=_("Open the update, act on the answer, and mark it as read"),
        due_at=now + READ_WITHIN,
    )


def _writer(update: ProviderUpdate) -> User | None:
    """Who asked, while they work there; else the task goes to the patient's coordinator."""
    return User.objects.still_assignable(update.created_by, update.patient.site_id)


def _open(
    update: ProviderUpdate,
    what: str,
    by: Actor,
    now: datetime,
    *,
    owner: User | None,
    title: str,
    reason: str,
    next_step: str,
    due_at: datetime | None = None,
    waiting_on: str = "",
) -> Task:
    urgent = update.urgency == ProviderUpdate.Urgency.URGENT
    if owner is not None:
        check_assignee(owner, update.patient.site, TaskKind.PROVIDER_UPDATE)
    return open_task(
        patient=update.patient,
        site=update.patient.site,
        kind=TaskKind.PROVIDER_UPDATE,
        title=title,
        reason=reason,
        next_step=next_step,
        owner=owner,
        due_at=due_at or update.reply_due_at,
        due_has_time=True,
        priority=Priority.URGENT if urgent else Priority.ROUTINE,
        waiting_on=waiting_on,
        dedupe_key=key_of(update, what),
        cause=update,
        # Nobody hands this out by hand: it is to do at once, not "assigned, not taken yet".
        by=System("provider_update"),
        now=now,
    )


def _cancel_all(update: ProviderUpdate, words: str, by: Actor, now: datetime) -> None:
    open_ones = Task.objects.open().filter(cause_id=update.pk, cause_type=update._meta.label_lower)
    for pk in open_ones.order_by("pk").values_list("pk", flat=True):
        task = lock_task(pk)
        cancel_locked(task, close_reason="no_longer_needed", note=words, by=by, now=now)


def chase_updates(*, now: datetime) -> int:
    """Remind both sides of every update whose time has passed, once a day. Returns how many were reminded.

    The provider's to-do and the writer's wait become urgent, and are opened again if somebody closed them by hand.
    Harmless to run twice or by two workers at once.
    """
    by = System("chase_updates")
    keys = list(ProviderUpdate.objects.overdue(now).order_by("reply_due_at").values_list("pk", flat=True))
    return sum(_remind_or_log(key, by, now) for key in keys)


def _remind_or_log(update_id: object, by: System, now: datetime) -> bool:
    """One that is refused is logged by its key and tried again by the next run; the others are reminded."""
    try:
        return _remind(update_id, by, now)
    except (ValidationError, PermissionDenied, Conflict, NotAllowed) as refusal:
        log.error("provider update %s could not be chased: %s", update_id, type(refusal).__name__)
        return False


@transaction.atomic
def _remind(update_id: object, by: System, now: datetime) -> bool:
    update = count_reminder(update_id=update_id, by=by, now=now)  # type: ignore[arg-type]
    if update is None:
        return False
    _ask(update, by, now)
    open_ones = Task.objects.open().filter(cause_id=update.pk, cause_type=update._meta.label_lower)
    for pk in open_ones.order_by("pk").values_list("pk", flat=True):
        task = lock_task(pk)
        if task.priority == Priority.ROUTINE:
            task.priority = Priority.URGENT
            task.version += 1
            task.save()
        record_edit(task, "remind", by=by, now=now, reminders=update.reminders)
    return True
