"""Statuses move through one door.

An app's `workflow.py` holds the table; `move()` is the only code that sets a status. It needs an
open transaction and a locked row, checks the table, saves the status, adds the change row, writes
the audit event and sends `moved`: all or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.enums import ChoicesType
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coordinator.db import insert_together, is_locked, require_transaction, uuid7

moved = Signal()  # sender=type(record), record, step (name), change, by, now


class NotAllowed(Exception):
    """The workflow does not allow this now. The text can be shown; HTTP 409."""


@dataclass(frozen=True)
class System:
    """An actor that is not a person: `System("nightly")`."""

    name: str


Actor = Any  # accounts.User or System; the floor cannot import the user model at load time


@dataclass(frozen=True)
class Step:
    """One verb. `needs` names what must be given: "reason", or a fact such as "wake_at"."""

    name: str
    sources: tuple[str, ...]
    to: str
    needs: tuple[str, ...] = ()
    label: Any = ""


@dataclass(frozen=True)
class Workflow:
    """The table of steps of one model, as data."""

    statuses: ChoicesType
    initial: str
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = set(self.statuses.values)
        for step in self.steps:
            unknown = {*step.sources, step.to} - known
            if unknown:
                raise ValueError(f"Step {step.name} names unknown statuses {sorted(unknown)}.")

    def find(self, name: str, source: str) -> Step | None:
        return next((s for s in self.steps if s.name == name and source in s.sources), None)

    def steps_from(self, status: str) -> list[Step]:
        return [s for s in self.steps if status in s.sources]

    def terminal(self) -> set[str]:
        """Statuses whose only way out, if any, is `enter_in_error`."""
        return {
            s
            for s in self.statuses.values
            if all(step.name == "enter_in_error" for step in self.steps_from(s))
        }

    def check_constraint(self, name: str) -> models.CheckConstraint:
        return models.CheckConstraint(condition=models.Q(status__in=list(self.statuses.values)), name=name)


def enter_in_error(statuses: Iterable[str], error_status: str = "entered_in_error") -> Step:
    """The step that every workflow has: reachable from every status, with a reason."""
    return Step(
        "enter_in_error",
        tuple(s for s in statuses if s != error_status),
        error_status,
        needs=("reason",),
        label=gettext_lazy("Enter in error"),
    )


# What is kept in the history but is no status step.
OTHER_STEPS = {
    "create": gettext_lazy("Created"),
    "import": gettext_lazy("Imported"),
    "reassign": gettext_lazy("Given to somebody else"),
    "update": gettext_lazy("Changed"),
    "review": gettext_lazy("Reviewed by the requester"),
    "tell_patient": gettext_lazy("Patient told"),
    "tell_requester": gettext_lazy("Requester told"),
    "add_line": gettext_lazy("Service line added"),
    "settle": gettext_lazy("Open work settled"),
    "take_up": gettext_lazy("Open work taken up again"),
    "take_in": gettext_lazy("Another record was merged into this one"),
    "follow_clock": gettext_lazy("Deadline moved with its rule"),
    "remind": gettext_lazy("Reminded"),
    "make_packet": gettext_lazy("Packet made"),
    "deliver": gettext_lazy("Packet delivered"),
    "send_again": gettext_lazy("Packet sent"),
    "delivery_failed": gettext_lazy("A packet did not arrive"),
    "lose_track": gettext_lazy("It is not known whether the packet arrived"),
    "revoke_delivery": gettext_lazy("A packet was taken back"),
    "delivery_in_error": gettext_lazy("A delivery was entered in error"),
    "close_link": gettext_lazy("Link closed"),
    "log_attempt": gettext_lazy("Attempt to reach somebody"),
    "add_message": gettext_lazy("Message kept"),
    "entry_in_error": gettext_lazy("An attempt or message was entered in error"),
    "contact_in_error": gettext_lazy("A contact was entered in error"),
    "record_denial": gettext_lazy("Denial recorded"),
    "denial_in_error": gettext_lazy("A denial was entered in error"),
    "continue": gettext_lazy("A request that follows it was made"),
    "decide_lines": gettext_lazy("Refused lines decided"),
    "add_bill_line": gettext_lazy("A line of the bill was written down"),
    "remove_bill_line": gettext_lazy("A line of the bill was removed"),
    "explain": gettext_lazy("Explained"),
    "find_over_estimate": gettext_lazy("Found to be $400 or more above the estimate"),
    "attach_paper": gettext_lazy("A paper was looked after"),
    "pay": gettext_lazy("Paid"),
    "reverse_payment": gettext_lazy("A payment was reversed"),
    "give_back": gettext_lazy("A merged record was taken apart again"),
}


class Change(models.Model):
    """One row of a record's own history, shown on its timeline. Rows are only ever added."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    step = models.CharField(max_length=40)
    from_status = models.CharField(max_length=30, blank=True)
    to_status = models.CharField(max_length=30)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    by_system = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    facts = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        abstract = True
        ordering = ["at", "id"]

    @property
    def step_label(self) -> Any:
        """The step in the words of its button; steps outside the table in their own plain name."""
        workflow: Workflow = self._meta.get_field("record").related_model.workflow  # type: ignore[union-attr]
        label = next((s.label for s in workflow.steps if s.name == self.step and s.label), "")
        return label or OTHER_STEPS.get(self.step) or self.step.replace("_", " ").capitalize()

    @property
    def words(self) -> Any:
        """What happened, as a history says it: the status that was reached, else the step."""
        if not self.from_status or self.from_status == self.to_status:
            return self.step_label
        workflow: Workflow = self._meta.get_field("record").related_model.workflow  # type: ignore[union-attr]
        return workflow.statuses(self.to_status).label


