"""A record as a FHIR R4 bundle: the way back of coordinator/fhir/mapping.py, so that what we write we read.

References are `urn:uuid:` of our own keys. What FHIR has no place for stands in the PDF, not in invented extensions.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from coordinator.fhir.mapping import GENDER_IDENTITY, INTERPRETER
from coordinator.fhir.values import Json
from coordinator.record.gather import Record

CODES = "http://terminology.hl7.org/CodeSystem"
NUMBERS = f"{CODES}/v2-0203"
CONDITION_STATUS = f"{CODES}/condition-clinical"
ALLERGY_STATUS = f"{CODES}/allergyintolerance-clinical"
NO_ALLERGY = {"system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy"}


def bundle_of(record: Record) -> Json:
    """The record as a bundle of type collection. Plain JSON; texts are as they were written."""
    entries = [
        {"fullUrl": urn(resource["id"]), "resource": pruned(resource)} for resource in _resources(record)
    ]
    bundle: Json = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": instant(record.now),
        "entry": entries,
    }
    if record.notices:
        bundle["meta"] = {
            "tag": [{"system": "urn:throughline:notice", "display": text} for text in record.notices]
        }
    return bundle


def as_json(bundle: Json) -> str:
    """The bundle as text. Numbers keep their digits: a float would round what was measured."""
    mark = uuid4().hex
    text = json.dumps(bundle, ensure_ascii=False, default=lambda number: f"{mark}{number:f}{mark}")
    return text.replace(f'"{mark}', "").replace(f'{mark}"', "")


def pruned(value: Any) -> Any:
    """Without what is empty: FHIR knows no empty text, list or object."""
    if isinstance(value, dict):
        return {
            name: found for name, part in value.items() if (found := pruned(part)) not in (None, "", [], {})
        }
    if isinstance(value, list):
        return [found for part in value if (found := pruned(part)) not in (None, "", [], {})]
    return value


def urn(key: Any) -> str:
    return f"urn:uuid:{key}"


def ref(key: Any, display: str = "") -> Json | None:
    return {"reference": urn(key), "display": display} if key else None


def instant(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def concept(text: Any, code: str = "", system: str = "") -> Json | None:
    """Words and, when there is one, a code."""
    if not text and not code:
        return None
    return {"text": str(text or ""), "coding": [{"system": system, "code": code}] if code else []}


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def hyphened(status: str) -> str:
    """Our statuses are FHIR's with another mark between the words."""
    return status.replace("_", "-")


def _resources(record: Record) -> Iterable[Json]:
    about = ref(record.patient.pk)
    yield _patient(record)
    yield from _directory(record)
    writers: list[tuple[Callable[[Any, Any], Json], list[Any]]] = [
        (_related_person, record.related_people),
        (_coverage, record.coverages),
        (_consent, record.consents),
        (_problem, record.problems),
        (_allergy, record.allergies),
        (_medication, record.medications),
        (_encounter, record.encounters),
        (_result, record.results),
        (_immunization, record.immunizations),
        (_document, record.documents),
        (_goal, record.goals),
        (_task, record.tasks),
        (_appointment, record.appointments),
        (_referral, record.referrals),
        (_contact, record.contacts),
        (_note, record.notes),
    ]
    for member in record.care_team:
        yield _care_team(member, about)
    for write, rows in writers:
        for row in rows:
            yield write(row, about)
    for plan in record.plans:
        yield _plan(plan, about, record)
    if record.patient.allergy_status == "none_known" and not record.allergies:
        yield _no_allergy(record, about)


def _directory(record: Record) -> Iterable[Json]:
    """Practitioners and organizations that an entry refers to, each once."""
    people: dict[Any, Any] = {}
    places: dict[Any, Any] = {}
    rows = [*record.care_team, *record.encounters, *record.appointments, *record.referrals]
    for row in rows:
        for name in ("practitioner", "requester", "recipient"):
            if found := getattr(row, name, None):
                people[found.pk] = found
        for name in ("organization", "recipient_organization"):
            if found := getattr(row, name, None):
                places[found.pk] = found
    for one in people.values():
        yield {
            "resourceType": "Practitioner",
            "id": str(one.pk),
            "name": [{"family": one.family_name, "given": [one.given_name], "suffix": [one.credentials]}],
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": one.npi}] if one.npi else [],
        }
    for place in places.values():
        yield {
            "resourceType": "Organization",
            "id": str(place.pk),
            "name": place.name,
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": place.npi}]
            if place.npi
            else [],
            "telecom": [
                {"system": kind, "value": value}
                for kind, value in (("phone", place.phone), ("fax", place.fax))
                if value
            ],
        }


