"""Our requests as files to save: a PAS bundle or a 278. Every download is in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from coordinator.audit import services as audit
from coordinator.exchange.requests import RequestData, gathered, request_data
from coordinator.exchange.views import attachment
from coordinator.exchange.writing_pas import write_pas
from coordinator.exchange.writing_x12 import write_278
from coordinator.http import get_visible_or_404, requires


@require_GET
@requires("referrals.edit")
def request_json(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The request as a Da Vinci PAS bundle."""
    return saved_request(request, pk, write_pas, "json", "application/fhir+json")


@require_GET
@requires("referrals.edit")
def request_x12(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The request as X12 278."""
    return saved_request(request, pk, write_278, "278", "application/edi-x12")


def saved_request(
    request: HttpRequest, pk: UUID, write: Callable[[RequestData], bytes], suffix: str, content_type: str
) -> HttpResponse:
    """The request as a file to save; the trail keeps who took it. Raises Http404, NotAllowed with what is missing."""
    record = get_visible_or_404(gathered(), request.user, pk=pk)
    content = write(request_data(record, timezone.now()))
    audit.record(
        by=request.user,
        action="download",
        entity="referrals.priorauthorization",
        entity_id=pk,
        patient_id=record.patient_id,
        site_id=record.site_id,
        details={"what": suffix},
    )
    return attachment(content, f"request-{pk}.{suffix}", content_type)
