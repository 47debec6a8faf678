"""The doorway of a new referral, with the duplicate guard's three answers."""

from __future__ import annotations

from typing import Any

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
from coordinator.workflow import NotAllowed
from patients.models import Patient
from referrals import services
from referrals.duplicates import existing_referrals
from referrals.forms.referrals import ReferralForm
from referrals.models import Referral
from referrals.views.choosing import as_typed, offered_recipients, wants_ranking
from referrals.views.guarding import choose_patient, named, use_existing

# What a new referral takes over from the one that it goes on from.
TAKEN_OVER = (
    "category", "specialty", "service", "reason", "clinical_question", "problem", "urgency", "requested_by_on",
    "requester",
)  # fmt: skip


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def referral_new(request: HttpRequest) -> HttpResponse:
    """Write a referral for one patient; what exists already is shown first and answered: use, replace, go on."""
    who = request.POST.get("patient") or request.GET.get("patient")
    if not who:
        return choose_patient(request)
    patient = get_visible_or_404(Patient.objects.select_related("site", "coordinator"), request.user, pk=who)
    elsewhere = named(request, Referral, patient, "elsewhere")
    if request.POST.get("use"):
        existing = named(request, Referral, patient, "use")
        return use_existing(request, patient, "referral", existing, "referrals:referral_detail")
    user: Any = request.user
    form = ReferralForm(
        request.POST or None, user=user, patient=patient, initial=_initial(request, patient, elsewhere)
    )
    context = _around(form, patient, elsewhere)
    if wants_ranking(request):
        context |= offered_recipients(request, patient, as_typed(form), elsewhere)
        return asking_first(_form_page(request, context))
    if request.method == "POST" and form.is_valid():
        referral = _write(request, patient, form, elsewhere, context)
        if referral is not None:
            toast(request, _("Referral %(reference)s written") % {"reference": referral.reference})
            return redirect("referrals:referral_detail", referral.pk)
    context |= offered_recipients(request, patient, form, elsewhere)
    return _form_page(
        request, context, 200 if request.method == "GET" else 409 if context["similar"] else 422
    )


def _around(form: ReferralForm, patient: Patient, elsewhere: Referral | None) -> dict[str, Any]:
    """What the form stands in; `similar` is filled when the guard asks."""
    return {
        "form": form,
        "patient": patient,
        "similar": [],
        "elsewhere": elsewhere,
        "kinds": Referral.Category.choices,
        "kind": form["category"].value(),
    }


def _form_page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    part = "referrals/_referral_form.html"
    return page(request, "referrals/referral_new.html", context, part=part, status=status)


def _initial(request: HttpRequest, patient: Patient, elsewhere: Referral | None) -> dict[str, Any]:
    """What is most often meant: the patient's own provider asks."""
    if elsewhere is not None:
        return {name: getattr(elsewhere, name) for name in TAKEN_OVER}
    kind = request.GET.get("kind", "")
    category = kind if kind in Referral.Category.values else Referral.Category.MEDICAL
    return {"category": category, "requester": patient.primary_care_id}


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
            replaces=named(request, Referral, patient, "replace"),
            **given,
        )
    except Conflict:
        context["similar"] = existing_referrals(
            patient=patient,
            by=request.user,
            now=timezone.now(),
            specialty=given["specialty"],
            service=given["service"],
        )
    except ValidationError as error:
        show_refusal(form, error)
    except NotAllowed as error:
        form.add_error(None, str(error))
    return None
