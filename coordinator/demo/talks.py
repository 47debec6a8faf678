"""What was tried and said around the demo's referrals: attempts, a conversation, answers to the duplicate guard."""

from __future__ import annotations

from datetime import datetime

from coordinator.demo.clinic import Clinic
from coordinator.demo.patients import Patients
from referrals import services
from referrals.models import Referral

# patient, specialty, whom, days ago, hour, channel, who, note
ATTEMPTS = [
    ("Begay, Harold", "Nephrology", "recipient", 4, 9, "phone", "", "Rang out"),
    ("Begay, Harold", "Nephrology", "recipient", 2, 15, "phone", "", "On hold for 12 minutes"),
    ("Jenkins, Walter", "Orthopedics", "patient", 6, 10, "phone", "", "No answer at home"),
    ("Jenkins, Walter", "Orthopedics", "patient", 5, 15, "phone", "", ""),
    ("Jenkins, Walter", "Orthopedics", "patient", 2, 11, "phone", "", ""),
]
# patient, specialty, days ago, direction, kind, channel, who, what was said
MESSAGES = [
    ("Olsen, Gerald", "Cardiology", 30, "in", "interim", "fax", "Dr. Ito",
     "Echo done, looks stable. Full report after the stress test."),
    ("Olsen, Gerald", "Cardiology", 20, "out", "message", "phone", "Front desk",
     "Asked when the stress test will be; they call back."),
    ("Peterson, Alan", "Nephrology", 3, "in", "message", "phone", "Scheduling desk",
     "They ask for the last two urine results before giving a date."),
]  # fmt: skip


def make_talks(clinic: Clinic, patients: Patients) -> None:
    by = clinic.users["dana"]
    for who, specialty, whom, days, hour, channel, person, note in ATTEMPTS:
        services.log_attempt(
            referral_id=_referral(patients, who, specialty).pk, whom=whom, channel=channel, outcome="no_answer",
            who=person, note=note, at=_at(clinic, days, hour), by=by, now=clinic.now,
        )  # fmt: skip
    for who, specialty, days, direction, kind, channel, person, body in MESSAGES:
        services.add_message(
            referral_id=_referral(patients, who, specialty).pk, direction=direction, kind=kind, channel=channel,
            who=person, body=body, at=clinic.ago(days), by=by, now=clinic.now,
        )  # fmt: skip
    for choice, reason in (("use", ""), ("use", ""), ("go_on", "Second opinion asked for")):
        kept = _referral(patients, "Ramírez, Elena", "Cardiology")
        services.answer_guard(
            patient=kept.patient, kind="referral", choice=choice, existing=[kept.pk], reason=reason, by=by,
            now=clinic.ago(3),
        )  # fmt: skip


def _referral(patients: Patients, who: str, specialty: str) -> Referral:
    return Referral.objects.filter(patient=patients[who], specialty=specialty).earliest("created_at")


def _at(clinic: Clinic, days: int, hour: int) -> datetime:
    """That hour of that day, by the clock of the place."""
    local = clinic.ago(days).astimezone(clinic.riverbend.tzinfo)
    return local.replace(hour=hour, minute=10, second=0, microsecond=0)