def _patient(record: Record) -> Json:
    p = record.patient
    name: Json = {
        "use": "official",
        "family": p.family_name,
        "given": [n for n in (p.given_name, p.middle_name) if n] if p.given_name else [],
        "prefix": [p.prefix],
        "suffix": [p.suffix],
    }
    others = [
        {"use": "nickname", "given": [p.preferred_name]} if p.preferred_name else {},
        {"use": "maiden", "family": p.former_family_name} if p.former_family_name else {},
    ]
    numbers: list[Json] = [{"type": coded(NUMBERS, "MR"), "value": p.mrn, "use": "usual"}]
    numbers += [
        {"type": coded(NUMBERS, n.kind) if n.kind else None, "system": n.system, "value": n.value}
        for n in record.identifiers
        if not (n.kind == "MR" and n.value == p.mrn)
    ]
    points = [c for c in record.contact_points if not c.ended_at]
    uses = {"mobile", "home", "work"}
    dead = {"deceasedDateTime": day(p.deceased_on)} if p.deceased_on else {"deceasedBoolean": True}
    return {
        "resourceType": "Patient",
        "id": str(p.pk),
        "active": p.status in ("active", "deceased"),
        "identifier": numbers,
        "name": [name, *others],
        "telecom": [
            {
                "system": c.kind,
                "value": c.value,
                "use": c.use if c.use in uses else None,
                "rank": c.rank or None,
            }
            for c in points
        ],
        "gender": p.sex,
        "birthDate": day(p.birth_date),
        "address": [
            {
                "line": [p.address_line],
                "city": p.city,
                "state": p.state,
                "postalCode": p.postal_code,
                "country": p.country,
            }
        ],
        "communication": [{"language": concept("", p.language, "urn:ietf:bcp:47"), "preferred": True}]
        if p.language
        else [],
        "extension": [
            {"url": INTERPRETER, "valueBoolean": p.interpreter_needed},
            {"url": GENDER_IDENTITY, "valueCodeableConcept": concept(p.gender_identity)}
            if p.gender_identity
            else {},
        ],
        **(dead if p.status == "deceased" else {}),
    }


# --- people and papers ------------------------------------------------------------------------------------


def _related_person(row: Any, about: Any) -> Json:
    return {
        "resourceType": "RelatedPerson",
        "id": str(row.pk),
        "active": row.ended_on is None,
        "patient": about,
        "relationship": [concept(row.relationship)],
        "name": [{"text": row.name}],
        "telecom": [
            {"system": kind, "value": value}
            for kind, value in (("phone", row.phone), ("email", row.email))
            if value
        ],
        "communication": [{"language": concept("", row.language, "urn:ietf:bcp:47")}] if row.language else [],
        "period": {"start": day(row.started_on), "end": day(row.ended_on)},
    }


def _coverage(row: Any, about: Any) -> Json:
    classes = [("plan", row.plan_name), ("group", row.group_number)]
    return {
        "resourceType": "Coverage",
        "id": str(row.pk),
        "status": "active" if row.status == "active" else "cancelled",
        "beneficiary": about,
        "payor": [{"display": row.payer_name}],
        "type": concept(row.line_of_business),
        "identifier": [{"type": coded(NUMBERS, "MB"), "value": row.member_id}] if row.member_id else [],
        "subscriberId": row.subscriber_id,
        "class": [
            {"type": coded(f"{CODES}/coverage-class", kind), "value": value}
            for kind, value in classes
            if value
        ],
        "relationship": concept("", row.relationship_to_subscriber, f"{CODES}/subscriber-relationship"),
        "order": row.rank or None,
        "period": {"start": day(row.starts_on), "end": day(row.ends_on)},
    }


def _consent(row: Any, about: Any) -> Json:
    scope = "research" if row.kind == "research" else "patient-privacy"
    return {
        "resourceType": "Consent",
        "id": str(row.pk),
        "status": "active" if row.status == "active" else "inactive",
        "scope": coded(f"{CODES}/consentscope", scope),
        "category": [{"text": str(row.get_kind_display())}],
        "patient": about,
        "dateTime": day(row.starts_on),
        "performer": [{"display": row.given_by}] if row.given_by else [],
        "policyRule": {"text": row.scope or str(row.get_kind_display())},
        "provision": {"type": row.decision, "period": {"start": day(row.starts_on), "end": day(row.ends_on)}},
    }


def _care_team(row: Any, about: Any) -> Json:
    """One team for each member: a period belongs to the team in FHIR, and to the member with us."""
    member = ref(row.practitioner_id) or ref(row.organization_id) or {}
    return {
        "resourceType": "CareTeam",
        "id": str(row.pk),
        "status": "inactive" if row.ended_on else "active",
        "subject": about,
        "period": {"start": day(row.started_on), "end": day(row.ended_on)},
        "participant": [{"role": [concept(row.role)], "member": {**member, "display": row.display}}],
    }


# --- what is known -----------------------------------------------------------------------------------------


def _problem(row: Any, about: Any) -> Json:
    return {
        "resourceType": "Condition",
        "id": str(row.pk),
        "clinicalStatus": coded(CONDITION_STATUS, row.status),
        "code": concept(row.name, row.code, row.code_system),
        "subject": about,
        "onsetDateTime": day(row.onset_on),
        "abatementDateTime": day(row.ended_on),
    }


