"""Doorways of what happens around a referral: telling the patient, attempts, messages, entries in error."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from patients.forms.entries import ReasonForm
from referrals import services
from referrals.forms.loop import AttemptForm, MessageForm, ToldForm
from referrals.models import Referral, ReferralAttempt, ReferralMessage
from referrals.selectors.loop import attempts_box

ENTRIES: dict[str, Any] = {"attempt": ReferralAttempt, "message": ReferralMessage}


def _visible(request: HttpRequest, pk: UUID) -> Referral:
    rows = Referral.objects.select_related("patient__site", "site")
    return get_visible_or_404(rows, request.user, pk=pk)


def _ask(request: HttpRequest, referral: Referral, form: Any, title: str, status: int, **more: Any) -> Any:
    context = {"referral": referral, "patient": referral.patient, "form": form, "title": title, **more}
    return page(request, "referrals/loop_form.html", context, part="referrals/_loop_form.html", status=status)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def referral_told(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How the patient heard the outcome: the contact is logged and stands as the evidence."""
    referral = _visible(request, pk)
    form = ToldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.record_patient_told(
                referral_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            toast(request, _("Recorded"))
            return redirect("referrals:referral_detail", pk)
        except ValidationError as error:
            show_refusal(form, error)
        except NotAllowed as error:
            form.add_error(None, str(error))
    return _ask(request, referral, form, _("Patient told"), 422 if request.method == "POST" else 200)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def referral_attempt(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One attempt to reach somebody; beside it stands what is still missing."""
    referral = _visible(request, pk)
    now = timezone.now()
    form = AttemptForm(request.POST or None, initial={"whom": request.GET.get("whom", "patient")})
    if request.method == "POST" and form.is_valid():
        try:
            services.log_attempt(referral_id=pk, by=request.user, now=now, **form.cleaned_data)
            toast(request, _("Attempt kept"))
            return redirect("referrals:referral_detail", pk)
        except ValidationError as error:
            show_refusal(form, error)
    status = 422 if request.method == "POST" else 200
    return _ask(request, referral, form, _("Log an attempt"), status, ledger=attempts_box(referral))


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def referral_message(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One message of the conversation with the recipient."""
    referral = _visible(request, pk)
    form = MessageForm(request.POST or None, user=request.user, referral=referral)  # type: ignore[arg-type]
    if request.method == "POST" and form.is_valid():
        try:
            services.add_message(referral_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)
            toast(request, _("Message kept"))
            return redirect("referrals:referral_detail", pk)
        except ValidationError as error:
            show_refusal(form, error)
    return _ask(request, referral, form, _("Add a message"), 422 if request.method == "POST" else 200)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def entry_in_error(request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    """Take back an attempt or a message that was wrong."""
    model = ENTRIES[kind]
    entry = get_visible_or_404(model.objects.select_related("referral__patient"), request.user, pk=pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.enter_entry_in_error(
                model=model,
                entry_id=pk,
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=timezone.now(),
            )
            toast(request, _("It was taken back and no longer counts"))
            return redirect("referrals:referral_detail", entry.referral_id)
        except (ValidationError, Conflict) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
    status = 422 if request.method == "POST" else 200
    return _ask(request, entry.referral, form, _("Enter in error"), status, entry=entry)
