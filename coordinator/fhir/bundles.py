"""From JSON values to entries: bundle types, the shape of each resource, and what refers to what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from coordinator.fhir.problems import Unreadable
from coordinator.fhir.versions import older_version

READ_BUNDLES = ("transaction", "batch", "collection", "searchset")
KEPT = (
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "Patient",
    "RelatedPerson",
    "Coverage",
    "CareTeam",
    "Condition",
    "AllergyIntolerance",
    "MedicationRequest",
    "Encounter",
    "Observation",
    "Immunization",
    "DocumentReference",
    "Goal",
    "CarePlan",
    "ServiceRequest",
    "Task",
    "Appointment",
)
# In R4 but gone from R4B, whose models we check with.
ONLY_R4 = frozenset(
    [
        "EffectEvidenceSynthesis",
        "RiskEvidenceSynthesis",
        "MedicinalProduct",
        "MedicinalProductAuthorization",
        "MedicinalProductContraindication",
        "MedicinalProductIndication",
        "MedicinalProductIngredient",
        "MedicinalProductInteraction",
        "MedicinalProductManufactured",
        "MedicinalProductPackaged",
        "MedicinalProductPharmaceutical",
        "MedicinalProductUndesirableEffect",
        "SubstanceNucleicAcid",
        "SubstancePolymer",
        "SubstanceProtein",
        "SubstanceReferenceInformation",
        "SubstanceSourceMaterial",
        "SubstanceSpecification",
    ]
)
CONDITIONAL = re.compile(r"^(?P<type>[A-Z]\w+)\?identifier=(?P<system>[^|]*)\|(?P<value>.+)$")
RELATIVE = re.compile(r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[\w.-]+)?$")


@dataclass(frozen=True)
class Entry:
    """One resource of a file, with its address in the file and the place to name in a report."""

    resource: dict[str, Any]
    full_url: str
    place: str
    if_none_exist: str = ""

    @property
    def kind(self) -> str:
        return self.resource["resourceType"]


def entries_of(documents: list[tuple[str, Any]]) -> list[Entry]:
    """All resources of a file. Raises Unreadable at the first thing that is wrong: a file is all or nothing."""
    found: list[Entry] = []
    for place, value in documents:
        if not isinstance(value, dict):
            raise Unreadable("is not a FHIR resource (a JSON object is expected)", place)
        kind = value.get("resourceType")
        # STU3 and DSTU2 samples of a well-known generator leave the bundle's own resourceType out.
        if kind == "Bundle" or (kind is None and isinstance(value.get("entry"), list)):
            found += _bundle_entries(value, place)
        else:
            found.append(_entry(value, "", place, {}))
    urls = [entry.full_url for entry in found if entry.full_url]
    if len(urls) != len(set(urls)):
        double = next(url for url in urls if urls.count(url) > 1)
        place = [entry.place for entry in found if entry.full_url == double][1]
        raise Unreadable("has the same fullUrl as an earlier entry", place)
    return found


def _bundle_entries(bundle: dict[str, Any], place: str) -> list[Entry]:
    kind = bundle.get("type")
    rows = bundle.get("entry", [])
    if not isinstance(rows, list):
        raise Unreadable("entry must be a list", _join(place, "Bundle"))
    # The version first: it is the truer reason when both are wrong.
    for row in rows:
        resource = row.get("resource") if isinstance(row, dict) else None
        version = older_version(resource) if isinstance(resource, dict) else ""
        if version:
            raise Unreadable(f"is FHIR {version}; only R4 is imported", place)
    if kind not in READ_BUNDLES:
        named = kind if isinstance(kind, str) and kind else "untyped"
        raise Unreadable(f"is a {named[:30]} bundle; these are not imported", _join(place, "Bundle.type"))
    found = []
    for number, row in enumerate(rows):
        at = _join(place, f"entry[{number}]")
        if not isinstance(row, dict):
            raise Unreadable("is not an object", at)
        request = row.get("request") or {}
        if not isinstance(request, dict) or request.get("method") in ("DELETE", "PATCH"):
            raise Unreadable("asks to delete or patch; only additions are imported", at)
        if row.get("resource") is None:
            continue
        found.append(_entry(row["resource"], row.get("fullUrl") or "", at, request))
    return found


def _entry(resource: Any, full_url: Any, place: str, request: dict[str, Any]) -> Entry:
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise Unreadable("has no resourceType", place)
    if not isinstance(full_url, str):
        raise Unreadable("fullUrl must be text", place)
    version = older_version(resource)
    if version:
        raise Unreadable(f"is FHIR {version}; only R4 is imported", place)
    kind = resource["resourceType"]
    if kind not in ONLY_R4 and _model(kind) is None:
        raise Unreadable(f"{kind[:60]!r} is not an R4 resource", place)
    if kind in KEPT:
        check_shape(resource, place)
    none_exist = request.get("ifNoneExist", "")
    return Entry(resource, full_url, place, none_exist if isinstance(none_exist, str) else "")


@lru_cache(maxsize=200)
def _model(kind: str) -> Any:
    # Imported on first use: half a second that no web page should pay.
    from fhir.resources.R4B import get_fhir_model_class

    try:
        return get_fhir_model_class(kind)
    except (KeyError, ValueError):
        return None


NO_TEXT = re.compile("[\x00\ud800-\udfff]")
ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}$")


def _check_plain(value: Any, at: str, place: str) -> None:
    """What JSON allows and FHIR does not: empty lists, objects and texts, and ids that are none."""
    if isinstance(value, dict):
        if not value:
            raise Unreadable("is an empty object", _join(place, at))
        if "resourceType" in value and "id" in value and not ID.match(str(value["id"])):
            raise Unreadable("is not a valid id (1 to 64 letters, digits, - and .)", _join(place, f"{at}.id"))
        for name, part in value.items():
            _check_plain(part, f"{at}.{name}", place)
    elif isinstance(value, list):
        if not value:
            raise Unreadable("is an empty list", _join(place, at))
        for number, part in enumerate(value):
            if part is not None:
                _check_plain(part, f"{at}[{number}]", place)
    elif value is None or value == "":
        raise Unreadable("is empty", _join(place, at))
    elif isinstance(value, str) and NO_TEXT.search(value):
        raise Unreadable("holds what is no text (a NUL or half a character)", _join(place, at))


def check_shape(resource: dict[str, Any], place: str) -> None:
    """Unknown elements, wrong types, missing required elements, bad dates and ids, by the R4B models."""
    _check_plain(resource, str(resource["resourceType"]), place)
    try:
        _model(resource["resourceType"]).model_validate(resource)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        at = _join(place, f"{resource['resourceType']}.{path}" if path else resource["resourceType"])
        raise Unreadable(first["msg"][:200], at) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable(
            "does not have the shape of this resource", _join(place, resource["resourceType"])
        ) from error


def _join(place: str, more: str) -> str:
    return f"{place} {more}".strip()
