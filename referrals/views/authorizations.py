"""Doorways for the prior-authorization pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.fields import attempt, show_conflict, show_refusal
from coordinator.filters import filters_of, store_filters
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from patients.models import Patient
from referrals import services
from referrals.duplicates import found
from referrals.forms.authorizations import CHANNELS, AuthorizationForm, FilterForm, HeaderChangeForm
from referrals.forms.referrals import AssignForm
from referrals.models import PriorAuthorization, Referral
from referrals.permissions import can_manage_referral
from referrals.rules import authorizations as rules
from referrals.selectors.authorizations import (
    SILENCE_CAN_BE_APPEALED,
    STAGES,
    authorization_counts,
    is_payer_overdue,
    papers_of,
    standing_answer,
    why_this_date,
)
from referrals.selectors.authorizations import authorization_list as rows_of
from referrals.selectors.referrals import PAGE_SIZE
from referrals.services.requirements import asked_of
from referrals.views.guarding import choose_patient, use_existing
from referrals.views.guarding import named as in_question
from referrals.workflow import IN_FORCE, WITH_PAYER


@require_http_methods(["GET", "POST"])
@requires("referrals.view")
def authorization_list(request: HttpRequest) -> HttpResponse:
    """Every open request, soonest date first, with the stages as filters."""
    if request.method == "POST":
        return store_filters(request, "authorizations")
    now = timezone.now()
    form = FilterForm(filters_of(request, "authorizations"), user=request.user)
    filters = form.cleaned_data if form.is_valid() else {}
    rows = rows_of(request.user, filters, now).order_by("due_at", "id")
    start = whole_number(request.GET.get("after"))
    found = list(rows[start : start + PAGE_SIZE + 1])
    context = {
        "now": now,
        "form": form,
        "authorizations": found[:PAGE_SIZE],
        "next_after": start + PAGE_SIZE if len(found) > PAGE_SIZE else None,
        "counts": authorization_counts(request.user, now),
        "stages": STAGES,
        "filtered": any(v for v in filters.values()),
        "sorts": request.user.can("referrals.edit"),
    }
    part = "referrals/_authorization_rows.html"
    return page(request, "referrals/authorization_list.html", context, part=part)


@require_GET
@requires("referrals.view")
def authorization_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One request: where it stands, whose move it is, its lines, papers, calls and history."""
    record = visible(request, pk)
    audit.viewed(request, record.patient, what="authorization")
    return page(request, "referrals/authorization_detail.html", detail_context(request, record))


def visible(request: HttpRequest, pk: UUID) -> PriorAuthorization:
    """The request, if this person may know it; 404 otherwise, also for one entered in error."""
    related = (
        "patient",
        "site",
        "owner",
        "team",
        "payer",
        "coverage",
        "referral",
        "clock__rule_version__rule",
        "clock__calendar",
    )
    queryset = PriorAuthorization.objects.exclude(status="entered_in_error").select_related(*related)
    return get_visible_or_404(queryset, request.user, pk=pk)


