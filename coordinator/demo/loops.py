"""Referrals in every stage and authorizations with their payers' clocks, each walked there step by step."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from coordinator.demo.clinic import Clinic
from coordinator.demo.patients import Patients
from patients.models import Document, Patient
from patients.services import add_documents
from referrals import services
from referrals.models import Referral

# specialty, category, recipient, reason, urgency, patient, days since it was written, steps taken
REFERRALS = [
    ("Cardiology", "medical", "Mercy Cardiology", "Swelling despite water pill", "urgent", "Ramírez, Elena", 2, "send accept"),
    ("Cardiology", "medical", "Mercy Cardiology", "Heart failure after hospital stay", "urgent", "Alvarez, Maria", 1, "send"),
    ("Cardiology", "medical", "Mercy Cardiology", "Murmur", "routine", "Olsen, Gerald", 60, "send schedule see"),
    ("Cardiology", "medical", "Mercy Cardiology", "Irregular heartbeat", "routine", "Xiong, Pao", 12, "send schedule"),
    ("Imaging", "imaging", "Mercy Imaging", "Echo before cardiology", "routine", "Vang, Mai", 4, "make_ready"),
    ("Imaging", "imaging", "Mercy Imaging", "MRI lumbar", "routine", "Kowalski, Daniel", 3, "await_authorization"),
    ("Nephrology", "medical", "Lakeside Kidney Care", "eGFR fell to 38", "urgent", "Begay, Harold", 6, "send receive"),
    ("Nephrology", "medical", "Lakeside Kidney Care", "Protein in urine", "routine", "Peterson, Alan", 9, "send accept"),
    ("Orthopedics", "medical", "Prairie Orthopedics", "Knee pain after fall", "routine", "Larson, Ingrid", 20, "send accept schedule"),
    ("Orthopedics", "medical", "Prairie Orthopedics", "Shoulder", "routine", "Jenkins, Walter", 25, "send schedule record_no_show"),
    ("Physical therapy", "therapy", "Twin Pines Physical Therapy", "Back pain", "routine", "Dubois, Marcel", 14, "await_authorization"),
    ("Physical therapy", "therapy", "Twin Pines Physical Therapy", "Balance", "routine", "Schmidt, Lorraine", 10, "send decline"),
    ("Sleep medicine", "medical", "Cedar Sleep Center", "Loud snoring, tired", "routine", "Hassan, Omar", 30, "send schedule see complete"),
    ("Behavioral health", "behavioral", "Lakeview Behavioral Health", "PHQ-9 of 16", "urgent", "Washington, Keisha", 1, "make_ready"),
    ("Behavioral health", "behavioral", "Lakeview Behavioral Health", "Grief", "routine", "Rossi, Carla", 22, "send accept schedule"),
    ("Food help", "social", "Harbor Food Shelf", "Screened positive for food need", "routine", "Martinez, Jorge", 14, "send receive"),
    ("Cardiology", "medical", "Mercy Cardiology", "Chest tightness, told and reviewed", "routine", "Thompson, Ray", 50, "send schedule see complete review tell"),
    ("Nephrology", "medical", "Lakeside Kidney Care", "Second opinion", "routine", "Coleman, Denise", 8, "withdraw"),
    ("Orthopedics", "medical", "Prairie Orthopedics", "Hip", "routine", "Anderson, June", 3, ""),
    ("Sleep medicine", "medical", "Cedar Sleep Center", "Sleep study", "routine", "Gutierrez, Manuel", 18, "send send_failed"),
]  # fmt: skip

QUESTIONS = {
    "Cardiology": "Is the heart the cause, and does the treatment need a change?",
    "Imaging": "Please read with the earlier pictures in mind.",
    "Nephrology": "How fast does the kidney function fall, and what should be stopped?",
    "Orthopedics": "Is an operation needed, or is therapy enough?",
    "Physical therapy": "Walking without pain for half an hour.",
}

# service, code, units, payer, urgency, patient, days since received by the payer, how far it has come
AUTHORIZATIONS = [
    ("MRI lumbar", "72148", 1, "HealthNorth Plus", "expedited", "Kowalski, Daniel", 2, "pended"),
    ("Echocardiogram", "93306", 1, "HealthNorth Plus", "standard", "Ramírez, Elena", 5, "submitted"),
    ("Cardiology consult", "99244", 3, "HealthNorth Plus", "standard", "Alvarez, Maria", 3, "approved"),
    ("Physical therapy", "97110", 12, "Prairie Community Plan", "standard", "Dubois, Marcel", 9, "denied"),
    ("Sleep study", "95810", 1, "BlueRiver Employer Health", "standard", "Hassan, Omar", 20, "approved"),
    ("Home oxygen", "E1390", 1, "HealthNorth Plus", "standard", "Fitzpatrick, Maeve", 8, "submitted"),
    ("Infliximab infusion", "J1745", 6, "Prairie Community Plan", "expedited", "Tran, Minh-Chau", 1, "submitted"),
    ("Knee MRI", "73721", 1, "Medicare", "standard", "Larson, Ingrid", 1, "gathering"),
    ("Dialysis transport", "A0120", 24, "Prairie Community Plan", "standard", "Begay, Harold", 1, "required"),
]  # fmt: skip


def make_loops(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    made = [_referral(clinic, patients[row[5]], row) for row in REFERRALS]
    by_patient = {referral.patient_id: referral for referral in made}
    for row in AUTHORIZATIONS:
        patient = patients[row[5]]
        _authorization(clinic, patient, by_patient.get(patient.pk), row)
    for referral, written in zip(made, REFERRALS, strict=True):
        referral.refresh_from_db(fields=["status"])
        if written[7] == "await_authorization" and referral.status != "awaiting_authorization":
            _step(clinic, referral, "await_authorization", clinic.ago(written[6] / 2))
    _luz(clinic, patients, rng)


def _referral(clinic: Clinic, patient: Patient, row: tuple[Any, ...]) -> Referral:
    specialty, category, recipient, reason, urgency, _name, days, steps = row
    by = clinic.users["dana"]
    at = clinic.ago(days)
    referral = services.create_referral(
        patient=patient,
        specialty=specialty,
        category=category,
        reason=reason,
        service="Weekly food box" if category == "social" else "",
        clinical_question=""
        if category == "social"
        else QUESTIONS.get(specialty, "What do you find, and what should we do?"),
        urgency=urgency,
        requester=patient.primary_care,
        recipient_organization=clinic.organizations[recipient],
        owner=by,
        by=by,
        now=at,
    )
    words = [word for word in steps.split() if word != "await_authorization"]
    pause = days / (len(words) + 1)
    for number, word in enumerate(words, 1):
        at = clinic.ago(days - number * pause)
        _step(clinic, referral, word, at)
    return referral


def _step(clinic: Clinic, referral: Referral, word: str, at: datetime) -> None:
    by = clinic.users["dana"]
    if word == "review":
        services.record_review(referral_id=referral.pk, by=by, now=at)
        return
    if word == "tell":
        services.record_patient_told(referral_id=referral.pk, by=by, now=at)
        return
    today = at.astimezone(clinic.riverbend.tzinfo).date()
    facts: dict[str, dict[str, Any]] = {
        "send": {"channel": "fax"},
        "receive": {"confirmed_by": "front desk"},
        "accept": {"confirmed_by": "scheduling desk"},
        "schedule": {
            "visit_at": at + timedelta(days=4),
            "visit_place": "Main building",
            "confirmed_by": "scheduling desk",
        },
        "see": {"seen_on": today},
        "complete": {"seen_on": today}
        | ({"report": _report(clinic, referral, at)} if word == "complete" else {}),
        "send_failed": {},
    }
    reasons = {"decline": "No capacity before spring", "withdraw": "Patient changed their mind"}
    step = {"send_failed": "record_send_failure"}.get(word, word)
    services.advance_referral(
        referral_id=referral.pk,
        step=step,
        by=by,
        now=at,
        reason=reasons.get(word, "Line busy three times" if word == "send_failed" else ""),
        **facts.get(word, {}),
    )


def _report(clinic: Clinic, referral: Referral, at: datetime) -> Document:
    """The consultation report that came back, one page."""
    text = f"{referral.specialty} consultation. {referral.reason}. No urgent finding; continue as planned.".encode()
    [report] = add_documents(
        patient_id=referral.patient_id,
        files=[SimpleUploadedFile(f"{referral.specialty} report.txt", text, "text/plain")],
        kind="report",
        title=f"{referral.specialty} report",
        received_on=at.date(),
        by=clinic.users["dana"],
        now=at,
    )
    return report


def _authorization(clinic: Clinic, patient: Patient, referral: Referral | None, row: tuple[Any, ...]) -> None:
    service, code, units, payer, urgency, _name, days, stage = row
    by, at = clinic.users["dana"], clinic.ago(days)
    written = clinic.ago(days, 5)
    request = services.create_authorization(
        patient=patient,
        payer=clinic.payers[payer],
        service=service,
        urgency=urgency,
        urgency_reason="Getting worse from day to day" if urgency == "expedited" else "",
        referral=referral,
        owner=by,
        by=by,
        now=written,
    )
    advance: dict[str, Any] = {"authorization_id": request.pk, "by": by}
    services.advance_authorization(step="find_required", now=written, **advance)
    if stage == "required":
        return
    services.advance_authorization(step="gather", now=written, **advance)
    if stage == "gathering":
        return
    services.add_line(authorization_id=request.pk, service_code=code, units=units, by=by, now=written)
    services.advance_authorization(step="make_ready", now=written, **advance)
    services.advance_authorization(
        step="submit", channel="portal", received_by_payer_at=at, receipt_proof=f"P-{code}-{days:03d}", now=at,
        **advance,
    )  # fmt: skip
    later = min(at + timedelta(days=1), clinic.now)
    if stage == "pended":
        services.advance_authorization(
            step="pend", asked_for="Notes of the last two visits", answer_due_at=clinic.now + timedelta(hours=3),
            now=later, **advance,
        )  # fmt: skip
    elif stage == "approved":
        answer: dict[str, Any] = {"decision": "approved", "units_approved": units, "starts_on": later.date(),
                                  "ends_on": later.date() + timedelta(days=60)}  # fmt: skip
        services.decide_lines(
            authorization_id=request.pk, decisions={1: answer}, authorization_number=f"HN-{code}-{units:02d}",
            starts_on=answer["starts_on"], ends_on=answer["ends_on"], by=by, now=later,
        )  # fmt: skip
    elif stage == "denied":
        services.decide_lines(
            authorization_id=request.pk, decisions={1: {"decision": "denied", "reason": "Not medically necessary"}},
            reason="Not medically necessary", by=by, now=later,
        )  # fmt: skip


def _luz(clinic: Clinic, patients: Patients, rng: random.Random) -> None:
    """A few at the other site, so that the board has more than one owner."""
    luz = clinic.users["luz"]
    own = [p for p in patients.values() if p.coordinator_id == luz.pk and p.site_id == clinic.northgate.pk]
    for number, patient in enumerate(rng.sample(own, 6)):
        at = clinic.ago(4 * number + 1)
        referral = services.create_referral(
            patient=patient, specialty="Podiatry" if number % 2 else "Eye care", reason="Yearly diabetes check",
            clinical_question="Any sign of harm from the diabetes?",
            recipient_organization=clinic.organizations["Prairie Orthopedics"], owner=luz, by=luz, now=at,
        )  # fmt: skip
        if number > 1:
            services.advance_referral(
                referral_id=referral.pk, step="send", channel="fax", by=luz, now=at + timedelta(hours=2)
            )
