"""Labelling an entry, and opening labelled entries for an hour."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordinator.audit.access import is_marked, mark
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from patients import services
from patients.forms.labels import LabelForm, OpenLabelForm
from patients.labels import protected
from patients.models import AccessGrant, Document, Encounter, Medication, Note, Patient, Problem, Result
from patients.views.entries import saved

# What can be labelled, by the word in the address, and the page that lists it.
KINDS: dict[str, tuple[Any, str]] = {
    "problem": (Problem, "dashboard:patient_details"),
    "medicine": (Medication, "dashboard:patient_details"),
    "note": (Note, "dashboard:patient_notes"),
    "document": (Document, "dashboard:patient_documents"),
    "result": (Result, "dashboard:patient_summary"),
    "encounter": (Encounter, "dashboard:patient_timeline"),
}


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def entry_label(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    """Whoever sees the entry and may write in the record decides on its label."""
    if kind not in KINDS:
        raise Http404
    model, listed = KINDS[kind]
    entry = get_visible_or_404(model.objects.select_related("patient"), request.user, pk=pk)
    form = LabelForm(request.POST if request.method == "POST" else None, initial={"label": entry.label})
    fixed = {"model": model, "entry_id": entry.pk, "by": request.user}
    if request.method == "POST" and form.is_valid() and saved(form, services.set_label, **fixed):
        toast(request, _("Saved"))
        return redirect(listed, pk=entry.patient_id)
    status = 422 if request.method == "POST" else 200
    context = {"patient": entry.patient, "form": form, "title": _("Protected entry"), "entry": entry}
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


@requires("labels.open")
@require_http_methods(["GET", "POST"])
def labels_open(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask for a patient's labelled entries; they are then open to this person for 60 minutes."""
    patient = get_visible_or_404(Patient.objects.select_related("site"), request.user, pk=pk)
    withheld = protected(request.user, patient).withheld
    form = OpenLabelForm(request.POST if request.method == "POST" else None, withheld=withheld)
    if request.method == "POST" and form.is_valid():
        found: list[AccessGrant] = []
        if saved(
            form, lambda **given: found.append(services.open_label(**given)), patient_id=pk, by=request.user
        ):
            _opened(request, found[0])
            return redirect("dashboard:patient_summary", pk=pk)
    status = 422 if request.method == "POST" else 200
    context = {"patient": patient, "form": form, "withheld": withheld}
    return page(request, "patients/labels_open.html", context, "patients/_labels_open.html", status)


def _opened(request: HttpRequest, grant: AccessGrant) -> None:
    if not is_marked(request, grant.patient_id, timezone.now()):
        mark(request, patient_id=grant.patient_id, grant_id=grant.pk, expires_at=grant.expires_at)
    toast(request, _("The entries are open to you for 60 minutes. Your manager sees why."), tone="warning")
