"""Taking back a contact that was logged wrongly."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from careplans import services
from careplans.models import ContactAttempt
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires, safe_next
from coordinator.toasts import toast
from patients.forms.entries import ReasonForm


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def contact_in_error(request: HttpRequest, pk: UUID) -> HttpResponse:
    rows = ContactAttempt.objects.select_related("patient", "task")
    attempt = get_visible_or_404(rows, request.user, pk=pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    back = safe_next(request, reverse("dashboard:patient_timeline", args=[attempt.patient_id]))
    if request.method == "POST" and form.is_valid():
        try:
            services.enter_contact_in_error(
                attempt_id=attempt.pk, reason=form.cleaned_data["reason"], by=request.user, now=timezone.now()
            )
        except ValidationError as error:
            show_refusal(form, error)
        else:
            toast(request, _("The contact was taken back and no longer counts"))
            return redirect(back)
    context = {"patient": attempt.patient, "attempt": attempt, "form": form, "back": back}
    status = 422 if request.method == "POST" else 200
    return page(
        request, "careplans/contact_in_error.html", context, "careplans/_contact_in_error.html", status
    )
