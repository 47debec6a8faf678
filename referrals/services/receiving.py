"""A report that comes as a file: kept among the patient's documents, linked, and the referral completed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from coordinator.workflow import Actor
from patients.models import DocumentKind, DocumentLink
from patients.services import add_documents, link_document
from referrals.models import Referral
from referrals.services.referrals import advance_referral


@transaction.atomic
def receive_report(*, referral_id: UUID, file: Any, by: Actor, now: datetime, **facts: Any) -> Referral:
    """All of it or nothing. Raises ValidationError at `report_file`, Conflict when the file is in the record already."""
    referral = Referral.objects.select_related("site").get(pk=referral_id)
    try:
        [report] = add_documents(
            patient_id=referral.patient_id,
            files=[file],
            kind=DocumentKind.REPORT,
            received_on=timezone.localdate(now, referral.site.tzinfo),
            by=by,
            now=now,
        )
    except ValidationError as error:
        raise ValidationError({"report_file": error.messages}) from None
    link_document(
        document_id=report.pk, kind=DocumentLink.Kind.REFERRAL, target_id=referral.pk, by=by, now=now
    )
    return advance_referral(referral_id=referral_id, step="complete", report=report, by=by, now=now, **facts)
