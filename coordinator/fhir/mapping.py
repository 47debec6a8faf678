"""Resources in our words: one function a type, from shape-checked JSON to the columns of a model.

`Reader` brings the clinic's zone and finds what a reference means. Nothing is guessed: what has no
full date has no date, and what our column cannot hold is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from coordinator.fhir.problems import Unreadable
from coordinator.fhir.values import (
    Json,
    address_lines,
    code_of,
    codes,
    day,
    extension,
    first,
    moment,
    number,
    official_name,
    telecom,
    words,
)

Columns = dict[str, Any]
# (reference, allowed types, whether it must be found) -> key of our row
Resolve = Callable[[Json | None, tuple[str, ...], bool], UUID | None]
INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
GENDER_IDENTITY = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-genderIdentity"
NO_KNOWN_ALLERGY = frozenset({"716186003", "409137002", "428607008", "429625007", "1003774007"})
PEOPLE = ("Practitioner", "PractitionerRole")


@dataclass(frozen=True)
class Reader:
    zone: ZoneInfo
    resolve: Resolve

    def patient(self, resource: Json, name: str = "subject") -> UUID:
        found = self.resolve(resource.get(name), ("Patient",), True)
        assert found is not None
        return found

    def practitioner(self, reference: Json | None) -> UUID | None:
        return self.resolve(reference, PEOPLE, False)

    def organization(self, reference: Json | None) -> UUID | None:
        return self.resolve(reference, ("Organization",), False)


def text(value: Any, limit: int, what: str) -> str:
    """The text as it is, or a refusal: nothing is cut."""
    plain = "" if value is None else str(value)
    if "\x00" in plain:
        raise Unreadable(f"{what} holds a NUL character")
    if len(plain) > limit:
        raise Unreadable(f"{what} is longer than {limit} characters")
    return plain


# --- who and where ----------------------------------------------------------------------------------


def organization(r: Json, reader: Reader) -> Columns:
    return {
        "name": text(r.get("name") or "Unnamed organization", 250, "name"),
        "npi": text(_identifier(r, "us-npi"), 20, "NPI"),
        "phone": text(telecom(r, "phone"), 40, "phone"),
        "fax": text(telecom(r, "fax"), 40, "fax"),
        "address": address_lines(first(r.get("address"))),
        "is_active": r.get("active", True),
    }


def location(r: Json, reader: Reader) -> Columns:
    return {
        "name": text(r.get("name") or "Unnamed place", 250, "name"),
        "organization_id": reader.organization(r.get("managingOrganization")),
        "phone": text(telecom(r, "phone"), 40, "phone"),
        "address": address_lines(r.get("address")),
        "is_active": r.get("status", "active") == "active",
    }


def practitioner(r: Json, reader: Reader) -> Columns:
    name = official_name(r.get("name"))
    suffixes = " ".join(name.get("suffix") or [])
    return {
        "family_name": text(name.get("family") or name.get("text") or "Unnamed", 120, "family name"),
        "given_name": text(" ".join(name.get("given") or []), 120, "given name"),
        "credentials": text(suffixes, 40, "credentials"),
        "npi": text(_identifier(r, "us-npi"), 20, "NPI"),
        "is_active": r.get("active", True),
        "is_bookable": False,
    }


def practitioner_role(r: Json, reader: Reader) -> Columns:
    """Not a row of its own: what a role adds to its practitioner."""
    specialty = words(first(r.get("specialty"))) or words(first(r.get("code")))
    return {
        "practitioner_id": reader.practitioner(r.get("practitioner")),
        "organization_id": reader.organization(r.get("organization")),
        "specialty": text(specialty, 120, "specialty"),
    }


def _identifier(r: Json, part_of_system: str) -> str:
    return next(
        (i.get("value", "") for i in r.get("identifier") or [] if part_of_system in i.get("system", "")), ""
    )


# --- the patient ------------------------------------------------------------------------------------


def patient(r: Json, reader: Reader) -> Columns:
    names = r.get("name") or []
    name = official_name(names)
    given = name.get("given") or []
    old = next((n.get("family", "") for n in names if n.get("use") in ("maiden", "old")), "")
    nick = next((" ".join(n.get("given") or []) for n in names if n.get("use") == "nickname"), "")
    family = name.get("family") or ("" if given else name.get("text", ""))
    if not family and not given:
        raise Unreadable("Patient has no name")
    home = first(r.get("address")) or {}
    language = _language(r)
    died = day(r.get("deceasedDateTime"))
    deceased = died is not None or bool(r.get("deceasedDateTime")) or r.get("deceasedBoolean") is True
    return {
        "family_name": text(family, 120, "family name"),
        "given_name": text(given[0] if given else "", 120, "given name"),
        "middle_name": text(" ".join(given[1:]), 120, "middle name"),
        "prefix": text(" ".join(name.get("prefix") or []), 20, "prefix"),
        "suffix": text(" ".join(name.get("suffix") or []), 20, "suffix"),
        "preferred_name": text(nick, 120, "preferred name"),
        "former_family_name": text(old, 120, "former name"),
        "birth_date": day(r.get("birthDate")),
        "sex": r.get("gender", "unknown"),
        "gender_identity": text(
            words(extension(r, GENDER_IDENTITY).get("valueCodeableConcept")), 60, "gender identity"
        ),
        "language": text(language, 12, "language"),
        "interpreter_needed": extension(r, INTERPRETER).get("valueBoolean") is True,
        "address_line": text(", ".join(home.get("line") or []), 200, "address"),
        "city": text(home.get("city"), 80, "city"),
        "state": text(home.get("state"), 40, "state"),
        "postal_code": text(home.get("postalCode"), 20, "postal code"),
        "country": text(home.get("country"), 40, "country"),
        "deceased_on": died,
        "status": "deceased" if deceased else "active" if r.get("active", True) else "inactive",
    }


def _language(r: Json) -> str:
    spoken = r.get("communication") or []
    chosen = next((c for c in spoken if c.get("preferred")), first(spoken)) or {}
    return code_of(chosen.get("language"))[0]


def patient_identifiers(r: Json) -> list[Columns]:
    """Every number of the patient, as kind (HL7 v2-0203 code), system and value."""
    return [
        {
            "kind": text(code_of(i.get("type"))[0], 20, "identifier type"),
            "system": text(i.get("system"), 200, "identifier system"),
            "value": text(i["value"], 120, "identifier"),
        }
        for i in r.get("identifier") or []
        if i.get("value")
    ]


def record_number(r: Json) -> str:
    """The clinic's number: the identifier of type MR, else the first one, else the resource's own id."""
    numbers = patient_identifiers(r)
    best = next((i["value"] for i in numbers if i["kind"] == "MR"), None)
    return text(best or (numbers[0]["value"] if numbers else f"FHIR-{r.get('id', '')}"), 40, "record number")


def patient_telecoms(r: Json) -> list[Columns]:
    """Phones and e-mails. An import says nothing of permission, so nothing may be sent there yet."""
    uses = {"mobile": "mobile", "home": "home", "work": "work"}
    return [
        {
            "kind": t["system"],
            "use": uses.get(t.get("use", ""), "other"),
            "value": text(t["value"], 254, t["system"]),
            "rank": t.get("rank", n),
        }
        for n, t in enumerate(r.get("telecom") or [], start=1)
        if t.get("system") in ("phone", "email") and t.get("value")
    ]


def related_person(r: Json, reader: Reader) -> Columns:
    name = official_name(r.get("name"))
    full = name.get("text") or " ".join([*(name.get("given") or []), name.get("family", "")]).strip()
    return {
        "patient_id": reader.patient(r, "patient"),
        "name": text(full or "Unnamed", 160, "name"),
        "relationship": text(words(first(r.get("relationship"))) or "not recorded", 60, "relationship"),
        "phone": text(telecom(r, "phone"), 40, "phone"),
        "email": text(telecom(r, "email"), 254, "e-mail"),
    }


def coverage(r: Json, reader: Reader) -> Columns:
    payor = first(r.get("payor")) or {}
    plan: Json = next((c for c in r.get("class") or [] if "plan" in codes(c.get("type"))), {})
    group: Json = next((c for c in r.get("class") or [] if "group" in codes(c.get("type"))), {})
    period = r.get("period") or {}
    return {
        "patient_id": reader.patient(r, "beneficiary"),
        "payer_name": text(payor.get("display") or words(r.get("type")) or "Not named", 160, "payer"),
        "plan_name": text(plan.get("name") or plan.get("value"), 160, "plan"),
        "line_of_business": text(words(r.get("type")), 40, "type"),
        "member_id": text(_member_id(r), 60, "member number"),
        "subscriber_id": text(r.get("subscriberId"), 60, "subscriber number"),
        "group_number": text(group.get("value"), 60, "group"),
        "relationship_to_subscriber": text(code_of(r.get("relationship"))[0], 20, "relationship"),
        "rank": r.get("order", 1),
        "starts_on": day(period.get("start")),
        "ends_on": day(period.get("end")),
        "status": {"active": "active", "entered-in-error": "entered_in_error"}.get(r["status"], "ended"),
    }


def _member_id(r: Json) -> str:
    numbers = r.get("identifier") or []
    best = next((i.get("value") for i in numbers if code_of(i.get("type"))[0] == "MB"), None)
    return best or (numbers[0].get("value", "") if numbers else r.get("subscriberId", ""))


def care_team(r: Json, reader: Reader) -> list[Columns]:
    """One row a participant, except the patient."""
    period = r.get("period") or {}
    base = {
        "patient_id": reader.patient(r),
        "started_on": day(period.get("start")),
        "ended_on": day(period.get("end")),
    }
    rows = []
    for part in r.get("participant") or []:
        member = part.get("member") or {}
        if "Patient" in str(member.get("type") or member.get("reference", "")).split("/")[0]:
            continue
        who = {
            "practitioner_id": reader.practitioner(member),
            "organization_id": reader.organization(member),
            "name": text(member.get("display"), 160, "name"),
        }
        if who["practitioner_id"] == base["patient_id"] or not any(who.values()):
            continue
        rows.append({**base, **who, "role": text(words(first(part.get("role"))) or "member", 80, "role")})
    return rows


# --- what is known ----------------------------------------------------------------------------------


def _clinical_status(r: Json) -> str:
    if "entered-in-error" in codes(r.get("verificationStatus")):
        return "entered_in_error"
    known = {"active": "active", "recurrence": "active", "relapse": "active", "inactive": "inactive"}
    known |= {"remission": "inactive", "resolved": "resolved"}
    return next((known[c] for c in codes(r.get("clinicalStatus")) if c in known), "active")


def condition(r: Json, reader: Reader) -> Columns:
    code, system = code_of(r.get("code"))
    return {
        "patient_id": reader.patient(r),
        "name": text(words(r.get("code")) or "Not named", 250, "condition"),
        "code": text(code, 40, "code"),
        "code_system": text(system, 120, "code system"),
        "status": _clinical_status(r),
        "onset_on": day(r.get("onsetDateTime")),
        "ended_on": day(r.get("abatementDateTime")),
        "source": "import",
    }


def allergy(r: Json, reader: Reader) -> Columns:
    code, system = code_of(r.get("code"))
    reaction = first(r.get("reaction")) or {}
    return {
        "patient_id": reader.patient(r, "patient"),
        "substance": text(
            words(r.get("code")) or words(reaction.get("substance")) or "Not named", 250, "substance"
        ),
        "code": text(code, 40, "code"),
        "code_system": text(system, 120, "code system"),
        "reaction": text(words(first(reaction.get("manifestation"))), 250, "reaction"),
        "severity": reaction.get("severity") or {"high": "severe"}.get(r.get("criticality", ""), ""),
        "status": _clinical_status(r),
        "recorded_on": day(r.get("recordedDate")),
        "source": "import",
    }


def says_no_allergy(r: Json) -> bool:
    """ "No known allergies" is written as an allergy in FHIR; with us it is a fact about the patient."""
    return bool(codes(r.get("code")) & NO_KNOWN_ALLERGY)


def medication_request(r: Json, reader: Reader) -> Columns:
    concept = r.get("medicationCodeableConcept")
    code, system = code_of(concept)
    name = words(concept) or (r.get("medicationReference") or {}).get("display", "")
    dosage = first(r.get("dosageInstruction")) or {}
    known = {"active": "active", "on-hold": "on_hold", "completed": "completed", "draft": "on_hold"}
    known |= {"entered-in-error": "entered_in_error", "unknown": "on_hold"}
    return {
        "patient_id": reader.patient(r),
        "name": text(name or "Not named", 250, "medicine"),
        "code": text(code, 40, "code"),
        "code_system": text(system, 120, "code system"),
        "how_taken": text(dosage.get("text"), 250, "dosage"),
        "status": known.get(r["status"], "stopped"),
        "started_on": day(r.get("authoredOn")),
        "prescriber_name": text((r.get("requester") or {}).get("display"), 160, "prescriber"),
        "source": "import",
    }


def encounter(r: Json, reader: Reader) -> Columns:
    period = r.get("period") or {}
    who = first(r.get("participant")) or {}
    reason = words(first(r.get("reasonCode")))
    return {
        "patient_id": reader.patient(r),
        "kind": text(words(first(r.get("type"))) or "Visit", 500, "type"),
        "setting": text((r.get("class") or {}).get("code"), 20, "class"),
        "status": r["status"].replace("-", "_"),
        "started_at": moment(period.get("start"), reader.zone),
        "ended_at": moment(period.get("end"), reader.zone),
        "reason": text(reason, 250, "reason"),
        "practitioner_id": reader.practitioner(who.get("individual")),
        "organization_id": reader.organization(r.get("serviceProvider")),
    }


def observation(r: Json, reader: Reader) -> list[Columns]:
    """One row for the value, and one for each part of a panel such as a blood pressure."""
    base = {
        "patient_id": reader.patient(r),
        "category": text(code_of(first(r.get("category")))[0], 40, "category"),
        "status": r["status"].replace("-", "_"),
        "taken_at": moment(
            r.get("effectiveDateTime") or (r.get("effectivePeriod") or {}).get("start"), reader.zone
        )
        or moment(r.get("issued"), reader.zone),
        "interpretation": text(code_of(first(r.get("interpretation")))[0], 20, "interpretation"),
    }
    parts = [part for part in r.get("component") or [] if _value(part)]
    rows = [{**base, **_value(r), **_named(r)}] if _value(r) or not parts else []
    return rows + [{**base, **_value(part), **_named(part)} for part in parts]


def _named(r: Json) -> Columns:
    return {
        "name": text(words(r.get("code")) or "Not named", 250, "observation"),
        "code": text(code_of(r.get("code"))[0], 40, "code"),
    }


def _value(r: Json) -> Columns:
    quantity = r.get("valueQuantity")
    if quantity:
        value = number(quantity.get("value"))
        shown = "" if value is not None else text(quantity.get("value"), 250, "value")
        return {"value": value, "value_text": shown, "unit": text(quantity.get("unit"), 40, "unit")}
    for name in ("valueString", "valueDateTime", "valueTime", "valueInteger", "valueBoolean"):
        if r.get(name) is not None:
            return {"value_text": text(r[name], 250, "value")}
    if r.get("valueCodeableConcept"):
        return {"value_text": text(words(r["valueCodeableConcept"]), 250, "value")}
    return {}


def immunization(r: Json, reader: Reader) -> Columns:
    return {
        "patient_id": reader.patient(r, "patient"),
        "name": text(words(r.get("vaccineCode")) or "Not named", 250, "vaccine"),
        "code": text(code_of(r.get("vaccineCode"))[0], 40, "code"),
        "status": r["status"].replace("-", "_"),
        "given_at": moment(r.get("occurrenceDateTime"), reader.zone),
    }


def document(r: Json, reader: Reader) -> Columns:
    """The paper's facts; its text when it carries plain text, else only that it exists and of what type."""
    content = (first(r.get("content")) or {}).get("attachment") or {}
    return {
        "patient_id": reader.patient(r),
        "kind": text(words(r.get("type")) or "Document", 80, "type"),
        "title": text(content.get("title") or words(r.get("type")) or "Document", 250, "title"),
        "content_type": text(content.get("contentType"), 80, "content type"),
        "source": "import",
        "status": "entered_in_error" if r["status"] == "entered-in-error" else r["status"],
        "received_on": day(r.get("date")) or day(content.get("creation")),
        "data": content.get("data", ""),
    }


