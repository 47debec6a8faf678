"""Nothing in an old file names its version, but its elements do. Refused by name, never half imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Test = Callable[[dict[str, Any]], bool]


def _has(*names: str) -> Test:
    return lambda resource: any(name in resource for name in names)


DSTU2: dict[str, Test] = {
    "MedicationOrder": lambda r: True,
    "DiagnosticOrder": lambda r: True,
    "ProcedureRequest": _has("orderer", "subjectReference"),
    "Encounter": lambda r: isinstance(r.get("class"), str) or "patient" in r,
    "Condition": lambda r: "patient" in r or "dateRecorded" in r,
    "AllergyIntolerance": _has("substance"),
    "Immunization": lambda r: "date" in r and "wasNotGiven" in r,
    "Patient": _has("careProvider"),
}
STU3: dict[str, Test] = {
    "ReferralRequest": lambda r: True,
    "EligibilityRequest": lambda r: True,
    "ProcedureRequest": lambda r: True,
    "BodySite": lambda r: True,
    "Procedure": _has("context", "notDone"),
    "Observation": _has("context", "comment", "related"),
    "Condition": lambda r: "context" in r or isinstance(r.get("clinicalStatus"), str) or "assertedDate" in r,
    "Immunization": _has("notGiven", "explanation"),
    "Encounter": _has("reason", "incomingReferral"),
    "AllergyIntolerance": lambda r: isinstance(r.get("clinicalStatus"), str) or "assertedDate" in r,
    "CarePlan": _has("context", "definition"),
    "Goal": lambda r: isinstance(r.get("status"), str) and "lifecycleStatus" not in r,
    "MedicationRequest": _has("context"),
    "Claim": _has("information", "employmentImpacted", "hospitalization"),
    "DiagnosticReport": _has("context", "image", "codedDiagnosis"),
    "DocumentReference": _has("class", "indexed", "created"),
}


def older_version(resource: dict[str, Any]) -> str:
    """ "DSTU2", "STU3" or "" for a resource, by the elements that only that version has."""
    kind = resource.get("resourceType", "")
    if not isinstance(kind, str):
        return ""
    meta = resource.get("meta")
    declared = str(meta.get("fhirVersion", "")) if isinstance(meta, dict) else ""
    declared = declared or str(resource.get("fhirVersion", ""))
    if declared.startswith("1."):
        return "DSTU2"
    if declared.startswith("3."):
        return "STU3"
    for name, tests in (("DSTU2", DSTU2), ("STU3", STU3)):
        test = tests.get(kind)
        if test and test(resource):
            return name
    return ""
