"""Doorways for what follows an approval: renewal, revision, extension, a back-dated end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from referrals import services
from referrals.forms.denials import BackDatedForm, ContinueForm
from referrals.models import PriorAuthorization
from referrals.services.renewals import FOLLOWS


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def authorization_continue(request: HttpRequest, pk: UUID, certification: str) -> HttpResponse:
    """Ask for a renewal, a revision, an extension, or anew after a denial: a request of its own, linked to this one."""
    if certification not in FOLLOWS:
        raise Http404
    record = _visible(request, pk)
    form = ContinueForm(request.POST or None, authorization=record)
    title = PriorAuthorization.Certification(certification).label

    def save() -> UUID:
        made = services.continue_authorization(
            authorization_id=pk,
            certification=certification,
            reason=form.cleaned_data["reason"],
            units=form.units,
            by=request.user,
            now=timezone.now(),
        )
        toast(request, _("Request made. It is linked to the one before."))
        return made.pk

    return _answer(request, form, record, str(title), _("Make the request"), save)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def authorization_back_date(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An expired or used-up approval is in force again, because the payer back-dated an extension."""
    record = _visible(request, pk)
    form = BackDatedForm(request.POST or None)

    def save() -> UUID:
        services.approve_back_dated(
            authorization_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data
        )
        toast(request, _("In force again"))
        return pk

    return _answer(request, form, record, _("The payer back-dated an extension"), _("Record it"), save)


def _visible(request: HttpRequest, pk: UUID) -> PriorAuthorization:
    return get_visible_or_404(
        PriorAuthorization.objects.select_related("patient", "payer", "site"), request.user, pk=pk
    )


def _answer(
    request: HttpRequest,
    form: forms.Form,
    record: PriorAuthorization,
    title: str,
    button: str,
    save: Callable[[], UUID],
) -> HttpResponse:
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return redirect("referrals:authorization_detail", save())
            except ValidationError as refusal:
                show_refusal(form, refusal)
            except (Conflict, NotAllowed) as refusal:
                form.add_error(None, str(refusal))
                status = 409
    context: dict[str, Any] = {
        "form": form,
        "authorization": record,
        "patient": record.patient,
        "title": title,
        "button": button,
    }
    return page(
        request, "referrals/denial_form.html", context, part="referrals/_denial_form.html", status=status
    )