def detail_context(request: HttpRequest, record: PriorAuthorization, **extra: Any) -> dict[str, Any]:
    from referrals.views.authorization_acts import ACTS, acts_of

    user, now = request.user, timezone.now()
    can_manage = can_manage_referral(user, record)
    referrals = Referral.objects.visible_to(user).filter(pk=record.referral_id)
    return {
        "now": now,
        "authorization": record,
        "patient": record.patient,
        "following": rules.next_step(record),
        "why": why_this_date(record),
        "lines": record.lines.prefetch_related("earlier"),
        "papers": papers_of(user, record),
        "checks": record.requirement_checks.select_related("created_by"),
        "standing": standing_answer(record, now),
        "calls": record.calls.select_related("created_by"),
        "changes": record.changes.select_related("by").order_by("-at", "-id"),
        "referral": referrals.first() if record.referral_id else None,
        "payer_overdue": is_payer_overdue(record, now),
        "silence_appeals": record.payer.payer_type in SILENCE_CAN_BE_APPEALED,
        "acts": acts_of(record) if can_manage else [],
        "channel_words": dict(CHANNELS).get(record.channel, ""),
        "can_manage": can_manage,
        "may_check": can_manage and record.status in ACTS["requirement"].at,
        "may_attach": can_manage and record.status not in rules.ENDED and user.can("patients.edit"),
        "can_change": can_manage and record.status not in rules.DECIDED,
        "with_payer": record.status in WITH_PAYER,
        "in_force": record.status in IN_FORCE,
        "assign_form": AssignForm(user=user, initial={"owner": record.owner_id}),
        **extra,
    }


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def authorization_new(request: HttpRequest) -> HttpResponse:
    """A request for one patient, written from the patient or from a referral."""
    referral = _named_referral(request)
    named = request.POST.get("patient") or request.GET.get("patient") or (referral and referral.patient_id)
    if not named:
        return choose_patient(request)
    patient = get_visible_or_404(
        Patient.objects.select_related("site", "coordinator"), request.user, pk=named
    )
    if request.POST.get("use"):
        existing = in_question(request, PriorAuthorization, patient, "use")
        return use_existing(request, patient, "authorization", existing, "referrals:authorization_detail")
    form = AuthorizationForm(request.POST or None, user=request.user, patient=patient, referral=referral)
    context: dict[str, Any] = {"form": form, "patient": patient, "similar": []}
    if request.method == "POST" and form.is_valid() and (record := _create(request, form, context)):
        toast(request, _("Request written: %(service)s") % {"service": record.service})
        return redirect("referrals:authorization_detail", record.pk)
    part = "referrals/_authorization_form.html"
    status = 200 if request.method == "GET" else 409 if context["similar"] else 422
    return page(request, "referrals/authorization_new.html", context, part=part, status=status)


def _named_referral(request: HttpRequest) -> Referral | None:
    key = request.GET.get("referral")
    return get_visible_or_404(Referral, request.user, pk=key) if key else None


def _create(
    request: HttpRequest, form: AuthorizationForm, context: dict[str, Any]
) -> PriorAuthorization | None:
    """The new request with its first line; None with what to show: the similar ones, or the refusal on the form."""
    patient, line, now = context["patient"], form.line(), timezone.now()
    replaces = in_question(request, PriorAuthorization, patient, "replace")
    facts = {"patient": patient, "line": line, "replaces": replaces, "by": request.user, "now": now}
    try:
        return attempt(
            form, lambda: services.request_authorization(**facts, **form.header()), on_top=(NotAllowed,)
        )
    except Conflict:
        key = {"payer": form.cleaned_data["payer"], **asked_of(line)}
        context["similar"] = found("authorization", patient=patient, by=request.user, now=now, **key)
    return None


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def authorization_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what is asked, until the payer has decided. A stale save shows both versions."""
    record = visible(request, pk)
    if record.status in rules.DECIDED:
        raise NotAllowed(_("After a decision, make a new request or an appeal."))
    form = HeaderChangeForm(request.POST or None, user=request.user, authorization=record)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            services.correct_request(
                authorization_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            toast(request, _("Saved"))
            return redirect("referrals:authorization_detail", pk)
        except Conflict as error:
            show_conflict(form, error, PriorAuthorization)
            status = 409
        except ValidationError as error:
            show_refusal(form, error)
        except NotAllowed as error:
            form.add_error(None, str(error))
    context = {"form": form, "patient": record.patient, "authorization": record}
    part = "referrals/_authorization_form.html"
    return page(request, "referrals/authorization_edit.html", context, part=part, status=status)


@require_POST
@requires("referrals.edit")
def authorization_assign(request: HttpRequest, pk: UUID) -> HttpResponse:
    record = visible(request, pk)
    form = AssignForm(request.POST, user=request.user)
    if not form.is_valid():
        context = detail_context(request, record, assign_form=form)
        return page(request, "referrals/authorization_detail.html", context, status=422)
    owner = form.cleaned_data["owner"]
    services.assign_authorization(authorization_id=pk, owner=owner, by=request.user, now=timezone.now())
    toast(request, _("Reassigned to %(name)s") % {"name": owner.name})
    return redirect("referrals:authorization_detail", pk)
