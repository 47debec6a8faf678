"""The set points at which overdue tasks are escalated."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from careplans import services
from careplans.models import EscalationPoint
from careplans.setup_forms import EscalationPointForm
from careplans.setup_selectors import escalation_points
from coordinator.db import Conflict
from coordinator.fields import attempt
from coordinator.http import page, requires
from coordinator.toasts import toast

FIELDS = ("kind", "applies_to", "days", "effect")


@requires("settings.manage")
@require_GET
def escalation_list(request: HttpRequest) -> HttpResponse:
    return page(request, "careplans/escalation_list.html", {**escalation_points(), "tab": "escalation"})


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def escalation_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A new set point, or another setting of one that is there."""
    point = _point(pk) if pk else None
    initial = {name: getattr(point, name) for name in FIELDS} if point else {}
    form = EscalationPointForm(request.POST or None, initial=initial)
    if (
        request.method == "POST"
        and form.is_valid()
        and attempt(form, lambda: _save(request, form, pk), conflict_at="days")
    ):
        toast(request, _("Saved. It counts from tonight on."))
        return redirect("careplans:escalation_list")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "point": point, "tab": "escalation"}
    return page(request, "careplans/escalation_form.html", context, status=status)


def _save(request: HttpRequest, form: EscalationPointForm, pk: UUID | None) -> EscalationPoint:
    return services.save_escalation_point(
        point_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data
    )


@requires("settings.manage")
@require_POST
def escalation_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Retire, restore."""
    point, now = _point(pk), timezone.now()
    same: dict[str, Any] = {"point_id": point.pk, "by": request.user, "now": now}
    if step == "retire":
        services.retire_escalation_point(**same)
        toast(request, _("Retired: %(name)s. What was escalated stays as it is.") % {"name": point})
    elif step == "restore":
        try:
            services.restore_escalation_point(**same)
        except (ValidationError, Conflict) as refusal:
            toast(request, " ".join(getattr(refusal, "messages", [str(refusal)])), tone="warning")
        else:
            toast(request, _("In use again: %(name)s") % {"name": point})
    else:
        raise Http404
    return redirect(f"{reverse('careplans:escalation_list')}#p{point.pk}")


def _point(pk: UUID) -> EscalationPoint:
    """One set point. Every manager keeps the whole list. Raises Http404."""
    point = EscalationPoint.objects.filter(pk=pk).first()
    if point is None:
        raise Http404
    return point