def _allergy(row: Any, about: Any) -> Json:
    reaction = {"manifestation": [concept(row.reaction or "Not recorded")], "severity": row.severity}
    return {
        "resourceType": "AllergyIntolerance",
        "id": str(row.pk),
        "clinicalStatus": coded(ALLERGY_STATUS, row.status),
        "code": concept(row.substance, row.code, row.code_system),
        "patient": about,
        "recordedDate": day(row.recorded_on),
        "reaction": [reaction] if row.reaction or row.severity else [],
    }


def _no_allergy(record: Record, about: Any) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "id": f"none-{record.patient.pk.hex}",
        "clinicalStatus": coded(ALLERGY_STATUS, "active"),
        "code": {"coding": [NO_ALLERGY]},
        "patient": about,
    }


def _medication(row: Any, about: Any) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "id": str(row.pk),
        "status": hyphened(row.status),
        "intent": "order",
        "medicationCodeableConcept": concept(row.name, row.code, row.code_system),
        "subject": about,
        "authoredOn": day(row.started_on),
        "requester": {"display": row.prescriber_name} if row.prescriber_name else None,
        "dosageInstruction": [{"text": row.how_taken}] if row.how_taken else [],
    }


def _encounter(row: Any, about: Any) -> Json:
    return {
        "resourceType": "Encounter",
        "id": str(row.pk),
        "status": hyphened(row.status),
        "class": {"system": f"{CODES}/v3-ActCode", "code": row.setting}
        if row.setting
        else {"display": "Not recorded"},
        "type": [concept(row.kind)],
        "subject": about,
        "participant": [{"individual": ref(row.practitioner_id)}] if row.practitioner_id else [],
        "serviceProvider": ref(row.organization_id),
        "period": {"start": instant(row.started_at), "end": instant(row.ended_at)},
        "reasonCode": [concept(row.reason)],
    }


def _result(row: Any, about: Any) -> Json:
    value: Json = {"valueString": row.value_text}
    if row.value is not None:
        value = {"valueQuantity": {"value": row.value.normalize(), "unit": row.unit}}
    return {
        "resourceType": "Observation",
        "id": str(row.pk),
        "status": hyphened(row.status),
        "category": [coded(f"{CODES}/observation-category", row.category)] if row.category else [],
        "code": concept(row.name, row.code, "http://loinc.org"),
        "subject": about,
        "effectiveDateTime": instant(row.taken_at),
        "interpretation": [coded(f"{CODES}/v3-ObservationInterpretation", row.interpretation)]
        if row.interpretation
        else [],
        **value,
    }


def _immunization(row: Any, about: Any) -> Json:
    given = {"occurrenceDateTime": instant(row.given_at)} if row.given_at else {"occurrenceString": "unknown"}
    return {
        "resourceType": "Immunization",
        "id": str(row.pk),
        "status": hyphened(row.status),
        "vaccineCode": concept(row.name, row.code, "http://hl7.org/fhir/sid/cvx"),
        "patient": about,
        **given,
    }


def _document(row: Any, about: Any) -> Json:
    """Its facts and, when it is plain text, its text. Files stay here: they are handed over one by one."""
    text = (
        {"contentType": "text/plain", "data": base64.b64encode(row.text.encode()).decode()}
        if row.text
        else {}
    )
    attachment = {"contentType": row.content_type, "title": row.title, **text}
    return {
        "resourceType": "DocumentReference",
        "id": str(row.pk),
        "status": row.status if row.status in ("current", "superseded") else "current",
        "type": concept(row.kind),
        "subject": about,
        "content": [{"attachment": {**attachment, "creation": day(row.received_on)}}],
    }


# --- what is planned ----------------------------------------------------------------------------------------

ACTIVITY = {
    "planned": "not-started",
    "in_progress": "in-progress",
    "done": "completed",
    "not_done": "stopped",
}


def _plan(row: Any, about: Any, record: Record) -> Json:
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


def _goal(row: Any, about: Any) -> Json:
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


def _task(row: Any, about: Any) -> Json:
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


def _appointment(row: Any, about: Any) -> Json:
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


def _referral(row: Any, about: Any) -> Json:
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


def _contact(row: Any, about: Any) -> Json:
    return {
        "resourceType": "Communication",
        "id": str(row.pk),
        "status": "completed" if row.reached else "not-done",
        "statusReason": None if row.reached else {"text": str(row.get_outcome_display())},
        "subject": about,
        "medium": [{"text": str(row.get_channel_display())}],
        "sent": instant(row.at),
        "note": [{"text": row.note}] if row.note else [],
    }


def _note(row: Any, about: Any) -> Json:
    """A note is a document of plain text."""
    data = base64.b64encode(row.body.encode()).decode()
    written = day(row.created_at.astimezone(UTC).date())
    return {
        "resourceType": "DocumentReference",
        "id": str(row.pk),
        "status": "current",
        "type": {"text": f"Note: {row.get_kind_display()}"},
        "subject": about,
        "date": instant(row.created_at),
        "author": [{"display": str(row.created_by)}] if row.created_by_id else [],
        "content": [
            {"attachment": {"contentType": "text/plain", "data": data, "title": "Note", "creation": written}}
        ],
    }
