"""Adding an entry to the record and changing where it stands: one pair of pages for every kind of entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_POST

from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from patients import services
from patients.forms import entries as entry_forms
from patients.models import (
    Allergy,
    CareTeamMember,
    Consent,
    ContactPoint,
    ContactWarning,
    Coverage,
    Medication,
    Patient,
    Problem,
    RelatedPerson,
)
from patients.rules.doubts import Doubt
from patients.services.errors import WAYS


@dataclass(frozen=True)
class Kind:
    """One kind of entry: its words, forms and services. `key` is how the services name the row."""

    model: Any
    key: str
    add_title: Any
    change_title: Any
    form: type[forms.Form]
    add: Callable[..., Any]
    change_form: type[forms.Form] | None = None
    change: Callable[..., Any] | None = None
    end: Callable[..., Any] | None = None
    of_patient: bool = False  # its form offers what the patient has, and is given the patient and the person


KINDS = {
    "phone": Kind(
        ContactPoint,
        "contact_point_id",
        lazy("Add phone or e-mail"),
        lazy("Change phone or e-mail"),
        entry_forms.ContactPointForm,
        services.add_contact_point,
        entry_forms.ContactPointChangeForm,
        services.update_contact_point,
        services.end_contact_point,
    ),
    "safety": Kind(
        ContactWarning,
        "warning_id",
        lazy("Add a safe-contact warning"),
        lazy("Safe contact"),
        entry_forms.ContactWarningForm,
        services.add_contact_warning,
        entry_forms.ContactWarningForm,
        services.update_contact_warning,
        services.end_contact_warning,
        of_patient=True,
    ),
    "coverage": Kind(
        Coverage,
        "coverage_id",
        lazy("Add coverage"),
        lazy("Change coverage"),
        entry_forms.CoverageForm,
        services.add_coverage,
        entry_forms.CoverageForm,
        services.update_coverage,
        services.end_coverage,
    ),
    "family": Kind(
        RelatedPerson,
        "related_person_id",
        lazy("Add family or caregiver"),
        lazy("Family or caregiver"),
        entry_forms.FamilyForm,
        services.add_related_person,
        entry_forms.FamilyForm,
        services.update_related_person,
        services.end_related_person,
    ),
    "team": Kind(
        CareTeamMember,
        "member_id",
        lazy("Add someone to the care team"),
        lazy("Care team"),
        entry_forms.CareTeamForm,
        services.add_care_team_member,
        entry_forms.CareTeamForm,
        services.update_care_team_member,
        services.end_care_team_member,
    ),
    "consent": Kind(
        Consent,
        "consent_id",
        lazy("Add consent"),
        lazy("Consent"),
        entry_forms.ConsentForm,
        services.add_consent,
        entry_forms.ConsentStandingForm,
        services.change_consent,
    ),
    "problem": Kind(
        Problem,
        "problem_id",
        lazy("Add problem"),
        lazy("Change problem"),
        entry_forms.ProblemForm,
        services.add_problem,
        entry_forms.ProblemStatusForm,
        services.change_problem,
    ),
    "allergy": Kind(
        Allergy,
        "allergy_id",
        lazy("Add allergy"),
        lazy("Change allergy"),
        entry_forms.AllergyForm,
        services.add_allergy,
        entry_forms.AllergyStatusForm,
        services.change_allergy,
    ),
    "medicine": Kind(
        Medication,
        "medication_id",
        lazy("Add medicine"),
        lazy("Change medicine"),
        entry_forms.MedicationForm,
        services.add_medication,
        entry_forms.MedicationStatusForm,
        services.change_medication,
    ),
}


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise Http404
    return KINDS[name]


def saved(form: forms.Form, service: Callable[..., Any], **fixed: Any) -> bool:
    """Call the service with what the form holds; its refusal goes onto the form."""
    try:
        service(now=timezone.now(), **fixed, **form.cleaned_data)
    except Doubt as doubt:
        show_refusal(form, doubt)
        if isinstance(form, entry_forms.KeepForm):
            form.ask_to_keep()
    except ValidationError as error:
        show_refusal(form, error)
    except Conflict as error:
        form.add_error(None, str(error))
    else:
        return True
    return False


def _took(request: HttpRequest, form: forms.Form, service: Callable[..., Any], **fixed: Any) -> bool:
    if request.method != "POST" or not form.is_valid() or not saved(form, service, by=request.user, **fixed):
        return False
    toast(request, _("Saved"))
    return True


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def entry_new(request: HttpRequest, pk: UUID, kind: str) -> HttpResponse:
    entry_kind = _kind(kind)
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    form = entry_kind.form(
        request.POST if request.method == "POST" else None, **_given(entry_kind, patient, request)
    )
    if _took(request, form, entry_kind.add, patient_id=patient.pk):
        return redirect("dashboard:patient_details", pk=patient.pk)
    context = {"patient": patient, "form": form, "title": entry_kind.add_title}
    status = 422 if form.errors else 200
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def entry_change(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    entry_kind = _kind(kind)
    entry = get_visible_or_404(entry_kind.model.objects.select_related("patient"), request.user, pk=pk)
    form = _change_form(entry_kind, entry, request)
    if form and entry_kind.change and _took(request, form, entry_kind.change, **{entry_kind.key: entry.pk}):
        return redirect("dashboard:patient_details", pk=entry.patient_id)
    context = {
        "patient": entry.patient,
        "form": form,
        "title": entry_kind.change_title,
        "entry": entry,
        "kind": kind,
        "may_end": entry_kind.end is not None,
        "may_be_error": kind in WAYS,
    }
    status = 422 if form is not None and form.errors else 200
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


def _change_form(kind: Kind, entry: Any, request: HttpRequest) -> forms.Form | None:
    if kind.change_form is None:
        return None
    initial = {name: getattr(entry, name, None) for name in kind.change_form.base_fields if name != "keep"}
    given = _given(kind, entry.patient, request)
    return kind.change_form(request.POST if request.method == "POST" else None, initial=initial, **given)


def _given(kind: Kind, patient: Patient, request: HttpRequest) -> dict[str, Any]:
    return {"patient": patient, "user": request.user} if kind.of_patient else {}


@requires("patients.edit")
@require_POST
def entry_end(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    """No longer valid from now on; the row stays in the record."""
    entry_kind = _kind(kind)
    if entry_kind.end is None:
        raise Http404
    entry = get_visible_or_404(entry_kind.model, request.user, pk=pk)
    entry_kind.end(by=request.user, now=timezone.now(), **{entry_kind.key: entry.pk})
    toast(request, _("Ended"))
    return redirect("dashboard:patient_details", pk=entry.patient_id)


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def entry_in_error(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    """It should never have been there: asks why, and can be undone at once."""
    entry = _error_entry(request, kind, pk)
    form = entry_forms.ReasonForm(request.POST if request.method == "POST" else None)
    sent = request.method == "POST" and form.is_valid()
    if sent and saved(form, services.enter_entry_in_error, kind=kind, entry_id=entry.pk, by=request.user):
        undo = reverse("patients:entry_restore", args=[kind, entry.pk])
        back = reverse("dashboard:patient_details", args=[entry.patient_id])
        toast(request, _("Entered in error"), undo=undo, back=back)
        return redirect(back)
    context = {"patient": entry.patient, "form": form, "title": _("Enter in error"), "entry": entry}
    status = 422 if request.method == "POST" else 200
    return page(request, "patients/entry.html", context, "patients/_entry.html", status)


@requires("patients.edit")
@require_POST
def entry_restore(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    """Undo: it was right after all."""
    entry = _error_entry(request, kind, pk)
    services.put_entry_back(kind=kind, entry_id=entry.pk, by=request.user, now=timezone.now())
    toast(request, _("Put back"))
    return redirect("dashboard:patient_details", pk=entry.patient_id)


def _error_entry(request: HttpRequest, kind: str, pk: UUID) -> Any:
    if kind not in WAYS:
        raise Http404
    return get_visible_or_404(WAYS[kind].model.objects.select_related("patient"), request.user, pk=pk)


@requires("patients.edit")
@require_POST
def no_known_allergies(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Somebody asked, and there are none."""
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    services.record_no_known_allergies(patient_id=patient.pk, by=request.user, now=timezone.now())
    toast(request, _("Recorded: no known allergies"))
    return redirect("dashboard:patient_details", pk=patient.pk)
