"""Doorways for the referral pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.audit import services as audit
from coordinator.clocks.selectors import why
from coordinator.db import Conflict
from coordinator.fields import show_conflict, show_refusal
from coordinator.filters import filters_of, store_filters
from coordinator.http import asking_first, get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.uploads import takes_files
from coordinator.workflow import NotAllowed
from patients.models import Problem
from referrals import services
from referrals.forms.referrals import AssignForm, FilterForm, ReferralChangeForm
from referrals.forms.steps import StepForm
from referrals.models import InboundDocument, Referral
from referrals.permissions import can_manage_referral, can_review
from referrals.rules import referrals as rules
from referrals.selectors.authorizations import listed_for_referral
from referrals.selectors.counts import open_referrals, specialties
from referrals.selectors.deliveries import delivery_context
from referrals.selectors.loop import loop_context
from referrals.selectors.referrals import PAGE_SIZE, STAGES, referral_list, stage_counts
from referrals.views.choosing import as_typed, offered_recipients, wants_ranking
from referrals.workflow import BEFORE_SENDING


@require_http_methods(["GET", "POST"])
@requires("referrals.view")
def referral_index(request: HttpRequest) -> HttpResponse:
    """The list of referrals: open loops first by date, with the stages as filters."""
    if request.method == "POST":
        return store_filters(request, "referrals")
    now = timezone.now()
    groups = open_referrals(request.user, now)
    names = specialties(groups)
    form = FilterForm(filters_of(request, "referrals"), user=request.user, specialties=names)
    filters = form.cleaned_data if form.is_valid() else {}
    rows = referral_list(request.user, filters, now).order_by("due_at", "id")
    start = whole_number(request.GET.get("after"))
    found = list(rows[start : start + PAGE_SIZE + 1])
    context = {
        "now": now,
        "form": form,
        "referrals": found[:PAGE_SIZE],
        "next_after": start + PAGE_SIZE if len(found) > PAGE_SIZE else None,
        "counts": stage_counts(groups),
        "stages": STAGES,
        "filtered": any(v for k, v in filters.items()),
        "sorts": request.user.can("referrals.edit"),
        "incoming": InboundDocument.objects.visible_to(request.user).waiting().count(),
    }
    return page(request, "referrals/referral_list.html", context, part="referrals/_referral_rows.html")


@require_GET
@requires("referrals.view")
def referral_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One referral: its facts, whose move it is, its steps and its history."""
    referral = _visible(request, pk)
    audit.viewed(request, referral.patient, what="referral")
    return page(request, "referrals/referral_detail.html", _detail_context(request, referral))


def _visible(request: HttpRequest, pk: UUID) -> Referral:
    related = (
        "patient",
        "site",
        "owner",
        "team",
        "requester",
        "recipient",
        "recipient_organization",
        "problem",
    )
    queryset = Referral.objects.select_related(*related, "clock__rule_version__rule", "clock__calendar")
    return get_visible_or_404(queryset, request.user, pk=pk)


def _detail_context(request: HttpRequest, referral: Referral, **extra: Any) -> dict[str, Any]:
    user = request.user
    following = rules.next_step(referral)
    steps = [_step(referral, name) for name in referral_steps(referral)]
    changes = list(referral.changes.select_related("by").order_by("-at", "-id"))
    return {
        "now": timezone.now(),
        "referral": referral,
        "problem": _problem_shown(user, referral),
        "patient": referral.patient,
        "following": following,
        "why": why(referral.clock) if referral.clock else [],
        "steps": steps if can_manage_referral(user, referral) else [],
        "can_manage": can_manage_referral(user, referral),
        "can_change": can_manage_referral(user, referral) and referral.status in BEFORE_SENDING,
        "can_review": can_review(user, referral),
        "changes": changes,
        **loop_context(user, referral, changes),
        **delivery_context(user, referral, timezone.now()),
        "authorizations": referral.authorizations.visible_to(user)
        .exclude(status="entered_in_error")
        .select_related("payer", "clock"),
        "listed": listed_for_referral(referral, timezone.now()),
        "assign_form": AssignForm(user=user, initial={"owner": referral.owner_id}),
        **extra,
    }


def _problem_shown(user: Any, referral: Referral) -> Problem | None:
    """The problem it is for, unless that is labelled and withheld from this person."""
    problem = referral.problem
    if problem is None or not problem.label:
        return problem
    return Problem.objects.visible_to(user).filter(pk=problem.pk).first()


