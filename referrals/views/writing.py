"""The doorway of a new referral, with the duplicate guard's three answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from patients.models import Patient
from referrals import services
from referrals.duplicates import existing_referrals
from referrals.forms.referrals import ReferralForm
from referrals.models import Referral

# What a new referral takes over from the one that it goes on from.
TAKEN_OVER = (
    "category", "specialty", "service", "reason", "clinical_question", "problem", "urgency", "requested_by_on",
    "requester",
)  # fmt: skip


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def referral_new(request: HttpRequest) -> HttpResponse:
    """Write a referral for one patient; what exists already is shown first and answered: use, replace, go on."""
    named = request.POST.get("patient") or request.GET.get("patient")
    if not named:
        return redirect(f"{reverse('dashboard:patient_list')}?for=referral")
    patient = get_visible_or_404(
        Patient.objects.select_related("site", "coordinator"), request.user, pk=named
    )
    elsewhere = _named(request, patient, "elsewhere")
    if request.POST.get("use"):
        return _use(request, patient, _named(request, patient, "use"))
    user: Any = request.user
    form = ReferralForm(
        request.POST or None, user=user, patient=patient, initial=_initial(request, patient, elsewhere)
    )
    context: dict[str, Any] = {
        "form": form,
        "patient": patient,
        "similar": [],
        "elsewhere": elsewhere,
        "kinds": Referral.Category.choices,
        "kind": form["category"].value(),
    }
    if request.method == "POST" and form.is_valid():
        referral = _write(request, patient, form, elsewhere, context)
        if referral is not None:
            toast(request, _("Referral %(reference)s written") % {"reference": referral.reference})
            return redirect("referrals:referral_detail", referral.pk)
    status = 200 if request.method == "GET" else 409 if context["similar"] else 422
    return page(
        request, "referrals/referral_new.html", context, part="referrals/_referral_form.html", status=status
    )


def _named(request: HttpRequest, patient: Patient, name: str) -> Referral | None:
    """The patient's referral that this request names; 404 when it is not there for this person."""
    key = request.POST.get(name) or request.GET.get(name)
    if not key:
        return None
    return get_visible_or_404(Referral.objects.filter(patient=patient), request.user, pk=key)


def _initial(request: HttpRequest, patient: Patient, elsewhere: Referral | None) -> dict[str, Any]:
    """What is most often meant: the patient's own provider asks."""
    if elsewhere is not None:
        return {name: getattr(elsewhere, name) for name in TAKEN_OVER}
    kind = request.GET.get("kind", "")
    category = kind if kind in Referral.Category.values else Referral.Category.MEDICAL
    return {"category": category, "requester": patient.primary_care_id}


def _use(request: HttpRequest, patient: Patient, existing: Referral | None) -> HttpResponse:
    """The one that exists is the answer: nothing is written, the answer is counted."""
    key: UUID = existing.pk if existing is not None else UUID(int=0)
    services.answer_guard(
        patient=patient, kind="referral", choice="use", existing=[key], by=request.user, now=timezone.now()
    )
    toast(request, _("Nothing new was written: this is the one that exists."))
    return redirect("referrals:referral_detail", key)


def _write(
    request: HttpRequest,
    patient: Patient,
    form: Any,
    elsewhere: Referral | None,
    context: dict[str, Any],
) -> Referral | None:
    """The referral, or None with what to show: the similar ones, or the refusal in the form."""
    given = form.cleaned_data
    try:
        return services.create_referral(
            patient=patient,
            by=request.user,
            now=timezone.now(),
            refers_elsewhere=elsewhere,
            replaces=_named(request, patient, "replace"),
            **given,
        )
    except Conflict:
        context["similar"] = existing_referrals(
            patient=patient, now=timezone.now(), specialty=given["specialty"], service=given["service"]
        )
    except ValidationError as error:
        show_refusal(form, error)
    except NotAllowed as error:
        form.add_error(None, str(error))
    return None
