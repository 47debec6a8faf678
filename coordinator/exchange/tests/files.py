"""Small files of payers for tests, written by hand: a 278 answer and a PAS answer about requests of ours."""

from __future__ import annotations

import json
from typing import Any

HEAD = (
    "ISA*00*          *00*          *ZZ*PAYER          *ZZ*CLINIC         *261120*1405*^*00501*000000001*0*P*:~"
    "GS*HI*PAYER*CLINIC*20261120*1405*1*X*005010X217~"
)


def x12(*body: str, purpose: str = "11", reference: str = "T-1") -> bytes:
    """An interchange around these segments, which follow the subscriber's loop (HL 3)."""
    rows = [
        "ST*278*0001*005010X217",
        f"BHT*0007*{purpose}*{reference}*20261120*1405*18",
        "HL*1**20*1",
        "NM1*X3*2*HEALTHNORTH*****PI*789312",
        "HL*2*1*21*1",
        "NM1*1P*2*RIVERSIDE CLINIC*****XX*1234567893",
        "HL*3*2*22*1",
        "NM1*IL*1*HAAS*EMIL****MI*HN5550001",
        *body,
    ]
    rows.append(f"SE*{len(rows) + 1}*0001")
    return (HEAD + "~".join(rows) + "~GE*1*1~IEA*1*000000001~").encode()


def answer_278(*services: str, hcr: str = "HCR*A1*AUTH77", trace: str = "T-1") -> bytes:
    """One event with this decision and, after it, the segments of services."""
    event = ["HL*4*3*EV*1", f"TRN*2*{trace}*9012345678", "UM*HS*I*3", *([hcr] if hcr else [])]
    return x12(*event, *services, reference=trace)


def answer_pas(trace: str = "T-1", items: list[dict[str, Any]] | None = None, **fields: Any) -> bytes:
    """A bundle with one ClaimResponse; `items` as `item()` makes them."""
    response = {
        "resourceType": "ClaimResponse",
        "identifier": [{"system": "urn:trace", "value": trace}],
        "status": "active",
        "use": "preauthorization",
        "outcome": "complete",
        **({"item": items} if items else {}),
        **fields,
    }
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": response}]}
    ).encode()


def item(sequence: int, code: str, number: str = "AUTH77", **fields: Any) -> dict[str, Any]:
    base = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
    coded = {"coding": [{"system": "https://codesystem.x12.org/005010/306", "code": code}]}
    action = [
        {"url": "number", "valueString": number},
        {"url": f"{base}extension-reviewActionCode", "valueCodeableConcept": coded},
    ]
    review = {"url": f"{base}extension-reviewAction", "extension": action}
    return {"itemSequence": sequence, "adjudication": [{"extension": [review]}], **fields}
