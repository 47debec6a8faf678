"""A record as a FHIR R4 bundle: the way back of coordinator/fhir/mapping.py, so that what we write we read.

References are `urn:uuid:` of our own keys. What FHIR has no place for stands in the PDF, not in invented extensions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from coordinator.fhir.values import Json
from coordinator.record.bundle.clinical import (
    allergy_resource,
    contact_resource,
    document_resource,
    encounter_resource,
    immunization_resource,
    medication_resource,
    no_allergy_resource,
    note_resource,
    problem_resource,
    result_resource,
)
from coordinator.record.bundle.people import (
    care_team_resource,
    consent_resource,
    coverage_resource,
    patient_resource,
    related_person_resource,
    warning_resources,
)
from coordinator.record.bundle.planned import (
    appointment_resource,
    goal_resource,
    plan_resource,
    referral_resource,
    task_resource,
)
from coordinator.record.bundle.values import instant, pruned, ref, urn
from coordinator.record.gather import Record


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


def _resources(record: Record) -> Iterable[Json]:
    about = ref(record.patient.pk)
    yield patient_resource(record)
    yield from warning_resources(record, about)
    yield from _directory(record)
    writers: list[tuple[Callable[[Any, Any], Json], list[Any]]] = [
        (related_person_resource, record.related_people),
        (coverage_resource, record.coverages),
        (consent_resource, record.consents),
        (problem_resource, record.problems),
        (allergy_resource, record.allergies),
        (medication_resource, record.medications),
        (encounter_resource, record.encounters),
        (result_resource, record.results),
        (immunization_resource, record.immunizations),
        (document_resource, record.documents),
        (goal_resource, record.goals),
        (task_resource, record.tasks),
        (appointment_resource, record.appointments),
        (referral_resource, record.referrals),
        (contact_resource, record.contacts),
        (note_resource, record.notes),
    ]
    for member in record.care_team:
        yield care_team_resource(member, about)
    for write, rows in writers:
        for row in rows:
            yield write(row, about)
    for plan in record.plans:
        yield plan_resource(plan, about, record)
    if record.patient.allergy_status == "none_known" and not record.allergies:
        yield no_allergy_resource(record, about)


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