# --- what is planned --------------------------------------------------------------------------------

PLAN_STATUS = {"draft": "draft", "active": "active", "on-hold": "on_hold", "revoked": "revoked"}
PLAN_STATUS |= {"completed": "completed", "entered-in-error": "entered_in_error", "unknown": "on_hold"}
ACTIVITY_STATUS = {"not-started": "planned", "scheduled": "planned", "in-progress": "in_progress"}
ACTIVITY_STATUS |= {
    "on-hold": "planned",
    "completed": "done",
    "cancelled": "cancelled",
    "stopped": "not_done",
}
ACTIVITY_STATUS |= {"unknown": "planned", "entered-in-error": "entered_in_error"}


def care_plan(r: Json, reader: Reader) -> Columns:
    period = r.get("period") or {}
    kinds = [words(c) for c in r.get("category") or []]
    # The generic category of US Core ("assess-plan") names no plan.
    named = [k for k in kinds if k and k.lower() not in ("assess-plan", "assessment and plan of treatment")]
    title = r.get("title") or (named[0] if named else "Care plan")
    return {
        "patient_id": reader.patient(r),
        "title": text(title, 200, "title"),
        "description": r.get("description", ""),
        "category": text(named[0] if named else "", 120, "category"),
        "intent": r["intent"],
        "status": PLAN_STATUS[r["status"]],
        "starts_on": day(period.get("start")),
        "ends_on": day(period.get("end")),
        "is_imported": True,
    }


