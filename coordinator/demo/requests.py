"""What the demo's payers want, and prior authorizations on their way to a decision. Everybody in it is invented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from coordinator.demo.clinic import Clinic
from patients.models import Document, Patient
from referrals import services
from referrals.models import PriorAuthorization
from referrals.services import payer_lists

# payer, phone, fax, portal, tips
INTAKE = (
    (
        "HealthNorth Plus",
        "+16125550171",
        "+16125550172",
        "https://portal.healthnorth.example/",
        "Attach the last two visit notes at once; without them every imaging request is pended.",
    ),
    (
        "Prairie Community Plan",
        "+16125550181",
        "+16125550182",
        "https://providers.prairie.example/",
        "Ask for the nurse line when it is expedited.",
    ),
)
# payer, code, specialty, answer, source
NEEDED = (
    ("HealthNorth Plus", "93306", "Cardiology", "auth-needed", "HealthNorth list of services, October"),
    ("HealthNorth Plus", "72148", "", "auth-needed", "HealthNorth list of services, October"),
    ("HealthNorth Plus", "99213", "", "no-auth", "HealthNorth list of services, October"),
    ("Prairie Community Plan", "97110", "Physical therapy", "auth-needed", "Prairie bulletin 14"),
)
# payer, code, paper, kind of document, required, hint
PAPERS = (
    (None, "", "Notes of the last two visits", "report", True, "Not older than 6 months"),
    ("HealthNorth Plus", "93306", "Ejection-fraction report", "result", True, ""),
    ("HealthNorth Plus", "72148", "Report of the last X-ray", "result", False, ""),
    ("Prairie Community Plan", "97110", "Signed plan of therapy", "form", True, ""),
)


def make_payer_lists(clinic: Clinic) -> None:
    """What is written from now on finds its answer and its papers here."""
    manager = next(user for user in clinic.users.values() if user.can("settings.manage"))
    same: dict[str, Any] = {"by": manager, "now": clinic.ago(40)}
    for name, phone, fax, portal, tips in INTAKE:
        payer = clinic.payers[name]
        facts: dict[str, Any] = {"name": name, "payer_type": payer.payer_type, "zone": payer.zone}
        payer_lists.save_payer(
            row_id=payer.pk,
            phone=phone,
            fax=fax,
            portal=portal,
            tips=tips,
            reviewed_on=clinic.today - timedelta(days=40),
            **facts,
            **same,
        )
    for name, code, specialty, answer, source in NEEDED:
        payer_lists.save_requirement(
            payer=clinic.payers[name],
            service_code=code,
            specialty=specialty,
            pa_needed=answer,
            source=source,
            source_on=clinic.today - timedelta(days=45),
            expires_on=clinic.today + timedelta(days=140),
            **same,
        )
    for whose, code, label, kind, required, hint in PAPERS:
        payer_lists.save_required_paper(
            payer=clinic.payers[whose] if whose else None,
            service_code=code,
            label=label,
            document_kind=kind,
            is_required=required,
            hint=hint,
            **same,
        )


def make_requests(clinic: Clinic, patients: dict[str, Patient]) -> None:
    """A request that nobody has asked about, one that came back, a medicine, one without an end, and calls."""
    make_payer_lists(clinic)
    by = clinic.users["dana"]
    _ask(
        clinic,
        patients["Alvarez, Maria"],
        "Cardiac rehabilitation",
        "93798",
        36,
        "BlueRiver Employer Health",
        1,
    )
    back = _ask(clinic, patients["Olsen, Gerald"], "CPAP device", "E0601", 1, "Prairie Community Plan", 6)
    _submit(clinic, back, 4)
    services.advance_authorization(
        authorization_id=back.pk,
        step="return",
        reason="Member number does not match the name",
        by=by,
        now=clinic.ago(2),
    )
    medicine = _ask(
        clinic,
        patients["Tran, Minh-Chau"],
        "Adalimumab",
        "J0139",
        4,
        "Prairie Community Plan",
        5,
        kind="medicine",
    )
    _submit(clinic, medicine, 2, decision_due_on=clinic.today + timedelta(days=2))
    services.record_call(
        authorization_id=medicine.pk,
        said="It is with the pharmacist, nothing is missing",
        representative="Renee",
        call_reference="C-20417",
        promised="An answer",
        promised_by=clinic.today + timedelta(days=1),
        hold_minutes=11,
        talk_minutes=6,
        by=by,
        now=clinic.ago(1),
    )
    endless = _ask(
        clinic, patients["Peterson, Alan"], "Diabetic shoes", "A5500", 2, "Prairie Community Plan", 12
    )
    _submit(clinic, endless, 10)
    services.decide_lines(
        authorization_id=endless.pk,
        decisions={1: {"decision": "approved", "units_approved": 2}},
        authorization_number="PC-55180",
        starts_on=clinic.today - timedelta(days=6),
        by=by,
        now=clinic.ago(6),
    )


def _ask(
    clinic: Clinic, patient: Patient, service: str, code: str, units: int, payer: str, days: int, **more: Any
) -> PriorAuthorization:
    return services.request_authorization(
        patient=patient,
        payer=clinic.payers[payer],
        service=service,
        line={"service_code": code, "units": units, "label": service},
        owner=clinic.users["dana"],
        by=clinic.users["dana"],
        now=clinic.ago(days),
        **more,
    )


def _submit(clinic: Clinic, request: PriorAuthorization, days: int, **facts: Any) -> None:
    """Asked by phone whether it is needed, its papers attached, and sent through the portal."""
    same: dict[str, Any] = {"by": clinic.users["dana"], "now": clinic.ago(days)}
    services.record_requirement(
        authorization_id=request.pk,
        pa_needed="auth-needed",
        source="phone",
        reference="C-19882",
        said_by="Renee",
        **same,
    )
    attach_papers(request, **same)
    services.advance_authorization(
        authorization_id=request.pk,
        step="submit",
        channel="portal",
        received_by_payer_at=clinic.ago(days),
        receipt_proof=f"W-{days:03d}771",
        **facts,
        **same,
    )


def attach_papers(request: PriorAuthorization, **same: Any) -> None:
    """Invented papers for whatever the list asks for."""
    for paper in request.papers.filter(is_required=True, document=None):
        document = Document.objects.create(
            patient=request.patient,
            kind=paper.document_kind,
            title=paper.label,
            received_on=same["now"].date(),
        )
        services.attach_paper(paper_id=paper.pk, document=document, **same)