def actor_fields(by: Actor) -> dict[str, Any]:
    """`by` as columns: a person in `by`, a job in `by_system`. Never neither."""
    if isinstance(by, System):
        return {"by": None, "by_system": by.name}
    if by is None or getattr(by, "pk", None) is None:
        raise ValueError("Every write needs `by`: a user or System(name).")
    return {"by": by, "by_system": ""}


def person(by: Actor) -> Any:
    """The user for `created_by`, or None when a job did it."""
    return None if isinstance(by, System) else by


def begin(
    record: Any, *, by: Actor, now: datetime, step: str = "create", reason: str = "", **facts: Any
) -> Any:
    """Write the first change row and audit event of a record that was just inserted.

    A record that was not saved yet is inserted with them, in one statement.
    """
    require_transaction()
    change = _change(record, step, "", by=by, now=now, reason=reason, facts=facts)
    event = _event(record, step, by=by, reason=reason, details={"to": record.status, **facts})
    if record._state.adding:
        insert_together(record, change, event)
    else:
        insert_together(change, event)
    moved.send(sender=type(record), record=record, step=step, change=change, by=by, now=now)
    return change


def move(record: Any, name: str, *, by: Actor, now: datetime, reason: str = "", **facts: Any) -> Any:
    """Take one step. Returns the change row.

    `facts` whose names are fields of the record are saved on it; all facts are kept on the change row.
    Raises NotAllowed with a sentence when the table has no such step from here or something is missing.
    """
    require_transaction()
    if not is_locked(record):
        raise RuntimeError("move() needs a row fetched with lock().")
    workflow: Workflow = record.workflow
    source = record.status
    step = workflow.find(name, source)
    if step is None:
        raise NotAllowed(
            _("This is %(status)s, so that step is not possible now.")
            % {"status": str(record.get_status_display()).lower()}
        )
    for need in step.needs:
        if not (reason if need == "reason" else facts.get(need)):
            raise NotAllowed(_("Please give: %(what)s.") % {"what": need.replace("_", " ")})
    own_fields = {f.name for f in record._meta.concrete_fields} - {"id", "status", "version"}
    for fact, value in facts.items():
        if fact in own_fields:
            setattr(record, fact, value)
    record.status = step.to
    record.version += 1
    record.save()
    plain = {k: _plain(v) for k, v in facts.items()}
    change = _change(record, name, source, by=by, now=now, reason=reason, facts=plain)
    event = _event(record, name, by=by, reason=reason, details={"from": source, "to": step.to})
    insert_together(change, event)
    moved.send(sender=type(record), record=record, step=name, change=change, by=by, now=now)
    return change


def record_edit(record: Any, step: str, *, by: Actor, now: datetime, reason: str = "", **facts: Any) -> Any:
    """Write the change row and the audit event of something that is no status step, such as an edit."""
    require_transaction()
    change = _change(record, step, record.status, by=by, now=now, reason=reason, facts=facts)
    insert_together(change, _event(record, step, by=by, reason=reason, details=facts))
    return change


def add_history(record: Any, step: str, *, by: Actor, now: datetime, reason: str = "", **facts: Any) -> Any:
    """The change row alone, for a change whose audit event is written elsewhere under a name of its own."""
    require_transaction()
    change = _change(record, step, record.status, by=by, now=now, reason=reason, facts=facts)
    change.save(force_insert=True)
    return change


def _change(
    record: Any, step: str, source: str, *, by: Actor, now: datetime, reason: str, facts: dict[str, Any]
) -> Any:
    changes = record.changes
    return changes.model(
        **{changes.field.name: record},
        step=step,
        from_status=source,
        to_status=record.status,
        at=now,
        reason=reason,
        facts=facts,
        **actor_fields(by),
    )


def _plain(value: Any) -> Any:
    return str(value.pk) if isinstance(value, models.Model) else value


def _event(record: Any, action: str, *, by: Actor, reason: str, details: dict[str, Any]) -> Any:
    from coordinator.audit import services as audit

    return audit.change_event(record, action, by=by, reason=reason, details=details)