def care_plan_actions(r: Json) -> list[Columns]:
    rows = []
    for activity in r.get("activity") or []:
        detail = activity.get("detail") or {}
        shown = (
            words(detail.get("code"))
            or detail.get("description")
            or (activity.get("reference") or {}).get("display")
        )
        if not shown:
            continue
        who = first(detail.get("performer")) or {}
        rows.append(
            {
                "description": text(shown, 500, "activity"),
                "status": ACTIVITY_STATUS.get(detail.get("status", "unknown"), "planned"),
                "responsible_name": text(who.get("display"), 160, "performer"),
                "due_on": day((detail.get("scheduledPeriod") or {}).get("end")),
                "frequency": text(detail.get("scheduledString"), 80, "schedule"),
            }
        )
    return rows


def goal(r: Json, reader: Reader) -> Columns:
    target = first(r.get("target")) or {}
    rng, quantity = target.get("detailRange") or {}, target.get("detailQuantity") or {}
    reached = code_of(r.get("achievementStatus"))[0].replace("-", "_")
    stage = r["lifecycleStatus"].replace("-", "_")
    if stage == "completed" and not reached:
        reached = "achieved" if "achieved" in words(r.get("achievementStatus")).lower() else "in_progress"
    return {
        "patient_id": reader.patient(r),
        "description": text(words(r.get("description")) or "Goal", 500, "description"),
        "status": stage,
        "achievement_status": reached,
        "target_measure": text(words(target.get("measure")), 120, "measure"),
        "target_low": number((rng.get("low") or {}).get("value")),
        "target_high": number((rng.get("high") or quantity or {}).get("value")),
        "target_unit": text((rng.get("high") or quantity or {}).get("unit"), 40, "unit"),
        "starts_on": day(r.get("startDate")),
        "due_on": day(target.get("dueDate")),
        "expressed_by": text((r.get("expressedBy") or {}).get("display"), 160, "expressed by"),
    }


