"""Words in notes and documents, inside one patient or across everybody whose record the person may read.

A POST, like the finder: what somebody looks for must not become part of an address or of a log line.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from coordinator.audit import services as audit
from coordinator.dashboard.record_words import Hit, find_in_records
from coordinator.http import get_visible_or_404, page, requires
from patients.models import Patient


@requires("notes.view")
@require_http_methods(["GET", "POST"])
def record_search(request: HttpRequest) -> HttpResponse:
    """GET shows the empty form; POST `q`, optional `patient` and `mine` answers 200 with what was found."""
    query = request.POST.get("q", "")[:200].replace("\x00", " ").strip()
    key = request.POST.get("patient", "")
    patient = get_visible_or_404(Patient, request.user, pk=key) if key else None
    mine = "mine" in request.POST
    context: dict[str, Any] = {"query": query, "patient": patient, "mine": mine, "hits": [], "more": False}
    if query:
        hits, more = find_in_records(
            request.user, query, patient_id=patient.pk if patient else None, mine=mine
        )
        _note_reading(request, hits)
        context |= {"hits": hits, "more": more}
    return page(request, "dashboard/record_search.html", context, part="dashboard/_record_hits.html")


def _note_reading(request: HttpRequest, hits: list[Hit]) -> None:
    """Excerpts are part of a record: one event per patient whose words were shown."""
    shown = {hit.record.patient_id: hit.record.patient for hit in hits}
    audit.record_many(
        [
            audit.event(
                by=request.user,
                action="view",
                entity="patients.patient",
                entity_id=key,
                patient_id=key,
                site_id=patient.site_id,
                details={"what": "word search"},
            )
            for key, patient in shown.items()
        ]
    )
