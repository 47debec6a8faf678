"""Imported orders and the tasks that fulfill them: the referral stands where its task says (domain of BSeR and Gravity)."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any
from uuid import UUID

from coordinator.fhir import measures
from coordinator.fhir.bundles import KEPT, Entry
from coordinator.fhir.values import Json
from coordinator.imports.models import OrderOrigin
from coordinator.workflow import Actor, NotAllowed
from referrals.models import Referral
from referrals.services import advance_referral
from referrals.workflow import REFERRAL_WORKFLOW
from referrals.workflow import ReferralStatus as S

# Task.status of the receiver -> our state (Gravity SDOH Clinical Care; `ready` and `received` are not used there).
STATES = {
    "requested": S.SENT,
    "accepted": S.ACCEPTED,
    "in-progress": S.ACCEPTED,
    "on-hold": S.ACCEPTED,
    "completed": S.COMPLETED,
    "rejected": S.DECLINED,
    "failed": S.DECLINED,
    "cancelled": S.CANCELLED,
}
OUTCOMES = {"failed": "could_not_get_help", "rejected": "other"}
WALKED = (
    "make_ready",
    "send",
    "receive",
    "accept",
    "complete",
    "decline",
    "request_cancel",
    "confirm_cancel",
)
BECAUSE = "The task that came with the import says so"


def note_origin(*, referral_id: UUID, facts: dict[str, Any]) -> None:
    """Keep what the order says of itself. Its report moment becomes the referral's when the report is in."""
    OrderOrigin.objects.create(referral_id=referral_id, **facts)
    if facts.get("report_at") is not None:
        rows = Referral.objects.filter(pk=referral_id, status=S.COMPLETED)
        rows.update(report_received_at=facts["report_at"])


def task_facts(resource: Json, zone: Any) -> dict[str, Any]:
    """A fulfilling Task as columns of OrderOrigin."""
    status, at, report = measures.fulfillment(resource, zone)
    return {"task_status": status[:30], "task_at": at, **report}


def later_task(
    *, referral_id: UUID, facts: dict[str, Any], owner: UUID | None, by: Actor, now: datetime
) -> str:
    """A task for a referral that is here already. Answers a note for the report, "" when all was done."""
    origin, _made = OrderOrigin.objects.get_or_create(referral_id=referral_id)
    if origin.task_at and facts["task_at"] and facts["task_at"] < origin.task_at:
        return "task that is older than the one known: its status is not taken"
    for name, value in facts.items():
        setattr(origin, name, value)
    origin.save()
    wanted = STATES.get(facts["task_status"])
    referral = Referral.objects.get(pk=referral_id)
    if wanted is None or referral.status == wanted:
        return ""
    if owner is not None and not referral.has_recipient:
        Referral.objects.filter(pk=referral_id).update(recipient_organization_id=owner)
    try:
        for step in _walk(referral.status, wanted):
            _take(referral_id, step, facts["task_status"], by=by, now=now)
    except NotAllowed:
        return "task whose status cannot be reached here: shown on the referral, which stays where it is"
    return ""


def _take(referral_id: UUID, step: str, said: str, *, by: Actor, now: datetime) -> None:
    facts: dict[str, Any] = {}
    if step == "send":
        facts = {"channel": "import"}
    elif step == "receive":
        facts = {"confirmed_by": "import"}
    elif step == "decline":
        facts = {"outcome_reason": OUTCOMES.get(said, "other")}
    advance_referral(referral_id=referral_id, step=step, by=by, now=now, reason=BECAUSE, **facts)


def _walk(source: str, wanted: str) -> list[str]:
    """The shortest way by the table's steps. Raises NotAllowed when there is none."""
    seen = {source}
    queue: deque[tuple[str, list[str]]] = deque([(source, [])])
    while queue:
        status, way = queue.popleft()
        if status == wanted:
            return way
        for step in REFERRAL_WORKFLOW.steps_from(status):
            if step.name in WALKED and step.to not in seen:
                seen.add(step.to)
                queue.append((step.to, [*way, step.name]))
    raise NotAllowed(BECAUSE)


def is_kept(entry: Entry) -> bool:
    """Types with a place in a record, and the few procedures that a measure counts."""
    return entry.kind in KEPT or (entry.kind == "Procedure" and bool(measures.visit_code(entry.resource)))


def turn_of(kind: str) -> int:
    return KEPT.index(kind) if kind in KEPT else len(KEPT)


def is_newer(facts: dict[str, Any], known: dict[str, Any]) -> bool:
    """A report is never given up for a task without one; otherwise the later word stands."""
    if ("report_at" in facts) != ("report_at" in known):
        return "report_at" in facts
    return bool(facts["task_at"] and known["task_at"] and facts["task_at"] > known["task_at"])
