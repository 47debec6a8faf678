"""Plain functions that make payers, referrals and authorizations for tests and the demo."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from coordinator.tests.factories import make_user, number
from patients.models import Patient
from patients.tests.factories import make_patient
from referrals.models import Payer, PriorAuthorization, Referral, ReferralAttempt


def make_payer(**fields: Any) -> Payer:
    fields.setdefault("name", f"HealthNorth Plus {next(number)}")
    fields.setdefault("payer_type", Payer.Type.MEDICARE_ADVANTAGE)
    return Payer.objects.create(**fields)


def make_referral(patient: Patient | None = None, **fields: Any) -> Referral:
    patient = patient or make_patient()
    fields.setdefault("site", patient.site)
    fields.setdefault("reference", f"R-T{next(number):06d}")
    fields.setdefault("specialty", "Cardiology")
    fields.setdefault("reason", "Swelling despite water pill")
    fields.setdefault("clinical_question", "Is the swelling from the heart?")
    fields.setdefault("stage_since", timezone.now())
    if "owner" not in fields and "team" not in fields:
        fields["owner"] = make_user(site=patient.site)
    return Referral.objects.create(patient=patient, **fields)


def make_authorization(patient: Patient | None = None, **fields: Any) -> PriorAuthorization:
    patient = patient or make_patient()
    fields.setdefault("site", patient.site)
    fields.setdefault("service", "MRI lumbar")
    fields.setdefault("stage_since", timezone.now())
    if "payer" not in fields:
        fields["payer"] = make_payer()
    if "owner" not in fields and "team" not in fields:
        fields["owner"] = make_user(site=patient.site)
    return PriorAuthorization.objects.create(patient=patient, **fields)


def make_attempt(referral: Referral, **fields: Any) -> ReferralAttempt:
    """An attempt to reach the recipient that nobody answered."""
    fields.setdefault("at", timezone.now())
    fields.setdefault("whom", "recipient")
    fields.setdefault("channel", "phone")
    fields.setdefault("outcome", "no_answer")
    fields.setdefault("reached", False)
    return ReferralAttempt.objects.create(referral=referral, **fields)
