"""Two papers that came by fax over night: one with our number on it, one that says little. Everybody in them is invented."""

from __future__ import annotations

from datetime import timedelta

from django.core.files.base import ContentFile

from coordinator.demo.clinic import Clinic
from coordinator.demo.papers import page_of
from coordinator.demo.work import DEMO
from patients.models import Patient
from referrals.models import Referral
from referrals.services.inbound import receive_inbound
from referrals.workflow import WITH_RECIPIENT


def make_incoming(clinic: Clinic, patients: dict[str, Patient]) -> None:
    sent = Referral.objects.filter(site=clinic.riverbend, status__in=WITH_RECIPIENT).select_related("patient")
    referral = sent.filter(status="seen").order_by("reference").first() or sent.earliest("reference")
    person = referral.patient
    report = (
        f"Consultation report. Your referral {referral.reference}",
        f"Patient: {person.given_name} {person.family_name}",
        f"Born {person.birth_date:%m/%d/%Y}",
        "Thank you for this referral. Findings and advice follow on this page.",
    )
    other = ("Records request", "Please send the last visit note of our common patient, Ms. Alvarez.")
    for hours, number, lines in ((9, "16125550142", report), (3, "16125550177", other)):
        receive_inbound(
            site=clinic.riverbend,
            file=ContentFile(page_of(lines), name=f"fax-{number[-4:]}.pdf"),
            channel="fax",
            sender=number,
            by=DEMO,
            received_at=clinic.now - timedelta(hours=hours),
            now=clinic.now,
        )
