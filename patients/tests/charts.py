"""Charts drawn at random for the property of merging, and what the whole database holds."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.apps import apps
from hypothesis import strategies as st

from coordinator.accounts.models import Site, User
from patients.models import (
    Allergy,
    CareTeamMember,
    Consent,
    ContactPoint,
    ContactWarning,
    Coverage,
    Document,
    Encounter,
    Immunization,
    Medication,
    Note,
    Patient,
    PatientIdentifier,
    Problem,
    RelatedPerson,
    Result,
)
from patients.tests.factories import make_patient

NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 11, 1)
# What a merge writes and taking it back never erases: histories, the trail, and the account of the merge.
WRITTEN = {"audit.auditevent", "patients.patientmerge", "patients.patientchange"}
# Of a patient these go on counting, so that nobody who read the merged record overwrites what came after.
COUNTING = {"version", "updated_at"}


def everything() -> dict[str, dict[Any, dict[str, Any]]]:
    """Every row of every table, by model and key."""
    snapshot = {}
    for model in apps.get_models():
        label = model._meta.label_lower
        if label in WRITTEN or not model._meta.managed:
            continue
        rows = {row["pk"]: row for row in model._base_manager.values("pk", *_columns(model))}
        snapshot[label] = rows
    return snapshot


def _columns(model: Any) -> list[str]:
    left_out = COUNTING if model is Patient else set()
    return [field.attname for field in model._meta.concrete_fields if field.name not in left_out]


# --- one chart -----------------------------------------------------------------------------------------

moments = st.none() | st.sampled_from([NOW, NOW - datetime.timedelta(days=9, microseconds=7)])
days = st.none() | st.sampled_from([DAY, DAY - datetime.timedelta(days=40)])
few = st.integers(0, 2)
points = st.lists(
    st.fixed_dictionaries(
        {
            "normalized": st.sampled_from(["+16125550143", "+16125550144", "e@example.test", ""]),
            "rank": st.integers(1, 3),
            "ok_to_message": st.booleans(),
            "ok_to_leave_voicemail": st.booleans(),
            "permission_at": moments,
            "opted_out_at": moments,
            "failing_since": moments,
            "ended_at": moments,
        }
    ),
    max_size=4,
)
people = st.fixed_dictionaries(
    {
        "given_name": st.sampled_from(["Elena", "Elaine"]),
        "family_name": st.sampled_from(["", "Ramírez"]),
        "preferred_name": st.sampled_from(["", "Lena"]),
        "birth_date": st.none() | st.just(datetime.date(1958, 3, 14)),
        "sex": st.sampled_from(["female", "unknown"]),
        "interpreter_needed": st.booleans(),
        "city": st.sampled_from(["", "Riverbend", "Cedar Falls"]),
        "tier": st.integers(1, 4),
        "status": st.sampled_from(["active", "active", "inactive", "transferred", "deceased"]),
        "allergy_status": st.sampled_from(["not_recorded", "none_known", "recorded"]),
        "allergies_checked_on": days,
    }
)
charts = st.fixed_dictionaries(
    {
        "person": people,
        "points": points,
        "coverages": st.lists(st.tuples(st.integers(1, 2), st.sampled_from(["", "H1"]), st.sampled_from(["active", "ended"])), max_size=2),
        "lead": st.sampled_from(["", "user", "name"]),
        "others": few,
        "rows": st.sets(st.sampled_from(range(12))),
    }
)  # fmt: skip

ROWS: list[Callable[[Patient], Any]] = [
    lambda p: PatientIdentifier.objects.create(patient=p, kind="DL", value=f"D{p.mrn}"),
    lambda p: RelatedPerson.objects.create(patient=p, name="Luz", relationship="daughter", topics=["plan"]),
    lambda p: Problem.objects.create(patient=p, name="Heart failure"),
    lambda p: Allergy.objects.create(patient=p, substance="Penicillin", severity="severe"),
    lambda p: Medication.objects.create(patient=p, name="Furosemide"),
    lambda p: Encounter.objects.create(patient=p, kind="Visit", started_at=NOW),
    lambda p: Result.objects.create(patient=p, name="Weight", value="81.5"),
    lambda p: Immunization.objects.create(patient=p, name="Influenza"),
    lambda p: Document.objects.create(patient=p, kind="Letter", title="Discharge letter"),
    lambda p: Note.objects.create(patient=p, body="Feet swollen"),
    lambda p: Consent.objects.create(patient=p, kind="telehealth", method="verbal", starts_on=DAY),
    lambda p: ContactWarning.objects.create(patient=p, kind="keep_from", text="The partner"),
]


def draw(chart: dict[str, Any], site: Site, user: User) -> Patient:
    """A patient with this chart."""
    person = dict(chart["person"])
    person["deceased_on"] = DAY if person["status"] == "deceased" else None
    patient = make_patient(site=site, coordinator=user if chart["lead"] == "user" else None, **person)
    seen = set()
    for fields in chart["points"]:
        kind = "email" if "@" in fields["normalized"] else "phone"
        open_one = (kind, fields["normalized"])
        if fields["ended_at"] is None and fields["normalized"] and open_one in seen:
            continue
        seen |= {open_one} if fields["ended_at"] is None else set()
        ContactPoint.objects.create(patient=patient, kind=kind, value="as typed", **fields)
    held = set()
    for rank, member_id, status in chart["coverages"]:
        if status == "active" and rank in held:
            continue
        held |= {rank} if status == "active" else set()
        Coverage.objects.create(
            patient=patient, payer_name="HealthNorth", rank=rank, member_id=member_id, status=status
        )
    if chart["lead"]:
        who = {"user": user} if chart["lead"] == "user" else {"name": "Dr. Okafor"}
        CareTeamMember.objects.create(patient=patient, role="Lead", is_lead=True, started_on=DAY, **who)
    for _n in range(chart["others"]):
        CareTeamMember.objects.create(patient=patient, role="Aide", name="Kim")
    for number in sorted(chart["rows"]):
        ROWS[number](patient)
    return patient
