"""A new record, only after a search; and changing who somebody is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.wording import day
from patients import services
from patients.forms.registration import NewPatientForm, PatientForm, PhoneLine, with_birth_date_boxes
from patients.models import Patient
from patients.permissions import can_edit
from patients.rules.duplicates import person_from
from patients.rules.finding import name_in, read_query
from patients.rules.telephones import normal_email
from patients.selectors import Double, possible_duplicates
from patients.services.patients import EDITABLE

PHONE_LINES = 2


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def patient_new(request: HttpRequest) -> HttpResponse:
    """Begun from the finder with what was typed (POST `begin`, `q`): a name never stands in an address."""
    if request.method == "GET":
        toast(request, _("Search first, so that nobody is registered twice."), tone="info")
        return redirect("dashboard:search")
    if "begin" in request.POST:
        return _show_new(request, *_begun(request))
    form = NewPatientForm(request.POST, user=request.user)
    phones = [PhoneLine(request.POST, prefix=f"phone-{n}") for n in range(PHONE_LINES)]
    if not all([form.is_valid(), *[phone.is_valid() for phone in phones]]):
        return _show_new(request, form, phones, status=422)
    doubles = [] if "anyway" in request.POST else _doubles(request.user, form, phones)
    if doubles:
        return _show_new(request, form, phones, status=422, doubles=doubles)
    try:
        patient = _register(request.user, form.cleaned_data, phones)
    except ValidationError as error:
        show_refusal(form, error)
    except Conflict as error:
        form.add_error("mrn", str(error))
    else:
        toast(request, _("Registered. The record number is %(mrn)s.") % {"mrn": patient.mrn})
        return redirect("dashboard:patient_summary", pk=patient.pk)
    return _show_new(request, form, phones, status=422)


def _show_new(
    request: HttpRequest, form: NewPatientForm, phones: list[PhoneLine], status: int = 200, **more: Any
) -> HttpResponse:
    context = {"form": form, "phones": phones, "forms": [form, *phones], **more}
    return page(request, "patients/patient_new.html", context, "patients/_patient_new.html", status)


def _begun(request: Any) -> tuple[NewPatientForm, list[PhoneLine]]:
    query, today = request.POST.get("q", "")[:100], timezone.localdate()
    given, family = name_in(query, today)
    wanted = read_query(query, today)
    numbers = [
        n.digits for n in wanted.numbers if n.could_be_phone and 7 <= len(n.digits) <= 11 and not n.born
    ]
    initial = {
        "given_name": given,
        "family_name": family,
        "birth_date": wanted.birth_day,
        "sex": "unknown",
        "mine": True,
    }
    lines = [
        PhoneLine(prefix=f"phone-{n}", initial={"value": numbers[n] if n < len(numbers) else ""})
        for n in range(PHONE_LINES)
    ]
    return NewPatientForm(initial=initial, user=request.user), lines


def _doubles(user: Any, form: NewPatientForm, phones: list[PhoneLine]) -> list[Double]:
    data = form.cleaned_data
    who = person_from(
        data,
        phones=[phone.normalized for phone in phones if phone.cleaned_data["value"]],
        emails=[normal_email(data["email"])] if data["email"] else [],
        numbers=[data["member_id"]],
    )
    return possible_duplicates(user, who, codes=[data["mrn"], data["member_id"]])


def _register(user: Any, data: dict[str, Any], phones: list[PhoneLine]) -> Patient:
    points = [{"kind": "phone", **phone.cleaned_data} for phone in phones if phone.cleaned_data["value"]]
    if data["email"]:
        points.append({"kind": "email", "value": data["email"], "ok_to_message": data["email_ok"]})
    coverage = {name: data[name] for name in ("payer_name", "plan_name", "member_id")}
    return services.register_patient(
        site=data["site"],
        by=user,
        now=timezone.now(),
        mrn=data["mrn"],
        contact_points=points,
        coverages=[coverage] if data["payer_name"] else [],
        coordinator=user if data["mine"] else None,
        **{name: data[name] for name in EDITABLE if name in data},
    )


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def patient_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change details. A stale save answers 409 with both versions of the fields that differ."""
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    if not can_edit(request.user, patient):
        raise PermissionDenied
    if request.method == "GET":
        form = PatientForm(initial=PatientForm.initial_from(patient), user=request.user, patient=patient)
        return _show_edit(request, patient, form)
    form = PatientForm(with_birth_date_boxes(request.POST), user=request.user, patient=patient)
    if form.is_valid():
        try:
            services.update_patient(
                patient_id=patient.pk,
                version=whole_number(request.POST.get("version")),
                by=request.user,
                now=timezone.now(),
                **form.cleaned_data,
            )
        except ValidationError as error:
            show_refusal(form, error)
        except Conflict as conflict:
            return _show_conflict(request, patient, form, conflict)
        else:
            toast(request, _("Saved"))
            return redirect("dashboard:patient_summary", pk=patient.pk)
    return _show_edit(request, patient, form, status=422)


def _show_edit(request: HttpRequest, patient: Patient, form: PatientForm, status: int = 200) -> HttpResponse:
    version = whole_number(request.POST.get("version")) if request.method == "POST" else patient.version
    context = {"patient": patient, "form": form, "version": version}
    return page(request, "patients/patient_edit.html", context, "patients/_patient_edit.html", status)


def _show_conflict(
    request: HttpRequest, patient: Patient, form: PatientForm, conflict: Conflict
) -> HttpResponse:
    rows = [
        {
            "name": name,
            "label": form.fields[name].label,
            "theirs": _words(theirs),
            "yours": _words(yours),
            "theirs_value": _raw(theirs),
            "yours_value": _raw(yours),
        }
        for name, (theirs, yours) in conflict.extra["fields"].items()
    ]
    differing = set(conflict.extra["fields"])
    kept = [
        (n, _raw(v)) for n, v in form.cleaned_data.items() if n not in differing and v not in (None, False)
    ]
    context = {
        "patient": patient,
        "rows": rows,
        "keep": kept,
        "who": conflict.extra["by"] or _("Somebody"),
        "at": conflict.extra["at"],
        "version": conflict.extra["version"],
    }
    return page(request, "patients/patient_conflict.html", context, "patients/_patient_conflict.html", 409)


def _raw(value: Any) -> str:
    """A value as a form sends it."""
    if value is None or value is False:
        return ""
    if hasattr(value, "pk"):
        return str(value.pk)
    return value.isoformat() if hasattr(value, "isoformat") else "on" if value is True else str(value)


def _words(value: Any) -> str:
    """A value as the conflict table shows it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return day(value) if hasattr(value, "isoformat") else str(value or "")
