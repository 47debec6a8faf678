"""Emergency access to a restricted record: asking for it, giving it back, and reviewing it afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.core import ratelimit
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit.access import mark, unmark
from coordinator.dashboard.access import close_tasks, tell_managers
from coordinator.dashboard.audit_reviews import page_of, review_of
from coordinator.fields import BirthDateField, show_refusal
from coordinator.http import get_visible_or_404, page, requires, too_many, whole_number
from coordinator.toasts import toast
from patients import services
from patients.models import AccessGrant, Patient
from patients.restricted import find_hidden


class BreakGlassForm(forms.Form):
    """Whom somebody means, and why they need the record now."""

    mrn = forms.CharField(
        label=lazy("MRN"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        label=lazy("Or the full name"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=lazy("Given and family name, as in the record."),
    )
    birth_date = BirthDateField(label=lazy("Date of birth"))
    reason = forms.CharField(
        label=lazy("Why do you need this record now?"),
        min_length=AccessGrant.LEAST_REASON,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Your manager reads it."),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("mrn", "").strip() and not data.get("name", "").strip():
            self.add_error("mrn", ValidationError(_("Enter the MRN or the full name.")))
        return data


@requires("patients.break_glass")
@require_http_methods(["GET", "POST"])
def break_glass(request: HttpRequest) -> HttpResponse:
    """The same words for a wrong guess as for a person who does not exist; ten tries in a quarter of an hour."""
    form = BreakGlassForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not ratelimit.consume(request, action="break_glass", user=request.user):
            return too_many(request)
        grant = _open(request, form)
        if grant is not None:
            toast(
                request, _("The record is open to you for 60 minutes. Your manager was told."), tone="warning"
            )
            return redirect("dashboard:patient_summary", pk=grant.patient_id)
    status = 422 if request.method == "POST" else 200
    return page(request, "dashboard/break_glass.html", {"form": form}, "dashboard/_break_glass.html", status)


@transaction.atomic
def _open(request: HttpRequest, form: BreakGlassForm) -> AccessGrant | None:
    user: Any = request.user
    data, now = form.cleaned_data, timezone.now()
    patient = find_hidden(user, mrn=data["mrn"], name=data["name"], born=data["birth_date"])
    if patient is None:
        services.record_wrong_guess(by=user)
        form.add_error(
            None, _("No restricted record fits that. Check each part, or look for the person again.")
        )
        return None
    try:
        grant = services.break_glass(patient_id=patient.pk, reason=data["reason"], by=user, now=now)
    except ValidationError as error:
        show_refusal(form, error)
        return None
    tell_managers(grant, now=now)
    mark(request, patient_id=grant.patient_id, grant_id=grant.pk, expires_at=grant.expires_at)
    return grant


@requires("patients.break_glass")
@require_POST
def access_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give back one's own access to this patient."""
    patient = get_visible_or_404(Patient, request.user, pk=pk)
    services.end_access(patient_id=patient.pk, by=request.user, now=timezone.now())
    unmark(request, patient.pk)
    toast(request, _("The access has ended"))
    return redirect("dashboard:patient_list")


# --- reviewing --------------------------------------------------------------------------------------------


class ReviewForm(forms.Form):
    verdict = forms.ChoiceField(
        label=lazy("Was this access appropriate?"),
        choices=AccessGrant.Verdict.choices,
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=lazy("Note"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=lazy("Needed when it was not appropriate: what follows?"),
    )


@requires("access.review")
@require_GET
def access_reviews(request: HttpRequest) -> HttpResponse:
    """The queue, oldest first; with `show=done` what was reviewed, latest first."""
    done, start = request.GET.get("show") == "done", whole_number(request.GET.get("from"))
    found = page_of(request.user, done=done, start=start)
    context = {"done": done, "now": timezone.now(), **found}
    return page(request, "dashboard/access_reviews.html", context)


@requires("access.review")
@require_http_methods(["GET", "POST"])
def access_review(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One access with all that was opened, and the verdict."""
    grant = get_visible_or_404(AccessGrant.objects.with_names(), request.user, pk=pk)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _review(request, grant, form):
        toast(request, _("Reviewed"))
        return redirect("dashboard:access_reviews")
    status = 422 if request.method == "POST" else 200
    context = {"review": review_of(request.user, grant), "form": form, "now": timezone.now()}
    return page(request, "dashboard/access_review.html", context, "dashboard/_access_review.html", status)


@transaction.atomic
def _review(request: HttpRequest, grant: AccessGrant, form: ReviewForm) -> bool:
    now = timezone.now()
    try:
        services.review_access(grant_id=grant.pk, by=request.user, now=now, **form.cleaned_data)
    except ValidationError as error:
        show_refusal(form, error)
        return False
    close_tasks(grant, now=now)
    return True
