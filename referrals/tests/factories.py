"""Plain functions that make payers, referrals and authorizations for tests and the demo."""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from coordinator.accounts.models import Site
from coordinator.tests.factories import make_user, number
from patients.models import Patient
from patients.tests.factories import make_patient
from referrals.models import InboundDocument, Payer, PriorAuthorization, Referral


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


def make_inbound(site: Site, **fields: Any) -> InboundDocument:
    """A paper that was read already; its file is a few bytes of text."""
    fields.setdefault("channel", "fax")
    fields.setdefault("received_at", timezone.now())
    fields.setdefault("reading", "done")
    fields.setdefault("text", "Consultation report")
    inbound = InboundDocument(
        site=site, file_name="paper.txt", content_type="text/plain", size=5, sha256="0" * 64, **fields
    )
    inbound.file.save("paper.txt", ContentFile(b"paper"), save=False)
    inbound.save()
    return inbound
