"""Doorways for a patient's record as a file: ask, wait, fetch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.audit import services as audit
from coordinator.fields import show_refusal
from coordinator.hints import hint
from coordinator.http import get_visible_or_404, page, requires
from coordinator.record import services
from coordinator.record.forms import RecordExportForm
from coordinator.record.gather import Record, record_of
from coordinator.record.jobs import run_exports
from coordinator.record.models import RecordExport
from coordinator.workflow import NotAllowed
from patients.models import Patient

TYPES = {"pdf": ("application/pdf", "pdf"), "fhir": ("application/fhir+json", "json")}
# What the file holds, in the order of the PDF.
NAMED = {
    "allergies": lazy("Allergies"),
    "problems": lazy("Problems"),
    "medications": lazy("Medicines"),
    "contact_points": lazy("Phones and e-mail"),
    "coverages": lazy("Coverage"),
    "care_team": lazy("Care team"),
    "related_people": lazy("Family and caregivers"),
    "consents": lazy("Consents"),
    "plans": lazy("Care plans"),
    "goals": lazy("Goals"),
    "interventions": lazy("Actions"),
    "tasks": lazy("Tasks"),
    "appointments": lazy("Visits"),
    "referrals": lazy("Referrals"),
    "authorizations": lazy("Prior authorizations"),
    "contacts": lazy("Contacts"),
    "notes": lazy("Notes"),
    "encounters": lazy("Encounters"),
    "results": lazy("Results"),
    "immunizations": lazy("Immunizations"),
    "documents": lazy("Documents"),
}


@requires("patients.record")
@require_http_methods(["GET", "POST"])
def record_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the file would hold, and what it is for."""
    patient = get_visible_or_404(Patient.objects.select_related("site"), request.user, pk=pk)
    form = RecordExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            export = services.ask_for_record(
                patient=patient, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            hint(run_exports)
            return redirect("record:record_detail", export.pk)
        except ValidationError as error:
            show_refusal(form, error)
    audit.viewed(request, patient, "record export")
    record = record_of(patient, request.user, timezone.now(), events=False)
    context = {"patient": patient, "form": form, "parts": _parts(record), "notices": record.notices}
    return page(request, "record/record_new.html", context, status=422 if request.method == "POST" else 200)


def _parts(record: Record) -> list[tuple[Any, int]]:
    counts = {name: len(rows) for name, rows in record.lists()}
    return [(label, counts[name]) for name, label in NAMED.items()]


@requires("patients.record")
@require_GET
def record_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The file's page: while it is made, its part asks again by itself."""
    return page(
        request, "record/record_detail.html", {"export": _own(request, pk)}, part="record/_record.html"
    )


@requires("patients.record")
@require_GET
def record_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file itself, while it lives, for who asked for it."""
    export = _own(request, pk)
    if export.status != RecordExport.Status.DONE or (export.expires_at or timezone.now()) <= timezone.now():
        raise NotAllowed(_("This file is not there. Ask for the record again."))
    services.log_download(export, request.user)  # type: ignore[arg-type]
    content_type, ending = TYPES[export.kind]
    name = f"throughline-record-{timezone.localdate():%Y-%m-%d}.{ending}"
    response = FileResponse(
        export.file.open("rb"), as_attachment=True, filename=name, content_type=content_type
    )
    response["Cache-Control"] = "no-store"
    return response


def _own(request: HttpRequest, pk: UUID) -> RecordExport:
    """A file holds what its asker may see, so nobody else opens it."""
    export = get_visible_or_404(RecordExport.objects.select_related("patient__site"), request.user, pk=pk)
    if export.asked_by_id != request.user.pk:
        raise PermissionDenied(_("Somebody else asked for this file."))
    return export
