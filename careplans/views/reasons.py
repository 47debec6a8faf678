"""The list of reasons for closing a task without doing it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from careplans import services
from careplans.models import CloseReason
from careplans.setup_forms import CloseReasonForm
from careplans.setup_selectors import close_reasons
from coordinator.fields import attempt
from coordinator.http import page, requires
from coordinator.toasts import toast

FIELDS = ("label", "label_es", "kinds", "needs_note")


@requires("settings.manage")
@require_GET
def reason_list(request: HttpRequest) -> HttpResponse:
    return page(request, "careplans/reason_list.html", {**close_reasons(), "tab": "reasons"})


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def reason_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A new reason, or another wording of one that is there."""
    reason = _reason(pk) if pk else None
    initial = {name: getattr(reason, name) for name in FIELDS} if reason else {}
    form = CloseReasonForm(request.POST or None, reason=reason, initial=initial)
    if (
        request.method == "POST"
        and form.is_valid()
        and attempt(form, lambda: _save(request, form, pk), conflict_at="label")
    ):
        toast(request, _("Saved: %(name)s") % {"name": form.cleaned_data["label"]})
        return redirect("careplans:reason_list")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "reason": reason, "tab": "reasons"}
    return page(request, "careplans/reason_form.html", context, status=status)


def _save(request: HttpRequest, form: CloseReasonForm, pk: UUID | None) -> CloseReason:
    return services.save_close_reason(reason_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)


@requires("settings.manage")
@require_POST
def reason_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Up, down, retire, restore."""
    reason, now = _reason(pk), timezone.now()
    same: dict[str, Any] = {"reason_id": reason.pk, "by": request.user, "now": now}
    if step in ("up", "down"):
        services.move_close_reason(up=step == "up", **same)
    elif step == "retire":
        services.retire_close_reason(**same)
        toast(request, _("Retired: %(name)s. Tasks closed for it keep it.") % {"name": reason})
    elif step == "restore":
        services.restore_close_reason(**same)
        toast(request, _("Offered again: %(name)s") % {"name": reason})
    else:
        raise Http404
    return redirect(f"{reverse('careplans:reason_list')}#r{reason.pk}")


def _reason(pk: UUID) -> CloseReason:
    """One reason. Every manager keeps the whole list. Raises Http404."""
    reason = CloseReason.objects.filter(pk=pk).first()
    if reason is None:
        raise Http404
    return reason
