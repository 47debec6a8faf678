"""What every record about a patient's money has in common: an owner, the next step with its deadline, and a task."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Task, TaskKind
from coordinator.accounts.models import Site, User
from coordinator.accounts.roles import Role
from coordinator.audit import services as audit
from coordinator.clocks.services import meet_clock, reopen_clock, start_clock, void_clock
from coordinator.clocks.workflow import OPEN as RUNNING
from coordinator.clocks.workflow import State
from coordinator.db import lock
from coordinator.wording import as_kept, in_clinic_language
from coordinator.workflow import Actor, NotAllowed, add_history, begin, move, person
from patients.models import Document, Patient
from patients.workflow import PatientStatus
from referrals.models import AidApplication, BenefitApplication, Bill, Estimate
from referrals.permissions import can_manage_referral, check_can_manage_referral
from referrals.rules.money import MEETING_STEPS, NEXT_STEPS, RENEWAL_DAYS
from referrals.services.standing import ended

KEY = "money:"
PEOPLE = ("patient__site", "patient__coordinator", "site", "owner", "team", "clock")
FOLLOWED: tuple[type[Any], ...] = (AidApplication, BenefitApplication, Bill, Estimate)


def begin_followed(
    record: Any,
    *,
    by: Actor,
    now: datetime,
    rule: str = "",
    anchor: date | None = None,
    is_consequence: bool = False,
    **facts: Any,
) -> Any:
    """Save a new record with owner, next step, date and task. `rule` stands for the one of its first status, `anchor`
    for the day it counts from (default: now). Who may was checked elsewhere when it `is_consequence`.

    The caller holds the transaction. Raises PermissionDenied.
    """
    patient: Patient = record.patient
    record.site, record.stage_since, record.created_by = patient.site, now, person(by)
    if not is_consequence:
        check_can_manage_referral(by, record)
    _give_owner(record, by)
    record.clock = _start_clock(record, record.status, record, rule, anchor, by=by, now=now)
    for name, value in _next(record, record.status, record.clock).items():
        setattr(record, name, value)
    record.save(force_insert=True)
    begin(record, by=by, now=now, **facts)
    _follow_by_task(record, by=by, now=now)
    return record


def step_followed(
    record: Any,
    step: str,
    *,
    by: Actor,
    now: datetime,
    reason: str = "",
    rule: str = "",
    anchor: date | None = None,
    **facts: Any,
) -> Any:
    """Take one step of the record's workflow, with the deadline and the task that belong to where it leads.

    The record is locked and checked by the caller. `facts` named like fields are saved on it.
    """
    found = record.workflow.find(step, record.status)
    if found is not None:
        _end_clock(record, step, by=by, now=now, reason=reason)
        clock = _start_clock(record, found.to, _After(record, facts), rule, anchor, by=by, now=now)
        for name, value in {"stage_since": now, **_next(record, found.to, clock)}.items():
            setattr(record, name, value)
    move(record, step, by=by, now=now, reason=reason, **facts)
    _follow_by_task(record, by=by, now=now)
    if not record.is_open:
        ended(record=record, by=by, now=now)
    return record


class _After:
    """The record as it will be: fixed dates are read from what the step brings."""

    def __init__(self, record: Any, facts: dict[str, Any]) -> None:
        self.record, self.facts = record, facts

    def __getattr__(self, name: str) -> Any:
        return self.facts[name] if name in self.facts else getattr(self.record, name, None)


def _next(record: Any, status: str, clock: Any) -> dict[str, Any]:
    following = NEXT_STEPS.get((record.kind, status))
    if following is None or clock is None:
        return {"clock": None}
    return {"clock": clock, "next_step": as_kept(following.text), "due_at": clock.due_at}


def _start_clock(
    record: Any, status: str, after: Any, rule: str, anchor: date | None, *, by: Actor, now: datetime
) -> Any:
    following = NEXT_STEPS.get((record.kind, status))
    if following is None:
        return None
    on: date | None = getattr(after, following.on) if following.on else None
    clock = start_clock(
        subject=record,
        kind=rule or following.rule,
        anchor_at=anchor or now,
        zone=record.site.zone,
        calendar=record.site.calendar,
        on=on,
        by=by,
        now=now,
        site_id=record.site_id,
        owner_id=record.owner_id,
    )
    if clock is None:
        raise NotAllowed(_("Please give the date by which this has to be done."))
    if clock.state == State.MET:  # the same event again: what was recorded was a mistake
        clock = reopen_clock(clock_id=clock.pk, reason=as_kept(_("Taken up again.")), by=by, now=now)
    return clock


def _end_clock(record: Any, step: str, *, by: Actor, now: datetime, reason: str) -> None:
    clock = record.clock
    if clock is None or clock.state not in (*RUNNING, State.MISSED):
        return
    if step in MEETING_STEPS:
        meet_clock(clock_id=clock.pk, by=by, now=now)
    else:
        void_clock(clock_id=clock.pk, reason=reason or step, by=by, now=now)


def _give_owner(record: Any, by: Actor) -> None:
    """Somebody always has it: who writes it, the patient's coordinator, or the site's first team list."""
    writer = person(by)
    if writer is not None and can_manage_referral(writer, record) and writer.role != Role.API_CLIENT:
        record.owner = writer
    else:
        record.owner, record.team = careplans.default_owner(record.patient, record.site)


@transaction.atomic
def assign_followed(
    *, model: type[Any], record_id: UUID, owner: Any, by: Actor, now: datetime, reason: str = ""
) -> Any:
    """Give a bill, application or estimate to somebody else; its age and dates do not change. Raises NotAllowed."""
    record = lock_followed(model, record_id, by)
    if not can_manage_referral(owner, record):
        raise NotAllowed(
            _("%(name)s does not work on bills and applications at this site.") % {"name": owner.name}
        )
    before = record.owner_id
    record.owner = owner
    record.version += 1
    record.save()
    facts = {"from": before, "to": owner.pk}
    add_history(record, "reassign", by=by, now=now, reason=reason, **facts)
    audit.record_change(record, "assign", by=by, reason=reason, details=facts)
    return record


# --- its task on My work ----------------------------------------------------------------------------------


def task_key(record: Any) -> str:
    """One task for each stage and date of a record."""
    return f"{KEY}{record.pk}:{record.status}:{record.due_at:%Y-%m-%d}"


def _follow_by_task(record: Any, *, by: Actor, now: datetime) -> None:
    """Close what an earlier stage asked for, and open what this one does."""
    wanted = task_key(record) if record.is_open else ""
    asked = Task.objects.open().filter(cause_id=record.pk, dedupe_key__startswith=KEY)
    keys = [k for k in asked.values_list("dedupe_key", flat=True) if k != wanted]
    if keys:
        careplans.close_automatic(dedupe_keys=keys, outcome=record.get_status_display(), by=by, now=now)
    if wanted and record.due_at <= now + timedelta(days=RENEWAL_DAYS):
        open_followed_task(record, by=by, now=now)


@in_clinic_language
def open_followed_task(record: Any, *, by: Actor, now: datetime) -> None:
    """The task of where the record stands; opened once for each stage and date."""
    titles = {
        "aid": _("Aid: %(what)s"),
        "benefit": _("Benefit: %(what)s"),
        "bill": _("Bill: %(what)s"),
        "estimate": _("Good-faith estimate: %(what)s"),
    }
    owner = User.objects.still_assignable(record.owner, record.site)
    careplans.open_task(
        patient=record.patient,
        site=record.site,
        kind=TaskKind.PAPERWORK,
        title=(titles[record.kind] % {"what": record})[:200],
        reason=record.next_step,
        next_step=_("Record on the patient's Money page what came of it."),
        owner=owner,
        team=None if owner else record.team,
        due_at=record.due_at,
        dedupe_key=task_key(record),
        cause=record,
        by=by,
        now=now,
    )


def follow_up_money(*, site: Site, by: Actor, now: datetime) -> int:
    """The night: a task for what comes near (renewals) and for what is overdue and asked of nobody; returns how many."""
    opened = 0
    for model in FOLLOWED:
        near = model.objects.open().filter(
            site=site,
            patient__status=PatientStatus.ACTIVE,
            due_at__lte=now + timedelta(days=RENEWAL_DAYS),
        )
        rows = {row.pk: row for row in near.only("pk", "status", "due_at")}
        keys = {task_key(row): pk for pk, row in rows.items()}
        asked = Task.objects.filter(dedupe_key__in=list(keys))
        known = set(asked.values_list("dedupe_key", flat=True))
        still_open = set(asked.open().values_list("dedupe_key", flat=True))
        for key, pk in sorted(keys.items()):
            if key not in known or (key not in still_open and rows[pk].due_at < now):
                opened += _ask(model, pk, key, by, now)
    return opened


@transaction.atomic
def _ask(model: type[Any], pk: UUID, key: str, by: Actor, now: datetime) -> bool:
    record = lock(model.objects.select_related(*PEOPLE), pk)
    if not record.is_open or task_key(record) != key:
        return False
    open_followed_task(record, by=by, now=now)
    return True


# --- what the services below share ------------------------------------------------------------------------


def lock_followed(model: type[Any], pk: UUID | None, by: Actor, *more: str) -> Any:
    """The record, locked, if `by` may work on it. Raises the model's DoesNotExist, PermissionDenied."""
    record = lock(model.objects.select_related(*PEOPLE, *more), pk)
    check_can_manage_referral(by, record)
    return record


def withdraw_replaced(
    made: Any, old: Any, take: Callable[..., Any], key: str, *, by: Actor, now: datetime
) -> None:
    """The new application takes the old one's place: that is withdrawn by its own step. Raises NotAllowed once it is
    decided, ValidationError for another patient's."""
    if old.patient_id != made.patient_id:
        raise ValidationError(_("That application belongs to another patient."))
    if old.workflow.find("withdraw", old.status) is None:
        raise NotAllowed(_("An application that is decided is not replaced. Say why another one is needed."))
    take(**{key: old.pk}, step="withdraw", reason=_("Another application takes its place."), by=by, now=now)


def check_document(record: Any, document: Document | None) -> None:
    """A paper of this record has to be this patient's. Raises ValidationError."""
    if document is not None and document.patient_id != record.patient_id:
        raise ValidationError({"document": _("Choose a document of this patient.")})


def missing_papers(record: Any) -> list[str]:
    """Names of the papers that are neither attached nor said not to be needed."""
    return [paper.name for paper in record.papers.all() if paper.is_missing]
