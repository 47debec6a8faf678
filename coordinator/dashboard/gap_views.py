"""The prompts of a patient's page: set one aside, or ask again."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from coordinator.dashboard import gaps
from coordinator.http import get_visible_or_404, requires
from coordinator.toasts import toast
from patients.models import Patient


@requires("patients.edit")
@require_POST
def patient_gap(request: HttpRequest, pk: UUID, gap: str) -> HttpResponse:
    """`do` is "later" or "never" (both with a reason), or "again"."""
    patient = get_visible_or_404(Patient.objects.select_related("site"), request.user, pk=pk)
    if gap not in gaps.BY_CODE:
        raise Http404
    now, do, by = timezone.now(), request.POST.get("do", ""), request.user
    try:
        if do == "again":
            gaps.ask_again(patient=patient, gap=gap, by=by, now=now)
        else:
            reason = request.POST.get("reason", "").replace("\x00", "")
            gaps.set_aside(patient=patient, gap=gap, applies=do != "never", reason=reason, by=by, now=now)
    except ValidationError as error:
        toast(request, " ".join(error.messages), tone="warning")
    else:
        toast(request, _("Saved"))
    return redirect("dashboard:patient_summary", pk=pk)