def referral_steps(referral: Referral) -> list[str]:
    """Steps offered as buttons: the short cuts of rules.PATHS, then the table's."""
    direct = [s.name for s in Referral.workflow.steps_from(referral.status)]
    short = [step for status, step in rules.PATHS if status == referral.status and step not in direct]
    only_social = () if referral.category == Referral.Category.SOCIAL else ("record_help",)
    return [step for step in short + direct if step not in only_social]


@takes_files(lambda: settings.DOCUMENT_MAX_BYTES)
@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def referral_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Ask for what a step needs, then take it. A step that needs nothing is taken by its button's POST."""
    referral = _visible(request, pk)
    sent = request.POST if request.method == "POST" else None
    form = StepForm(sent, request.FILES or None, step=step, user=request.user, referral=referral)
    context = {"form": form, "referral": referral, "patient": referral.patient, "step": _step(referral, step)}
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                take_step(referral, step, form.cleaned_data, by=request.user, now=timezone.now())
                toast(request, _("Saved: %(step)s") % {"step": context["step"].label})
                return redirect("referrals:referral_detail", pk)
            except ValidationError as error:
                show_refusal(form, error)
            except (NotAllowed, Conflict) as error:
                form.add_error(None, str(error))
        status = 422
    return page(
        request, "referrals/referral_step.html", context, part="referrals/_step_form.html", status=status
    )


def take_step(referral: Referral, step: str, given: dict[str, Any], *, by: Any, now: Any) -> None:
    """The step; a report that came as a file is kept as a document first, both or neither."""
    file = given.pop("report_file", None)
    if file:
        given.pop("report", None)
        services.receive_report(referral_id=referral.pk, file=file, by=by, now=now, **given)
    else:
        services.advance_referral(referral_id=referral.pk, step=step, by=by, now=now, **given)


def _step(referral: Referral, name: str) -> Any:
    found = next((s for s in Referral.workflow.steps if s.name == name), None)
    if found is None or name not in referral_steps(referral):
        raise NotAllowed(
            _("This step is not possible now. Reload the page to see where the referral stands.")
        )
    return found


FACTS = {
    "review": services.record_review,
    "tell_patient": services.record_patient_told,
    "tell_requester": services.record_requester_told,
}


@require_POST
@requires("referrals.view")
def referral_fact(request: HttpRequest, pk: UUID, fact: str) -> HttpResponse:
    """Record one of the loop's closing facts: reviewed, patient told, requester told."""
    _visible(request, pk)
    FACTS[fact](referral_id=pk, by=request.user, now=timezone.now())
    toast(request, _("Recorded"))
    return redirect("referrals:referral_detail", pk)


@require_POST
@requires("referrals.edit")
def referral_assign(request: HttpRequest, pk: UUID) -> HttpResponse:
    referral = _visible(request, pk)
    form = AssignForm(request.POST, user=request.user)
    if not form.is_valid():
        context = _detail_context(request, referral, assign_form=form)
        return page(request, "referrals/referral_detail.html", context, status=422)
    services.assign_referral(
        referral_id=pk, owner=form.cleaned_data["owner"], by=request.user, now=timezone.now()
    )
    toast(request, _("Reassigned to %(name)s") % {"name": form.cleaned_data["owner"].name})
    return redirect("referrals:referral_detail", pk)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def referral_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what is asked, until it is sent. A stale save shows both versions."""
    referral = _visible(request, pk)
    if referral.status not in BEFORE_SENDING:
        raise NotAllowed(_("This referral was sent. What the recipient has is not changed here."))
    form = ReferralChangeForm(
        request.POST or None, instance=referral, user=request.user, patient=referral.patient
    )
    status = 422 if request.method == "POST" else 200
    if wants_ranking(request):
        form, status = as_typed(form), 200
    elif request.method == "POST" and form.is_valid():
        try:
            services.update_referral(referral_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data)
            toast(request, _("Saved"))
            return redirect("referrals:referral_detail", pk)
        except Conflict as error:
            show_conflict(form, error, Referral)
            status = 409
    context = {"form": form, "patient": referral.patient, "referral": referral}
    context |= offered_recipients(request, referral.patient, form, referral.refers_elsewhere)
    answer = page(
        request, "referrals/referral_edit.html", context, part="referrals/_referral_form.html", status=status
    )
    return asking_first(answer) if wants_ranking(request) else answer
