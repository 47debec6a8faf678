"""Plain functions that make patients for tests and the demo. Everybody in them is invented."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from coordinator.tests.factories import make_practitioner, make_site, number
from patients.models import AccessGrant, ContactPoint, Document, Patient, ProviderUpdate
from patients.services.previews import page_path


def make_patient(**fields: Any) -> Patient:
    n = next(number)
    fields.setdefault("mrn", f"{100000 + n}")
    fields.setdefault("family_name", "Ramírez")
    fields.setdefault("given_name", f"Elena {n}")
    fields.setdefault("birth_date", datetime.date(1958, 3, 14))
    fields.setdefault("sex", "female")
    fields.setdefault("language", "en")
    if "site" not in fields:
        fields["site"] = make_site()
    return Patient.objects.create(**fields)


def make_phone(patient: Patient, number_e164: str = "+16125550143", **fields: Any) -> ContactPoint:
    fields.setdefault("use", ContactPoint.Use.MOBILE)
    fields.setdefault("ok_to_message", True)
    return ContactPoint.objects.create(
        patient=patient,
        kind=ContactPoint.Kind.PHONE,
        value=number_e164,
        normalized=number_e164,
        last_four=number_e164[-4:],
        **fields,
    )


def make_email(patient: Patient, address: str = "elena@example.test", **fields: Any) -> ContactPoint:
    fields.setdefault("ok_to_message", True)
    return ContactPoint.objects.create(
        patient=patient, kind=ContactPoint.Kind.EMAIL, value=address, normalized=address.lower(), **fields
    )


def make_document(patient: Patient, **fields: Any) -> Document:
    """A drawn document of one page, its file and picture on disk."""
    fields.setdefault("kind", "report")
    fields.setdefault("title", "Cardiology report")
    fields.setdefault("text", "Ejection fraction 45 percent")
    content = f"document {next(number)}".encode()
    document = Document(
        patient=patient,
        **{
            "file_name": "report.txt",
            "content_type": "text/plain",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "preview": "done",
            "page_count": 1,
            "pages_shown": 1,
            **fields,
        },
    )
    document.file.save("report.txt", ContentFile(content), save=False)
    document.save()
    picture = page_path(document, 1)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    return document


def restrict(patient: Patient, by: Any, **fields: Any) -> Patient:
    """As somebody of the clinic left it: for its care team only."""
    fields.setdefault("restriction_reason", "Works at the clinic")
    fields.setdefault("restricted_at", timezone.now())
    Patient.objects.filter(pk=patient.pk).update(is_restricted=True, restricted_by=by, **fields)
    patient.refresh_from_db()
    return patient


def make_grant(patient: Patient, user: Any, **fields: Any) -> AccessGrant:
    fields.setdefault("kind", AccessGrant.Kind.BREAK_GLASS)
    fields.setdefault("reason", "Called by the emergency department")
    fields.setdefault("opened_at", timezone.now())
    fields.setdefault("expires_at", fields["opened_at"] + AccessGrant.LASTS)
    return AccessGrant.objects.create(user=user, patient=patient, **fields)


def make_update(patient: Patient | None = None, **fields: Any) -> ProviderUpdate:
    patient = patient or make_patient()
    if "report_to" not in fields:
        fields["report_to"] = make_practitioner(site=patient.site)
    fields.setdefault("ask", "Weight is up. Change the water pill?")
    fields.setdefault("reply_due_at", timezone.now() + datetime.timedelta(hours=4))
    return ProviderUpdate.objects.create(patient=patient, **fields)
