"""A small invented directory in Plan-Net's form."""

from __future__ import annotations

import json
from typing import Any

PLAN_NET = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/"


def concept(display: str, code: str = "") -> list[dict[str, Any]]:
    return [{"coding": [{"code": code, "display": display}]}]


def plan_net_resources(fax: str = "(612) 555-0199", phone: str = "612-555-0198") -> list[dict[str, Any]]:
    """A payer with one network and plan; two practices, of which one takes part; one resource that is not kept."""
    return [
        {"resourceType": "Organization", "id": "acme", "name": "Acme of CT", "type": concept("Payer", "payer")},
        {
            "resourceType": "Organization", "id": "net", "name": "Acme Choice", "type": concept("Network", "ntwk"),
            "partOf": {"reference": "Organization/acme"},
        },
        {
            "resourceType": "InsurancePlan", "id": "gold", "name": "Gold", "status": "active",
            "ownedBy": {"reference": "Organization/acme"}, "network": [{"reference": "Organization/net"}],
        },
        {
            "resourceType": "Organization", "id": "heart", "name": "Lakes Heart", "active": True,
            "type": concept("Provider Group", "prvgrp"),
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
        },
        {
            "resourceType": "Location", "id": "lake", "name": "Lake Street", "status": "active",
            "telecom": [{"system": "phone", "value": phone}, {"system": "fax", "value": fax}],
            "address": {"line": ["4 Lake Street"], "city": "Riverbend", "state": "MN", "postalCode": "55401"},
        },
        {
            "resourceType": "HealthcareService", "id": "cardio", "active": True,
            "providedBy": {"reference": "Organization/heart"}, "location": [{"reference": "Location/lake"}],
            "specialty": concept("Cardiology"),
            "extension": [
                {
                    "url": PLAN_NET + "newpatients",
                    "extension": [{"url": "acceptingPatients", "valueCodeableConcept": concept("", "newpt")[0]}],
                }
            ],
        },
        {"resourceType": "HealthcareService", "id": "phone", "name": "Counseling by phone", "specialty": concept("Counseling")},
        {
            "resourceType": "OrganizationAffiliation", "id": "joins", "active": True,
            "participatingOrganization": {"reference": "Organization/heart"},
            "network": [{"reference": "Organization/net"}], "period": {"start": "2026-01-01"},
        },
        {
            "resourceType": "Practitioner", "id": "anders", "name": [{"family": "Lindqvist", "given": ["Anders"]}],
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567890"}],
            "communication": [{"coding": [{"code": "es"}]}],
        },
        {
            "resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "Practitioner/anders"},
            "organization": {"reference": "Organization/heart"}, "location": [{"reference": "Location/lake"}],
            "specialty": concept("Cardiology"),
        },
        {"resourceType": "Endpoint", "id": "portal", "status": "active"},
    ]  # fmt: skip


def plan_net_bundle(**changes: Any) -> bytes:
    entries = [{"resource": resource} for resource in plan_net_resources(**changes)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()
