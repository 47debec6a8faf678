"""A request with a payer, with two lines and everything a file of it needs."""

from __future__ import annotations

import datetime
from typing import Any

from coordinator.accounts.models import Practitioner
from coordinator.exchange.models import PayerFile
from coordinator.tests.factories import make_user, number
from patients.models import Coverage, Problem
from patients.tests.factories import make_patient
from referrals import services
from referrals.models import PriorAuthorization, Referral
from referrals.tests.factories import make_authorization, make_payer, make_referral

NOW = datetime.datetime(2026, 11, 23, 15, 0, tzinfo=datetime.UTC)


def make_payer_file(**fields: Any) -> PayerFile:
    """A kept file; with a request, because the database asks for one where it was matched."""
    if "authorization" not in fields:
        site = fields.get("site")
        fields["authorization"] = make_authorization(make_patient(site=site) if site else make_patient())
    record = fields["authorization"]
    fields.setdefault("site", record.site)
    fields.setdefault("owner", record.owner)
    fields.setdefault("label", "answer.278")
    fields.setdefault("content", b"ISA")
    fields.setdefault("digest", f"{next(number):064d}")
    return PayerFile.objects.create(**fields)


def make_submitted(
    user: Any = None, *, trace: str = "T-1", lines: Any = None, **fields: Any
) -> PriorAuthorization:
    """A request that the payer has, for `lines` of (code, units, kind)."""
    user = user or make_user()
    if fields.get("urgency") == "expedited":
        fields.setdefault("urgency_reason", "Waiting could cost the use of a leg")
    patient = make_patient(site=user.sites.get(), family_name="Haas", given_name="Emil")
    coverage = Coverage.objects.create(patient=patient, payer_name="HealthNorth", member_id="HN5550001")
    requester = Practitioner.objects.create(family_name="Osei", given_name="Ama", npi="1234567893")
    problem = Problem.objects.create(
        patient=patient, name="Low back pain", code="M54.50", code_system="http://hl7.org/fhir/sid/icd-10-cm"
    )
    referral: Referral = make_referral(patient, requester=requester, problem=problem, category="therapy")
    record = services.create_authorization(
        patient=patient, payer=make_payer(), service="Physical therapy", by=user, now=NOW, coverage=coverage,
        referral=referral, reference_number=trace, **fields,
    )  # fmt: skip
    step = {"authorization_id": record.pk, "by": user, "now": NOW}
    services.advance_authorization(step="find_required", **step)
    services.advance_authorization(step="gather", **step)
    for code, units, kind in lines or (("97110", 6, "unit"), ("97140", 6, "visit")):
        line = services.add_line(authorization_id=record.pk, service_code=code, units=units, by=user, now=NOW)
        line.unit_kind = kind
        line.save()
    services.advance_authorization(step="make_ready", **step)
    return services.advance_authorization(
        step="submit", channel="portal", received_by_payer_at=NOW, receipt_proof="P-1", **step
    )
