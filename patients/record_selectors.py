"""Reads of one patient's whole record: every entry for its Details page, and the lists to compare."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import F, Prefetch
from django.utils.translation import gettext_lazy as lazy

from patients.models import EligibilityCheck, Patient, opened_to, owner_topics
from patients.rules import member_numbers


def whole_record(user: Any, patient: Patient, now: datetime.datetime) -> dict[str, list[Any]]:
    """Every entry of the record for its Details page, ended ones included; what was entered in error is not, nor what is
    withheld from this person."""
    today = now.astimezone(patient.site.tzinfo).date()
    family = list(
        patient.related_people.filter(error_reason="").order_by(F("ended_on").desc(nulls_first=True), "name")
    )
    return {
        "phones": list(
            patient.contact_points.filter(error_reason="")
            .annotate(owner_topics=owner_topics(today))
            .order_by("-kind", F("ended_at").desc(nulls_first=True), "rank")
        ),
        "coverages": with_checks(patient, now),
        "family": family,
        "team": list(
            patient.care_team.filter(error_reason="")
            .select_related("user", "practitioner", "organization")
            .order_by(F("ended_on").desc(nulls_first=True), "-is_lead", "role")
        ),
        "consents": list(patient.consents.exclude(status="entered_in_error").select_related("taken_by")),
        "problems": list(
            patient.problems.filter(opened_to(user))
            .exclude(status="entered_in_error")
            .order_by("status", "name")
        ),
        "allergies": list(
            patient.allergies.exclude(status="entered_in_error").order_by("status", "substance")
        ),
        "medications": list(
            patient.medications.filter(opened_to(user))
            .exclude(status="entered_in_error")
            .order_by("status", "name")
        ),
        "identifiers": list(patient.identifiers.order_by("kind", "value")),
        "reconciliations": list(
            patient.reconciliations.select_related("related_person", "created_by").order_by("-compared_at")[
                :20
            ]
        ),
    }


def entries_to_compare(user: Any, patient: Patient, kind: str) -> list[Any]:
    """What stands on a list now ("medicines", "allergies" or "problems") for this person, by name."""
    if kind == "medicines":
        return list(
            patient.medications.filter(opened_to(user), status__in=["active", "on_hold"]).order_by(
                "name", "id"
            )
        )
    if kind == "allergies":
        return list(patient.allergies.filter(status="active").order_by("substance", "id"))
    return list(patient.problems.filter(opened_to(user), status="active").order_by("name", "id"))


PLACES = (lazy("Primary"), lazy("Secondary"), lazy("Tertiary"))
CHECKED_LATELY = datetime.timedelta(days=30)  # product default: an older check is amber


def with_checks(patient: Patient, now: datetime.datetime) -> list[Any]:
    """Policies in their order, ended ones after them, each with `place` in words, `is_first`, `is_last`,
    `latest_check` (or None), `is_stale` (no check for 30 days) and `number_doubt` (a sentence or "")."""
    valid = EligibilityCheck.objects.filter(status="current").select_related("created_by")
    rows: list[Any] = list(
        patient.coverages.exclude(status="entered_in_error")
        .order_by("status", "rank")
        .prefetch_related(Prefetch("checks", valid.order_by("-checked_at"), to_attr="valid_checks"))
    )
    active = [row for row in rows if row.status == "active"]
    for number, row in enumerate(active):
        row.place = PLACES[number] if number < len(PLACES) else f"{number + 1}."
        row.is_first, row.is_last = number == 0, number == len(active) - 1
    for row in rows:
        row.latest_check = row.valid_checks[0] if row.valid_checks else None
        row.is_stale = row.checked_at is None or now - row.checked_at > CHECKED_LATELY
        row.number_doubt = member_numbers.doubt(row.member_id, row.payer_name, row.line_of_business)
    return rows
