"""Plain functions that make payers, referrals and authorizations for tests and the demo."""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from coordinator.accounts.models import Site
from coordinator.tests.factories import make_practitioner, make_user, number
from patients.models import Patient
from patients.services.previews import page_path
from patients.tests.factories import make_document, make_patient
from referrals.models import (
    Appeal,
    AppealLetter,
    AuthorizationLine,
    AuthorizationPaper,
    Delivery,
    Denial,
    DenialCategory,
    InboundDocument,
    Payer,
    PayerCall,
    PeerToPeer,
    PriorAuthorization,
    Referral,
    ReferralAttempt,
    ReferralPacket,
    RequirementCheck,
)


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
    if fields.get("urgency") == "expedited":
        fields.setdefault("urgency_reason", "Losing feeling in the leg")
    fields.setdefault("stage_since", timezone.now())
    if "payer" not in fields:
        fields["payer"] = make_payer()
    if "owner" not in fields and "team" not in fields:
        fields["owner"] = make_user(site=patient.site)
    return PriorAuthorization.objects.create(patient=patient, **fields)


def make_denial_category(**fields: Any) -> DenialCategory:
    n = next(number)
    fields.setdefault("code", f"reason_{n}")
    fields.setdefault("label", f"Reason {n}")
    fields.setdefault("position", n % 1000)
    fields.setdefault("checklist", [{"what": "Visit note", "kind": "report"}, {"what": "Proof", "kind": ""}])
    return DenialCategory.objects.create(**fields)


def make_denial(authorization: PriorAuthorization | None = None, **fields: Any) -> Denial:
    if "category" not in fields:
        fields["category"] = make_denial_category()
    fields.setdefault("words", "Not medically necessary.")
    fields.setdefault("notice_on", timezone.localdate())
    record = authorization or make_authorization(status="denied")
    return Denial.objects.create(authorization=record, **fields)


def make_talk(denial: Denial, **fields: Any) -> PeerToPeer:
    fields.setdefault("at", timezone.now())
    fields.setdefault("our_clinician", make_practitioner(site=denial.authorization.site))
    return PeerToPeer.objects.create(denial=denial, **fields)


def make_letter(denial: Denial, **fields: Any) -> AppealLetter:
    fields.setdefault("number", denial.letters.count() + 1)
    fields.setdefault("body", "Please reverse the denial.")
    return AppealLetter.objects.create(denial=denial, **fields)


def make_appeal(denial: Denial, **fields: Any) -> Appeal:
    fields.setdefault("level", 1)
    fields.setdefault("filed_at", timezone.now())
    fields.setdefault("channel", "fax")
    fields.setdefault("proof", "Fax 1")
    return Appeal.objects.create(denial=denial, **fields)


def make_line(authorization: PriorAuthorization | None = None, **fields: Any) -> AuthorizationLine:
    authorization = authorization or make_authorization()
    fields.setdefault("number", authorization.lines.count() + 1)
    fields.setdefault("service_code", "72148")
    return AuthorizationLine.objects.create(authorization=authorization, **fields)


def make_paper(authorization: PriorAuthorization | None = None, **fields: Any) -> AuthorizationPaper:
    fields.setdefault("label", f"Ejection-fraction report {next(number)}")
    return AuthorizationPaper.objects.create(authorization=authorization or make_authorization(), **fields)


def make_payer_call(authorization: PriorAuthorization | None = None, **fields: Any) -> PayerCall:
    fields.setdefault("said", "It is with the nurse reviewer")
    fields.setdefault("called_at", timezone.now())
    return PayerCall.objects.create(authorization=authorization or make_authorization(), **fields)


def make_requirement(authorization: PriorAuthorization | None = None, **fields: Any) -> RequirementCheck:
    fields.setdefault("pa_needed", "auth-needed")
    fields.setdefault("source", "portal")
    fields.setdefault("checked_at", timezone.now())
    return RequirementCheck.objects.create(authorization=authorization or make_authorization(), **fields)


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
    inbound.pages_shown = inbound.page_count = 1
    inbound.save()
    picture = page_path(inbound, 1)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    return inbound


def make_attempt(referral: Referral, **fields: Any) -> ReferralAttempt:
    """An attempt to reach the recipient that nobody answered."""
    fields.setdefault("at", timezone.now())
    fields.setdefault("whom", "recipient")
    fields.setdefault("channel", "phone")
    fields.setdefault("outcome", "no_answer")
    fields.setdefault("reached", False)
    return ReferralAttempt.objects.create(referral=referral, **fields)


def make_packet_of(referral: Referral, **fields: Any) -> ReferralPacket:
    """A version whose document is a few bytes, one page."""
    document = make_document(
        referral.patient, kind="packet", title=f"Packet of {referral.reference}", **fields
    )
    number = referral.packets.count() + 1
    return ReferralPacket.objects.create(
        referral=referral, number=number, document=document, sha256=document.sha256, at=timezone.now()
    )


def make_delivery(referral: Referral | None = None, **fields: Any) -> Delivery:
    """A packet that was handed to the post."""
    referral = referral or make_referral(status="sent")
    packet = fields.pop("packet", None) or make_packet_of(referral)
    fields.setdefault("channel", "print")
    fields.setdefault("status", "handed_over")
    fields.setdefault("recipient", "Mercy Cardiology")
    fields.setdefault("address", "By mail")
    return Delivery.objects.create(referral=referral, packet=packet, **fields)
