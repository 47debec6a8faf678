"""A request as a Da Vinci PAS bundle (Claim, use preauthorization). Pure: from RequestData to bytes."""

from __future__ import annotations

from typing import Any
from uuid import uuid5

from coordinator.exchange.nodes import dump
from coordinator.exchange.requests import AskedLine, RequestData

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
X12 = "https://codesystem.x12.org/005010/"
TERMS = "http://terminology.hl7.org/CodeSystem/"
TRACES = "urn:throughline:authorization-trace"
NPI = "http://hl7.org/fhir/sid/us-npi"
UNITS = {"day": "d", "hour": "h", "week": "wk", "month": "mo"}  # UCUM; others are counted, "1"


def write_pas(data: RequestData) -> bytes:
    """A collection bundle whose first entry is the Claim; every reference is inside it."""
    claim = _claim(data)
    resources = [
        claim, _insurer(data), _clinic(data), _practitioner(data), _patient(data), _coverage(data),
    ]  # fmt: skip
    return dump(
        {
            "resourceType": "Bundle",
            "meta": {"profile": [f"{PAS}profile-pas-request-bundle"]},
            "identifier": {"system": TRACES, "value": data.trace},
            "type": "collection",
            "timestamp": data.created.isoformat(timespec="seconds"),
            "entry": [{"fullUrl": _url(r["id"]), "resource": r} for r in resources],
        }
    )


def _id(data: RequestData, name: str) -> str:
    return str(uuid5(data.key, name))


def _url(own: str) -> str:
    return f"urn:uuid:{own}"


def _ref(data: RequestData, name: str) -> dict[str, str]:
    return {"reference": f"urn:uuid:{_id(data, name)}"}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _claim(data: RequestData) -> dict[str, Any]:
    claim = {
        "resourceType": "Claim",
        "id": _id(data, "claim"),
        "meta": {"profile": [f"{PAS}profile-claim"]},
        "identifier": [{"system": TRACES, "value": data.trace}],
        "status": "active",
        "type": _coded(f"{TERMS}claim-type", "professional"),
        "use": "preauthorization",
        "patient": _ref(data, "patient"),
        "created": data.created.isoformat(timespec="seconds"),
        "insurer": _ref(data, "insurer"),
        "provider": _ref(data, "clinic"),
        "priority": _coded(f"{TERMS}processpriority", "stat" if data.urgent else "normal"),
        "careTeam": [{"sequence": 1, "provider": _ref(data, "practitioner")}],
        "insurance": [{"sequence": 1, "focal": True, "coverage": _ref(data, "coverage")}],
        "item": [_item(data, line) for line in data.lines],
    }
    if data.urgent:
        level = {
            "url": f"{PAS}extension-levelOfServiceCode",
            "valueCodeableConcept": _coded(f"{X12}1338", "U"),
        }
        claim["extension"] = [level]
    if data.diagnoses:
        claim["diagnosis"] = [
            {"sequence": n, "diagnosisCodeableConcept": _coded("http://hl7.org/fhir/sid/icd-10-cm", code)}
            for n, code in enumerate(data.diagnoses, start=1)
        ]
    return claim


def _item(data: RequestData, line: AskedLine) -> dict[str, Any]:
    concept = _coded("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", line.code)
    if line.label:
        concept["text"] = line.label
    trace = {"system": TRACES, "value": f"{data.trace}-{line.number}"}
    quantity: dict[str, Any] = {"value": line.units, "unit": line.unit_kind}
    if line.unit_kind in UNITS:
        quantity |= {"system": "http://unitsofmeasure.org", "code": UNITS[line.unit_kind]}
    item = {
        "extension": [
            {"url": f"{PAS}extension-itemTraceNumber", "valueIdentifier": trace},
            {
                "url": f"{PAS}extension-serviceItemRequestType",
                "valueCodeableConcept": _coded(f"{X12}1525", data.review_type),
            },
            {
                "url": f"{PAS}extension-certificationType",
                "valueCodeableConcept": _coded(f"{X12}1322", data.certification),
            },
        ],
        "sequence": line.number,
        "careTeamSequence": [1],
        "productOrService": concept,
        "quantity": quantity,
    }
    if data.diagnoses:
        item["diagnosisSequence"] = list(range(1, len(data.diagnoses) + 1))
    return item


def _patient(data: RequestData) -> dict[str, Any]:
    name: dict[str, Any] = {"family": data.family_name or data.given_name}
    if data.given_name:
        name["given"] = [data.given_name]
    patient = {
        "resourceType": "Patient",
        "id": _id(data, "patient"),
        "identifier": [{"type": _coded(f"{TERMS}v2-0203", "MB"), "value": data.member_id}],
        "name": [name],
        "gender": data.sex if data.sex in ("female", "male", "other") else "unknown",
    }
    return patient | ({"birthDate": data.birth_date.isoformat()} if data.birth_date else {})


def _coverage(data: RequestData) -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "id": _id(data, "coverage"),
        "identifier": [{"type": _coded(f"{TERMS}v2-0203", "MB"), "value": data.member_id}],
        "status": "active",
        "beneficiary": _ref(data, "patient"),
        "payor": [_ref(data, "insurer")],
    }


def _insurer(data: RequestData) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": _id(data, "insurer"),
        "active": True,
        "type": [_coded(f"{X12}98", "PR")],
        "name": data.payer_name,
    }


def _clinic(data: RequestData) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": _id(data, "clinic"),
        "active": True,
        "type": [_coded(f"{X12}98", "1P")],
        "name": data.clinic_name,
    }


def _practitioner(data: RequestData) -> dict[str, Any]:
    return {
        "resourceType": "Practitioner",
        "id": _id(data, "practitioner"),
        "identifier": [{"system": NPI, "value": data.requester_npi}],
        "name": [{"text": data.requester_name}],
    }
