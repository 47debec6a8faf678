"""The Documents tab of a patient's page, one document on a page of its own, and what it is linked to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.dashboard import documents
from coordinator.dashboard.summary_views import open_chart
from coordinator.filters import filters_of, store_filters
from coordinator.http import get_visible_or_404, is_part, page, requires
from coordinator.toasts import toast
from patients import services
from patients.models import Document, Patient

SHOWN_TEXT = 60_000  # characters below the pictures


@requires("notes.view")
@require_http_methods(["GET", "POST"])
def patient_documents(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All documents; POST is the filter form: standing goes into the address, words and what names a paper into the session."""
    kept = f"documents:{pk}"
    if request.method == "POST":
        get_visible_or_404(Patient, request.user, pk=pk)
        return store_filters(request, kept, typed=documents.TYPED)
    chart = open_chart(request, pk, "documents")
    filters = documents.filters_for(
        request.user, chart["patient"], filters_of(request, kept, typed=documents.TYPED)
    )
    rows = documents.listed(request.user, chart["patient"], filters.given, chart["today"])
    chart |= {
        "documents": rows[: documents.SHOWN],
        "more": len(rows) > documents.SHOWN,
        "filters": filters,
        "filtered": bool(filters.given),
    }
    return page(request, "dashboard/patient_documents.html", chart)


@requires("notes.view")
@require_GET
def document(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One document: its pages as our own pictures, its text, facts, links and history. The part is asked for again
    and again while a worker draws; that is no new look at the record."""
    found = _document(request, pk)
    if is_part(request):
        return page(request, "dashboard/_document_pages.html", _pages(found))
    chart = open_chart(request, found.patient_id, "documents") | _pages(found)
    audit.record_change(found, "view", by=request.user)
    found.expiry_state = found.expiry(chart["today"])
    documents.put_links(request.user, chart["patient"], [found])
    linked = {target.value for target in found.linked}
    may_change = chart["may_edit"] and not found.is_error
    possible = documents.targets(request.user, chart["patient"]) if may_change else []
    before, after = documents.neighbours(request.user, found)
    chart |= {
        "possible": [target for target in possible if target.value not in linked],
        "changes": found.changes.select_related("by").order_by("at", "id"),
        "before": before,
        "after": after,
    }
    return page(request, "dashboard/document.html", chart)


def _pages(found: Any) -> dict[str, Any]:
    return {
        "document": found,
        "pages": range(1, found.pages_shown + 1),
        "text": found.text[:SHOWN_TEXT],
        "text_cut": len(found.text) > SHOWN_TEXT,
        "waiting": found.preview == Document.Preview.PENDING,
    }


def _document(request: HttpRequest, pk: UUID) -> Any:
    rows = Document.objects.select_related("created_by", "patient__site")
    return get_visible_or_404(rows, request.user, pk=pk)


def _target(request: HttpRequest) -> tuple[str, UUID]:
    """ "referral:<key>" as the form names it. Raises ValidationError."""
    kind, _colon, key = request.POST.get("target", "").partition(":")
    try:
        return kind, UUID(key)
    except ValueError:
        raise ValidationError(_("Choose what to link it to.")) from None


@requires("patients.edit")
@require_POST
def document_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _document(request, pk)
    try:
        kind, key = _target(request)
        services.link_document(
            document_id=found.pk, kind=kind, target_id=key, by=request.user, now=timezone.now()
        )
    except ValidationError as error:
        toast(request, " ".join(error.messages), tone="error")
    else:
        toast(request, _("Linked"))
    return redirect("dashboard:document", pk=found.pk)


@requires("patients.edit")
@require_POST
def document_unlink(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _document(request, pk)
    kind, key = _target(request)
    services.unlink_document(
        document_id=found.pk, kind=kind, target_id=key, by=request.user, now=timezone.now()
    )
    toast(request, _("Link removed"))
    return redirect("dashboard:document", pk=found.pk)
