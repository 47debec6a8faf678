"""Restricting a record to its care team, and taking that back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from patients import services
from patients.forms.entries import RestrictionForm
from patients.models import Patient
from patients.restricted import just_restricted_by, who_sees

UNDO_WITHIN = timedelta(minutes=10)


@requires("patients.restrict")
@require_http_methods(["GET", "POST"])
def patient_restrict(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Restrict an open record; of a restricted one, lift that. Whoever is not of the care team sees it no more."""
    patient = get_visible_or_404(Patient.objects.select_related("coordinator"), request.user, pk=pk)
    form = None if patient.is_restricted else RestrictionForm(request.POST or None)
    if request.method == "POST" and form is None:
        services.lift_restriction(patient_id=patient.pk, by=request.user, now=timezone.now())
        toast(request, _("The record is no longer restricted"))
        return redirect("dashboard:patient_summary", pk=pk)
    if request.method == "POST" and form.is_valid() and _restrict(request, patient, form):
        undo = reverse("patients:restriction_undo", args=[pk])
        toast(request, _("The record is restricted"), undo=undo, back=reverse("dashboard:patient_list"))
        seen = Patient.objects.visible_to(request.user).filter(pk=pk).exists()
        return redirect("dashboard:patient_summary", pk=pk) if seen else redirect("dashboard:patient_list")
    status = 422 if request.method == "POST" else 200
    context = {"patient": patient, "form": form, "who": who_sees(patient)}
    return page(request, "patients/restriction.html", context, "patients/_restriction.html", status)


def _restrict(request: HttpRequest, patient: Patient, form: Any) -> bool:
    reason = form.cleaned_data["reason"]
    try:
        services.restrict_patient(patient_id=patient.pk, reason=reason, by=request.user, now=timezone.now())
    except ValidationError as error:
        show_refusal(form, error)
        return False
    except NotAllowed as error:
        form.add_error(None, str(error))
        return False
    return True


@requires("patients.restrict")
@require_POST
def restriction_undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take one's own restriction back at once, also when that hid the record from oneself."""
    now = timezone.now()
    if not just_restricted_by(request.user, pk, since=now - UNDO_WITHIN):
        get_visible_or_404(Patient, request.user, pk=pk)
    services.lift_restriction(patient_id=pk, by=request.user, now=now, reason=_("Undone"))
    toast(request, _("The record is no longer restricted"))
    return redirect("dashboard:patient_summary", pk=pk)
