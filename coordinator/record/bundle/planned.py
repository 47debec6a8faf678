"""Plans, goals, tasks, visits and referrals as FHIR resources."""

from __future__ import annotations

from typing import Any

from coordinator.fhir.values import Json
from coordinator.record.bundle.values import CODES, coded, concept, day, hyphened, instant, ref, urn
from coordinator.record.gather import Record

ACTIVITY = {
    "planned": "not-started",
    "in_progress": "in-progress",
    "done": "completed",
    "not_done": "stopped",
}


def plan_resource(row: Any, about: Any, record: Record) -> Json:
    actions = [action for action in record.interventions if action.plan_id == row.pk]
    kept = {problem.pk for problem in record.problems}
    return {
        "resourceType": "CarePlan",
        "id": str(row.pk),
        "status": hyphened(row.status)
        if row.status in ("draft", "active", "on_hold", "revoked", "completed")
        else "unknown",
        "intent": row.intent,
        "title": row.title,
        "description": row.description,
        "category": [concept(row.category)],
        "subject": about,
        "period": {"start": day(row.starts_on), "end": day(row.ends_on)},
        "addresses": [ref(problem.pk) for problem in row.problems.all() if problem.pk in kept],
        "goal": [ref(goal.pk) for goal in record.goals if goal.plan_id == row.pk],
        "activity": [{"detail": _action(action)} for action in actions],
    }


def _action(row: Any) -> Json:
    who = row.responsible_name or (str(row.responsible) if row.responsible_id else "")
    who = who or (str(row.responsible_team) if row.responsible_team_id else "")
    when: Json = {"scheduledString": row.frequency} if row.frequency else {}
    if row.due_on and not when:
        when = {"scheduledPeriod": {"end": day(row.due_on)}}
    return {
        "status": ACTIVITY.get(row.status, "cancelled"),
        "description": row.description,
        "performer": [{"display": who}] if who else [],
        **when,
    }


def goal_resource(row: Any, about: Any) -> Json:
    target: Json = {"measure": concept(row.target_measure)}
    low, high = row.target_low, row.target_high
    if low is not None or high is not None:
        unit = row.target_unit
        target["detailRange"] = {
            "low": {"value": low, "unit": unit} if low is not None else None,
            "high": {"value": high, "unit": unit} if high is not None else None,
        }
        target["measure"] = target["measure"] or concept("Value")
    if row.due_on:
        target["dueDate"] = day(row.due_on)
    return {
        "resourceType": "Goal",
        "id": str(row.pk),
        "lifecycleStatus": hyphened(row.status),
        "achievementStatus": coded(f"{CODES}/goal-achievement", hyphened(row.achievement_status))
        if row.achievement_status
        else None,
        "description": {"text": row.description},
        "subject": about,
        "startDate": day(row.starts_on),
        "target": [target],
        "expressedBy": {"display": row.expressed_by} if row.expressed_by else None,
        "note": [{"text": row.patient_words}] if row.patient_words else [],
    }


def task_resource(row: Any, about: Any) -> Json:
    owner = str(row.owner) if row.owner_id else str(row.team) if row.team_id else ""
    return {
        "resourceType": "Task",
        "id": str(row.pk),
        "status": hyphened(row.status),
        "intent": "order",
        "priority": row.priority,
        "code": {"text": row.title},
        "description": row.reason,
        "for": about,
        "authoredOn": instant(row.opened_at),
        "lastModified": instant(row.ended_at),
        "owner": {"display": owner} if owner else None,
        "restriction": {"period": {"end": instant(row.due_at)}} if row.due_at else None,
    }


def appointment_resource(row: Any, about: Any) -> Json:
    known = {"no_show": "noshow", "in_progress": "arrived"}
    parts = [{"actor": {**about, "type": "Patient"}, "status": "accepted"}]
    if row.practitioner_id:
        parts.append(
            {"actor": {"reference": urn(row.practitioner_id), "type": "Practitioner"}, "status": "accepted"}
        )
    if row.place:
        parts.append({"actor": {"display": row.place, "type": "Location"}, "status": "accepted"})
    return {
        "resourceType": "Appointment",
        "id": str(row.pk),
        "status": known.get(row.status, hyphened(row.status)),
        "serviceType": [{"text": row.service.name}],
        "description": row.reason,
        "start": instant(row.start),
        "end": instant(row.end),
        "created": instant(row.booked_at),
        "participant": parts,
    }


REFERRAL = {"draft": "draft", "withdrawn": "revoked", "completed": "completed", "cancelled": "revoked"}


def referral_resource(row: Any, about: Any) -> Json:
    ended = row.loop_closed_at is not None
    performer = ref(row.recipient_id) or ref(row.recipient_organization_id)
    return {
        "resourceType": "ServiceRequest",
        "id": str(row.pk),
        "status": "completed" if ended else REFERRAL.get(row.status, "active"),
        "intent": "order",
        "priority": row.urgency if row.urgency in ("routine", "urgent", "stat") else "routine",
        "identifier": [{"system": "urn:throughline:referral", "value": row.reference}],
        "code": {"text": row.service or row.specialty},
        "performerType": {"text": row.specialty},
        "subject": about,
        "requester": ref(row.requester_id),
        "performer": [performer] if performer else [],
        "reasonCode": [{"text": row.reason}],
        "occurrenceDateTime": day(row.requested_by_on),
        "authoredOn": instant(row.created_at),
    }
