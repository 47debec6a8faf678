"""The page of how long before a visit reminders go."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from coordinator.http import page, requires
from coordinator.toasts import toast
from scheduling.reminder_forms import ReminderDaysForm
from scheduling.selectors.reminder_facts import reminder_days
from scheduling.services.reminder_settings import save_reminder_days


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def reminder_settings(request: HttpRequest) -> HttpResponse:
    """Days before a visit, for all visit types and for single ones."""
    default, own, services = reminder_days()
    form = ReminderDaysForm(
        request.POST or None, services=services, initial={"days": ", ".join(map(str, default))}
    )
    status = 200
    if request.method == "POST":
        if form.is_valid() and _save(request, form):
            toast(request, _("Reminders saved. What is planned already stays as it is."))
            return redirect("scheduling:reminder_settings")
        status = 422
    context = {"default": default, "own": own, "form": form, "tab": "reminders"}
    template, part = "scheduling/reminder_settings.html", "scheduling/_reminder_settings.html"
    return page(request, template, context, part=part, status=status)


def _save(request: HttpRequest, form: ReminderDaysForm) -> bool:
    service = form.cleaned_data["service"]
    try:
        save_reminder_days(
            service_id=UUID(service) if service else None,
            days=form.cleaned_data["days"],
            by=request.user,
            now=timezone.now(),
        )
    except ValidationError as error:
        form.add_error("days", error)
        return False
    return True


@requires("settings.manage")
@require_POST
def reminder_settings_reset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """This visit type has no days of its own any more."""
    save_reminder_days(service_id=pk, days=None, by=request.user, now=timezone.now())
    toast(request, _("This visit type now has the days of all others."))
    return redirect("scheduling:reminder_settings")
