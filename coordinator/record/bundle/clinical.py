"""What is known and what was written down, as FHIR resources."""

from __future__ import annotations

import base64
from datetime import UTC
from typing import Any

from coordinator.fhir.values import Json
from coordinator.record.bundle.values import CODES, coded, concept, day, hyphened, instant, ref
from coordinator.record.gather import Record

CONDITION_STATUS = f"{CODES}/condition-clinical"
ALLERGY_STATUS = f"{CODES}/allergyintolerance-clinical"
NO_ALLERGY = {"system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy"}


def problem_resource(row: Any, about: Any) -> Json:
    return {
        "resourceType": "Condition",
        "id": str(row.pk),
        "clinicalStatus": coded(CONDITION_STATUS, row.status),
        "code": concept(row.name, row.code, row.code_system),
        "subject": about,
        "onsetDateTime": day(row.onset_on),
        "abatementDateTime": day(row.ended_on),
    }


def allergy_resource(row: Any, about: Any) -> Json:
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


def no_allergy_resource(record: Record, about: Any) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "id": f"none-{record.patient.pk.hex}",
        "clinicalStatus": coded(ALLERGY_STATUS, "active"),
        "code": {"coding": [NO_ALLERGY]},
        "patient": about,
    }


def medication_resource(row: Any, about: Any) -> Json:
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


def encounter_resource(row: Any, about: Any) -> Json:
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


def result_resource(row: Any, about: Any) -> Json:
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


def immunization_resource(row: Any, about: Any) -> Json:
    given = {"occurrenceDateTime": instant(row.given_at)} if row.given_at else {"occurrenceString": "unknown"}
    return {
        "resourceType": "Immunization",
        "id": str(row.pk),
        "status": hyphened(row.status),
        "vaccineCode": concept(row.name, row.code, "http://hl7.org/fhir/sid/cvx"),
        "patient": about,
        **given,
    }


def document_resource(row: Any, about: Any) -> Json:
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


def contact_resource(row: Any, about: Any) -> Json:
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


def note_resource(row: Any, about: Any) -> Json:
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
