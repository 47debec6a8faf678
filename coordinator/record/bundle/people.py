"""The patient, family, coverage, consents and care team as FHIR resources."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from coordinator.fhir.mapping import GENDER_IDENTITY, INTERPRETER
from coordinator.fhir.values import Json
from coordinator.record.bundle.values import CODES, NUMBERS, coded, concept, day, instant, ref
from coordinator.record.gather import Record


def patient_resource(record: Record) -> Json:
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
            for c in record.usable_points
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


def warning_resources(record: Record, about: Any) -> list[Json]:
    """Safe contact: one flag for each wish. What must not be said outside the record is only pointed at."""
    return [
        {
            "resourceType": "Flag",
            "id": str(warning.pk),
            "status": "active",
            "category": [coded(f"{CODES}/flag-category", "safety")],
            "code": {
                "text": _("Safe contact: see record") if warning.is_sensitive else warning.sentence,
            },
            "subject": about,
            "period": {"start": instant(warning.created_at)},
        }
        for warning in record.warnings
    ]


def related_person_resource(row: Any, about: Any) -> Json:
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


def coverage_resource(row: Any, about: Any) -> Json:
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


def consent_resource(row: Any, about: Any) -> Json:
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


def care_team_resource(row: Any, about: Any) -> Json:
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