SERVICE_REQUEST_STATUS = {"draft": "draft", "active": "ready", "on-hold": "draft", "revoked": "withdrawn"}
SERVICE_REQUEST_STATUS |= {
    "completed": "completed",
    "entered-in-error": "entered_in_error",
    "unknown": "draft",
}


def service_request(r: Json, reader: Reader) -> Columns:
    recipient = first(r.get("performer"))
    return {
        "patient_id": reader.patient(r),
        "status": SERVICE_REQUEST_STATUS[r["status"]],
        "specialty": text(
            words(r.get("performerType")) or words(r.get("code")) or "Not named", 120, "service"
        ),
        "service": text(words(r.get("code")), 160, "service"),
        "reason": text(
            words(first(r.get("reasonCode")))
            or (first(r.get("reasonReference")) or {}).get("display")
            or "Imported",
            500,
            "reason",
        ),
        "urgency": {"urgent": "urgent", "asap": "urgent", "stat": "stat"}.get(
            r.get("priority", ""), "routine"
        ),
        "requested_by_on": day(r.get("occurrenceDateTime") or (r.get("occurrencePeriod") or {}).get("end")),
        "requester_id": reader.practitioner(r.get("requester")),
        "recipient_id": reader.practitioner(recipient),
        "recipient_organization_id": reader.organization(recipient),
    }


