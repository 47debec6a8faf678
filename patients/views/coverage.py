"""The order of coverage, and checks whether it is in force."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from patients import eligibility, services
from patients.forms.entries import EligibilityCheckForm, ReasonForm
from patients.models import Coverage, EligibilityCheck
from patients.views.entries import saved


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def coverage_check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Record a check, below the earlier ones. What an electronic desk answers is filled in, never saved unseen."""
    rows = Coverage.objects.select_related("patient__site")
    coverage = get_visible_or_404(rows, request.user, pk=pk)
    form = EligibilityCheckForm(
        request.POST if request.method == "POST" else None, initial=_asked(coverage, request)
    )
    sent = request.method == "POST" and form.is_valid()
    if sent and saved(form, services.record_eligibility_check, coverage_id=coverage.pk, by=request.user):
        toast(request, _("The check was saved"))
        return redirect("dashboard:patient_details", pk=coverage.patient_id)
    context = {
        "patient": coverage.patient,
        "coverage": coverage,
        "form": form,
        "checks": list(coverage.checks.select_related("created_by")),
    }
    status = 422 if request.method == "POST" else 200
    return page(request, "patients/coverage_check.html", context, "patients/_coverage_check.html", status)


def _asked(coverage: Any, request: HttpRequest) -> dict[str, Any]:
    initial: dict[str, Any] = {"method": eligibility.DESK.method}
    if request.method == "POST":
        return initial
    patient = coverage.patient
    answer = eligibility.DESK.ask(
        eligibility.Question(
            payer_name=coverage.payer_name,
            member_id=coverage.member_id,
            family_name=patient.family_name,
            given_name=patient.given_name,
            birth_date=patient.birth_date,
            on=timezone.localdate(),
        )
    )
    if answer is not None:
        initial |= {name: getattr(answer, name) for name in ("result", "reference", "copay", "note")}
    return initial


@requires("patients.edit")
@require_POST
def coverage_move(request: HttpRequest, pk: UUID, way: str) -> HttpResponse:
    """One place up or down in the order."""
    if way not in ("up", "down"):
        raise Http404
    coverage = get_visible_or_404(Coverage, request.user, pk=pk)
    services.move_coverage(coverage_id=coverage.pk, up=way == "up", by=request.user, now=timezone.now())
    toast(request, _("The order was changed"))
    return redirect("dashboard:patient_details", pk=coverage.patient_id)


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def check_in_error(request: HttpRequest, pk: UUID) -> HttpResponse:
    check = get_visible_or_404(EligibilityCheck.objects.select_related("patient"), request.user, pk=pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    sent = request.method == "POST" and form.is_valid()
    if sent and saved(form, services.enter_check_in_error, check_id=check.pk, by=request.user):
        toast(request, _("The check was taken back"))
        return redirect("patients:coverage_check", pk=check.coverage_id)
    context = {"patient": check.patient, "form": form, "title": _("Take back a coverage check")}
    status = 422 if request.method == "POST" else 200
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)
