"""A few papers in the demo: a report with pages to look at, cards that lapse, a letter. Everybody in them is invented."""

from __future__ import annotations

from datetime import timedelta

from django.core.files.base import ContentFile

from coordinator.demo.clinic import Clinic
from patients import services
from patients.models import Patient
from referrals.models import Referral

REPORT = (
    "Lakeside Cardiology",
    "Echocardiogram report",
    "Left ventricular ejection fraction 45 percent.",
    "Mild mitral regurgitation. No pericardial effusion.",
    "Advice: continue present medicines, weigh daily, recheck in six months.",
)
# (kind, title, source, lines, days since it came, days until it lapses)
PAPERS = (
    ("report", "Echocardiogram", "Lakeside Cardiology, by fax", REPORT, 6, None),
    (
        "insurance",
        "HealthNorth Plus card",
        "Brought to the visit",
        ("HealthNorth Plus", "Member card"),
        350,
        15,
    ),
    (
        "consent",
        "Consent to care management",
        "Signed at the visit",
        ("I agree to care management.",),
        380,
        -15,
    ),
)


def make_papers(clinic: Clinic, patients: dict[str, Patient]) -> None:
    dana, maria = clinic.users["dana"], patients["Alvarez, Maria"]
    for kind, title, source, lines, since, until in PAPERS:
        came = clinic.today - timedelta(days=since)
        (document,) = services.add_documents(
            patient_id=maria.pk,
            files=[ContentFile(page_of(lines), name=f"{kind}.pdf")],
            by=dana,
            now=clinic.ago(1),
            kind=kind,
            title=title,
            tags=["cardiology"] if kind == "report" else [],
            source=source,
            received_on=came,
            expires_on=None if until is None else clinic.today + timedelta(days=until),
        )
        referral = Referral.objects.filter(patient=maria, specialty="Cardiology").first()
        if kind == "report" and referral:
            services.link_document(
                document_id=document.pk, kind="referral", target_id=referral.pk, by=dana, now=clinic.ago(1)
            )


def page_of(lines: tuple[str, ...]) -> bytes:
    """A PDF of one page with these lines, as small as one can be."""
    shown = " T* ".join(f"({line}) Tj" for line in lines)
    words = f"BT /F1 16 Tf 24 TL 72 720 Td {shown} ET"
    font = "<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    parts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font {font} >> >>",
        f"<< /Length {len(words)} >>\nstream\n{words}\nendstream",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{part}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 5\n0000000000 65535 f \n{table}trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + end.encode()
