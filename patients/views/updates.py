"""Updates to a provider: writing one, reading it, and its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods

from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from patients import services
from patients.forms.entries import AnswerForm, ReasonForm, UpdateForm
from patients.models import Patient, ProviderUpdate
from patients.permissions import can_answer, can_edit, is_asked
from patients.views.entries import saved

# Step: service, whether it asks for a reason, whether the provider may take it, what is said afterwards.
STEPS: dict[str, tuple[Callable[..., Any], bool, bool, Any]] = {
    "acknowledge": (services.acknowledge_update, False, True, lazy("Marked as read")),
    "answer": (services.answer_update, False, True, lazy("Answer saved")),
    "read_answer": (services.read_answer, False, False, lazy("The answer is marked as read")),
    "withdraw": (services.withdraw_update, True, False, lazy("The update was withdrawn")),
    "send_again": (services.send_update_again, True, False, lazy("The update was sent again")),
    "enter_in_error": (services.enter_update_in_error, True, False, lazy("The update was taken back")),
}


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def update_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    form = UpdateForm(request.POST or None, user=request.user, patient=patient)
    sent = request.method == "POST" and form.is_valid()
    if sent and saved(form, services.send_update, patient_id=patient.pk, by=request.user):
        toast(request, _("The provider has it on their list; you are reminded when no answer comes."))
        return redirect("dashboard:patient_notes", pk=patient.pk)
    status = 422 if request.method == "POST" else 200
    context = {"patient": patient, "form": form, "title": _("Update a provider")}
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


@requires("notes.view")
@require_GET
def update_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _show(request, _update(request, pk))


@requires("notes.view")
@require_http_methods(["GET", "POST"])
def update_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """One step of the workflow; those with a reason ask for it on their own page."""
    update = _update(request, pk)
    if step not in STEPS:
        raise Http404
    service, asks_reason, provider_may, done = STEPS[step]
    allowed = can_answer if provider_may else _may_edit
    if not allowed(request.user, update):
        raise PermissionDenied
    form: forms.Form = _form(request, update, step, asks_reason)
    sent = request.method == "POST" and form.is_valid()
    if sent and saved(form, service, update_id=update.pk, by=request.user):
        toast(request, done)
        return redirect("patients:update_detail", pk=update.pk)
    status = 422 if request.method == "POST" else 200
    if not asks_reason:
        return _show(request, update, form if step == "answer" else None, status)
    label = next((s.label for s in update.workflow.steps if s.name == step), "")
    context = {"patient": update.patient, "form": form, "title": label, "note": {"body": update.words}}
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


def _update(request: HttpRequest, pk: UUID) -> Any:
    rows = ProviderUpdate.objects.select_related(
        "patient__site", "report_to__organization", "note", "created_by", "answered_by"
    )
    return get_visible_or_404(rows, request.user, pk=pk)


def _may_edit(user: Any, update: Any) -> bool:
    return can_edit(user, update.patient)


def _form(request: HttpRequest, update: Any, step: str, asks_reason: bool) -> forms.Form:
    data = request.POST if request.method == "POST" else None
    if step == "answer":
        return AnswerForm(data, own=is_asked(request.user, update))
    return ReasonForm(data) if asks_reason else forms.Form(data)


def _show(
    request: HttpRequest, update: Any, form: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    user: Any = request.user
    own, may_edit = is_asked(user, update), can_edit(user, update.patient)
    steps = {step.name for step in update.workflow.steps_from(update.status)}
    if form is None and "answer" in steps and (own or may_edit):
        form = AnswerForm(own=own)
    context = {
        "update": update,
        "patient": update.patient,
        "form": form if "answer" in steps else None,
        "own": own,
        "may_edit": may_edit,
        "may_answer": own or may_edit,
        "steps": steps,
        "now": timezone.now(),
        "changes": list(update.changes.select_related("by").order_by("at", "id")),
    }
    return page(request, "patients/update_detail.html", context, "patients/_update.html", status)
