"""Codes that CMS50 ("closing the referral loop", 2026) counts, and the facts its resources bring. Pure.

Qualifying visits: office visits, ophthalmological services, preventive care, psychiatric diagnosis and psychotherapy,
and behavioral or neuropsychological assessment, by CPT and SNOMED CT (value sets of the measure, written out by number).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from coordinator.fhir.values import Json, day, first, moment

CONSULT_NOTE = "11488-4"  # LOINC
SOCIAL_SERVICE = "410606002"  # SNOMED CT, the category of Gravity's service requests
GRAVITY = "http://hl7.org/fhir/us/sdoh-clinicalcare/"


def _numbers(*ranges: tuple[int, int]) -> frozenset[str]:
    return frozenset(str(n) for low, high in ranges for n in range(low, high + 1))


VISIT_CODES = _numbers(
    (92002, 92002), (92004, 92004), (92012, 92012), (92014, 92014),  # eye
    (99202, 99205), (99212, 99215),  # office
    (99381, 99387), (99391, 99397),  # preventive care, all ages
    (90791, 90792), (90832, 90832), (90834, 90834), (90837, 90837),  # psychiatric
    (96112, 96113), (96116, 96116), (96121, 96121), (96130, 96133), (96136, 96139), (96146, 96146),  # testing
    (96105, 96105), (96110, 96110), (96125, 96125), (96127, 96127), (96156, 96156), (96158, 96158),
) | {
    "185463005", "185464004", "185465003", "30346009", "37894004", "439740005", "3391000175108",  # office visits
    "359960003", "36228007", "252779009", "274795007", "274798009", "308110009", "314971001", "314972008",  # eye
    "78831002", "86013001", "90526000", "270427003", "270430005", "308335008", "390906007", "406547006",  # visits
    "10197000", "165172002", "68338001", "79094001",  # interviews and psychiatric evaluations
}  # fmt: skip
REFERRAL_CODES = frozenset(
    [
        "103696004",
        "103697008",
        "103698003",
        "103699006",
        "103704003",
        "306206005",
        "306253008",
        "183515008",
        "183517000",
        "183524004",
        "183569000",
        "308447003",
        "309046007",
        "309629002",
        "3457005",
        "416999007",
        "440010007",
    ]
)


def coded(concepts: Any) -> set[str]:
    """Every code of one CodeableConcept or of a list of them; none of what has another shape."""
    many = concepts if isinstance(concepts, list) else [concepts]
    codings = [concept.get("coding") for concept in many if isinstance(concept, dict)]
    each = [c for some in codings if isinstance(some, list) for c in some if isinstance(c, dict)]
    return {c["code"] for c in each if isinstance(c.get("code"), str)}


def visit_code(resource: Json) -> str:
    """The qualifying code of an Encounter or Procedure, "" when it has none."""
    name = "type" if resource.get("resourceType") == "Encounter" else "code"
    return min(coded(resource.get(name)) & VISIT_CODES, default="")


def event_columns(resource: Json) -> dict[str, Any]:
    """A qualifying visit or procedure as columns of CodedEvent, without its patient."""
    is_visit = resource["resourceType"] == "Encounter"
    period = resource.get("period" if is_visit else "performedPeriod") or {}
    at = None if is_visit else resource.get("performedDateTime")
    return {
        "kind": "encounter" if is_visit else "procedure",
        "code": visit_code(resource),
        "status": resource["status"],
        "started_on": day(at or period.get("start")),
        "ended_on": day(at or period.get("end")),
    }


def origin_columns(resource: Json, zone: Any) -> dict[str, Any]:
    """What a ServiceRequest says of itself, as columns of OrderOrigin."""
    found = coded(resource.get("code"))
    return {
        "code": min(found & REFERRAL_CODES, default=min(found, default=""))[:40],
        "is_referral": bool(found & REFERRAL_CODES),
        "intent": resource["intent"],
        "source_status": resource["status"],
        "authored_at": moment(resource.get("authoredOn"), zone),
        "authored_on": day(resource.get("authoredOn")),
    }


def is_social(resource: Json) -> bool:
    """A ServiceRequest for a social need (Gravity SDOH Clinical Care)."""
    codings = [c for concept in resource.get("category") or [] for c in concept.get("coding") or []]
    return any(c.get("code") == SOCIAL_SERVICE or c.get("system", "").startswith(GRAVITY) for c in codings)


def order_of(resource: Json) -> Json | None:
    """The order that a Task fulfills: of a consult note (basedOn), or "fulfill" (focus)."""
    codes = coded(resource.get("code"))
    if CONSULT_NOTE in codes:
        found: Json | None = first(resource.get("basedOn"))
        return found
    return resource.get("focus") if "fulfill" in codes else None


def fulfillment(resource: Json, zone: Any) -> tuple[str, dt.datetime | None, dict[str, Any]]:
    """(Task.status, when, report columns) of a Task that fulfills an order; a report only from a completed consult note."""
    ends = (resource.get("executionPeriod") or {}).get("end")
    status = resource["status"]
    said = resource.get("lastModified") or resource.get("authoredOn")
    if status == "completed" and CONSULT_NOTE in coded(resource.get("code")) and ends:
        return status, moment(ends, zone), {"report_at": moment(ends, zone), "report_on": day(ends)}
    return status, moment(ends or said, zone), {}