def task(r: Json, reader: Reader) -> Columns:
    period = (r.get("restriction") or {}).get("period") or r.get("executionPeriod") or {}
    return {
        "patient_id": reader.patient(r, "for"),
        "status": r["status"].replace("-", "_"),
        "title": text(words(r.get("code")) or r.get("description") or "Imported task", 200, "description"),
        "reason": text(r.get("description") or words(r.get("reasonCode")), 500, "reason"),
        "priority": r.get("priority", "routine"),
        "due_at": moment(period.get("end"), reader.zone),
        "opened_at": moment(r.get("authoredOn"), reader.zone),
        "ended_at": moment(r.get("lastModified"), reader.zone),
    }


APPOINTMENT_STATUS = {"noshow": "no_show", "checked-in": "checked_in", "entered-in-error": "entered_in_error"}


def appointment(r: Json, reader: Reader) -> Columns:
    parts = r.get("participant") or []
    people = [p.get("actor") for p in parts if p.get("actor")]
    patients = [p for p in people if reader_kind(p) == "Patient"]
    if len(patients) != 1:
        raise Unreadable("has no patient, or several")
    start, end = moment(r.get("start"), reader.zone), moment(r.get("end"), reader.zone)
    if start is None or end is None:
        raise Unreadable("has no start or no end")
    staff = next((reader.practitioner(p) for p in people if reader_kind(p) in PEOPLE), None)
    place = next((p.get("display", "") for p in people if reader_kind(p) == "Location"), "")
    return {
        "patient_id": reader.resolve(patients[0], ("Patient",), True),
        "practitioner_id": staff,
        "service_name": words(first(r.get("serviceType")))
        or words(r.get("appointmentType"))
        or "Imported visit",
        "start": start,
        "end": end,
        "status": APPOINTMENT_STATUS.get(r["status"], r["status"]),
        "reason": text(r.get("description") or words(first(r.get("reasonCode"))), 250, "reason"),
        "place": text(place, 200, "place"),
        "booked_at": moment(r.get("created"), reader.zone),
    }


def reader_kind(reference: Json) -> str:
    """The type a reference names, by its type element or its address; "" when neither says."""
    if reference.get("type"):
        return str(reference["type"])
    address = str(reference.get("reference", "")).split("?")[0]
    parts = address.split("/")
    return parts[-2] if len(parts) > 1 else parts[0] if "?" in str(reference.get("reference", "")) else ""
