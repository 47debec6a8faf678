"""Writing a note beside the record, and taking one back."""

from __future__ import annotations

import json
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from coordinator.http import get_visible_or_404, is_part, page, requires
from coordinator.toasts import toast
from patients import services
from patients.forms.entries import NoteForm, ReasonForm
from patients.models import Note, Patient
from patients.views.entries import saved


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def note_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A page without script; beside the timeline with it, which then asks for itself again."""
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    form = NoteForm(request.POST or None, user=request.user, patient=patient)
    sent = request.method == "POST" and form.is_valid()
    if sent and saved(form, services.add_note, patient_id=patient.pk, by=request.user):
        toast(request, _("Note saved"))
        if not is_part(request):
            return redirect("dashboard:patient_summary", pk=patient.pk)
        return HttpResponse(headers={"HX-Trigger": json.dumps({"record-changed": {}})})
    status = 422 if request.method == "POST" else 200
    context = {"patient": patient, "form": form}
    return page(request, "patients/note_new.html", context, "patients/_note_new.html", status)


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def note_in_error(request: HttpRequest, pk: UUID) -> HttpResponse:
    note = get_visible_or_404(Note.objects.select_related("patient"), request.user, pk=pk)
    form = ReasonForm(request.POST or None)
    sent = request.method == "POST" and form.is_valid()
    if sent and saved(form, services.enter_note_in_error, note_id=note.pk, by=request.user):
        toast(request, _("The note was taken back"))
        return redirect("dashboard:patient_notes", pk=note.patient_id)
    context = {"patient": note.patient, "form": form, "title": _("Take back a note"), "note": note}
    status = 422 if request.method == "POST" else 200
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


@requires("notes.acknowledge")
@require_POST
def note_acknowledge(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The provider asked has read it."""
    note = get_visible_or_404(Note, request.user, pk=pk)
    services.acknowledge_note(note_id=note.pk, by=request.user, now=timezone.now())
    toast(request, _("Marked as read"))
    return redirect("dashboard:patient_notes", pk=note.patient_id)
