"""What the doorways of new records share: whose it is, naming what exists, and using it instead."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from coordinator.http import get_visible_or_404
from coordinator.toasts import toast
from patients.models import Patient
from referrals import services


def choose_patient(request: HttpRequest) -> HttpResponse:
    """A new record without its patient: to the patients, with a word on how to go on."""
    toast(
        request, _("Open the patient first: “Referrals and prior authorization” in the chart has the button.")
    )
    return redirect("dashboard:patient_list")


def named(request: HttpRequest, model: type[Any], patient: Patient, name: str) -> Any:
    """The patient's record that this request names under `name`, or None. 404 when it is not there for this person."""
    key = request.POST.get(name) or request.GET.get(name)
    return get_visible_or_404(model.objects.filter(patient=patient), request.user, pk=key) if key else None


def use_existing(
    request: HttpRequest, patient: Patient, kind: str, existing: Any, address: str, *of: str | UUID
) -> HttpResponse:
    """The one that exists is the answer: nothing is written, the answer is counted."""
    services.answer_guard(
        patient=patient,
        kind=kind,
        choice="use",
        existing=[existing.pk],
        by=request.user,
        now=timezone.now(),
    )
    toast(request, _("Nothing new was written: this is the one that exists."))
    return redirect(address, *of, existing.pk)
