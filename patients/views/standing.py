"""Inactive, transferred, died, back again: and whose patient it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import asking_first, get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed, Step
from patients import services
from patients.forms.entries import CoordinatorForm, StandingForm
from patients.leaving import Group, foretell
from patients.models import Patient
from patients.workflow import LEAVING, WORKFLOW

SERVICES: dict[str, Callable[..., Patient]] = {
    "inactivate": services.inactivate_patient,
    "transfer": services.transfer_patient,
    "record_death": services.record_death,
    "reactivate": services.reactivate_patient,
    "enter_in_error": services.enter_patient_in_error,
}


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def patient_standing(request: HttpRequest, pk: UUID) -> HttpResponse:
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    now = timezone.now()
    steps = [step for step in WORKFLOW.steps_from(patient.status) if step.name in SERVICES]
    form = StandingForm(request.POST or None, steps=steps, now=now)
    if request.method == "POST" and form.is_valid():
        groups = foretell(patient, form.cleaned_data["step"], request.user, now)
        if groups and not request.POST.get("confirm"):
            asked = _asked(request, patient, form, steps, groups)
            return asking_first(page(request, "patients/standing_confirm.html", asked))
        try:
            _take(patient, form.cleaned_data, request, now)
        except ValidationError as error:
            show_refusal(form, error)
        except (NotAllowed, Conflict) as error:
            form.add_error(None, str(error))
        else:
            toast(request, _("Saved"))
            gone = form.cleaned_data["step"] == "enter_in_error"
            return (
                redirect("dashboard:patient_list") if gone else redirect("dashboard:patient_summary", pk=pk)
            )
    context = {"patient": patient, "form": form, "title": _("Change standing")}
    status = 422 if request.method == "POST" else 200
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


def _asked(
    request: HttpRequest, patient: Patient, form: StandingForm, steps: list[Step], groups: list[Group]
) -> dict[str, Any]:
    """What the page before the deed shows: the step in words, all it does, and what was typed, to send again."""
    step = next(step for step in steps if step.name == form.cleaned_data["step"])
    typed = {name: request.POST.get(name, "") for name in ("step", "died_on", "reason", "draft")}
    return {"patient": patient, "step": step, "groups": groups, "typed": typed, "data": form.cleaned_data}


def _take(patient: Patient, data: dict[str, Any], request: HttpRequest, now: datetime) -> None:
    more: dict[str, Any] = {"died_on": data["died_on"]} if data["step"] == "record_death" else {}
    if data["step"] in LEAVING:
        more["cancel_visits"] = _keys(request.POST.getlist("cancel_visit"))
    SERVICES[data["step"]](patient_id=patient.pk, reason=data["reason"], by=request.user, now=now, **more)


def _keys(typed: list[str]) -> list[str]:
    """The keys among what was sent; the service takes only those of this patient's own visits."""
    keys = []
    for text in typed[:200]:
        with suppress(ValueError):
            keys.append(str(UUID(text)))
    return keys


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def patient_coordinator(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Whose caseload this patient belongs to."""
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    initial = {"coordinator": patient.coordinator_id}
    form = CoordinatorForm(request.POST or None, initial=initial, patient=patient)
    if request.method == "POST" and form.is_valid():
        try:
            services.assign_coordinator(
                patient_id=patient.pk,
                user=form.cleaned_data["coordinator"],
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=timezone.now(),
            )
        except ValidationError as error:
            show_refusal(form, error)
        else:
            toast(request, _("Saved"))
            return redirect("dashboard:patient_summary", pk=patient.pk)
    context = {"patient": patient, "form": form, "title": _("Change coordinator")}
    status = 422 if request.method == "POST" else 200
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)
