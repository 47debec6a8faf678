"""Care plans: the ones due for review first, one plan with its goals and actions, and every step they take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from careplans import services
from careplans.models import CarePlan, Goal, Intervention
from careplans.permissions import can_edit_plan
from careplans.plan_forms import GoalForm, InterventionForm, PlanForm, ReviewForm, StepForm
from careplans.selectors import plan_page, plans_by_review, soon
from coordinator.audit import services as audit
from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires, safe_next, whole_number
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from patients.models import Patient

PAGE = 50


@requires("plans.view")
@require_GET
def plan_list(request: HttpRequest) -> HttpResponse:
    """Active plans, overdue reviews first; 50 a page."""
    today = timezone.localdate()
    plans = plans_by_review(request.user, today)
    number = max(whole_number(request.GET.get("page")), 1)
    rows = list(plans[(number - 1) * PAGE : number * PAGE + 1])
    context = {
        "plans": rows[:PAGE],
        "next_page": number + 1 if len(rows) > PAGE else None,
        "today": today,
        "soon": soon(today),
    }
    return page(request, "careplans/plan_list.html", context, part="careplans/_plan_rows.html")


@requires("plans.view")
@require_GET
def plan_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    plan = get_visible_or_404(CarePlan.objects.select_related("patient__site", "author"), request.user, pk=pk)
    audit.viewed(request, plan.patient, what="care plan")
    context = plan_page(request.user, plan, timezone.now())
    return page(request, "careplans/plan_detail.html", context)


def _plan(request: HttpRequest, pk: UUID) -> CarePlan:
    plan = get_visible_or_404(CarePlan.objects.select_related("patient__site"), request.user, pk=pk)
    if not can_edit_plan(request.user, plan):
        raise Http404
    return plan


def _form_page(
    request: HttpRequest, form: forms.Form, plan_patient: Patient, title: str, back: str, status: int = 200
) -> HttpResponse:
    context = {"form": form, "patient": plan_patient, "title": title, "back": back}
    return page(request, "careplans/plan_form.html", context, part="careplans/_plan_form.html", status=status)


def _save(
    request: HttpRequest, form: forms.Form, save: Callable[[dict[str, Any], datetime], Any], **show: Any
) -> HttpResponse | Any:
    """What `save` returns, or the form again with what is wrong (422, 409 when somebody was first)."""
    if not form.is_valid():
        return _form_page(request, form, status=422, **show)
    try:
        return save(form.cleaned_data, timezone.now())
    except ValidationError as error:
        show_refusal(form, error)
        return _form_page(request, form, status=422, **show)
    except (Conflict, NotAllowed) as refusal:
        form.add_error(None, str(refusal))
        return _form_page(request, form, status=409, **show)


@requires("plans.edit")
@require_http_methods(["GET", "POST"])
def plan_new(request: HttpRequest) -> HttpResponse:
    """A draft for the patient named by key in the address."""
    patient = get_visible_or_404(Patient, request.user, pk=request.GET.get("patient"))
    show = {"plan_patient": patient, "title": _("New care plan"), "back": reverse("careplans:plan_list")}
    if request.method == "GET":
        return _form_page(request, PlanForm(patient=patient, user=request.user), **show)
    form = PlanForm(request.POST, patient=patient, user=request.user)
    plan = _save(
        request,
        form,
        lambda data, now: services.create_plan(patient=patient, by=request.user, now=now, **data),
        **show,
    )
    return plan if isinstance(plan, HttpResponse) else redirect("careplans:plan_detail", plan.pk)


@requires("plans.edit")
@require_http_methods(["GET", "POST"])
def plan_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    plan = _plan(request, pk)
    initial = PlanForm.initial_from(plan)
    back = reverse("careplans:plan_detail", args=[plan.pk])
    show = {"plan_patient": plan.patient, "title": _("Edit the care plan"), "back": back}
    if request.method == "GET":
        return _form_page(request, PlanForm(patient=plan.patient, user=request.user, initial=initial), **show)
    form = PlanForm(request.POST, patient=plan.patient, user=request.user, initial=initial)
    version = whole_number(request.POST.get("version"))
    saved = _save(
        request,
        form,
        lambda data, now: services.edit_plan(
            plan_id=plan.pk, version=version, by=request.user, now=now, **data
        ),
        **show,
    )
    return saved if isinstance(saved, HttpResponse) else redirect(back)


def _goal_new(plan: CarePlan, data: dict[str, Any], by: Any, now: datetime) -> Any:
    return services.add_goal(plan=plan, by=by, now=now, **data)


def _action_new(plan: CarePlan, data: dict[str, Any], by: Any, now: datetime) -> Any:
    return services.add_intervention(plan=plan, by=by, now=now, **data)


def _review(plan: CarePlan, data: dict[str, Any], by: Any, now: datetime) -> Any:
    return services.review_plan(plan_id=plan.pk, by=by, now=now, **data)


ADDITIONS: dict[str, tuple[type[Any], Callable[..., Any]]] = {
    "goal": (GoalForm, _goal_new),
    "action": (InterventionForm, _action_new),
    "review": (ReviewForm, _review),
}


def _addition_title(what: str) -> str:
    return {"goal": _("Add a goal"), "action": _("Add an action"), "review": _("Record a review")}[what]


@requires("plans.edit")
@require_http_methods(["GET", "POST"])
def plan_add(request: HttpRequest, pk: UUID, what: str) -> HttpResponse:
    """Add a goal or an action to a plan, or record its review."""
    if what not in ADDITIONS:
        raise Http404
    plan = _plan(request, pk)
    form_class, save = ADDITIONS[what]
    back = reverse("careplans:plan_detail", args=[plan.pk])
    show = {"plan_patient": plan.patient, "title": _addition_title(what), "back": back}
    if request.method == "GET":
        return _form_page(request, form_class(plan=plan, user=request.user), **show)
    form = form_class(request.POST, plan=plan, user=request.user)
    saved = _save(request, form, lambda data, now: save(plan, data, request.user, now), **show)
    return saved if isinstance(saved, HttpResponse) else redirect(back)


PLAN_STEPS: dict[str, Callable[..., Any]] = {
    "activate": services.activate_plan,
    "hold": services.hold_plan,
    "resume": services.resume_plan,
    "complete": services.complete_plan,
    "revoke": services.revoke_plan,
    "enter_in_error": services.enter_plan_in_error,
    "reinstate": services.reinstate_plan,
}


def _take_step(kind: str, record: Any, step: str, data: dict[str, Any], by: Any, now: datetime) -> Any:
    """One step of a plan, a goal or an action, through its service."""
    if kind == "plan":
        wants_reason = step in ("hold", "revoke", "complete", "enter_in_error", "reinstate")
        reason = {"reason": data.get("reason", "")} if wants_reason else {}
        return PLAN_STEPS[step](plan_id=record.pk, by=by, now=now, **reason)
    if kind == "goal":
        return services.step_goal(goal_id=record.pk, step=step, by=by, now=now, **data)
    return services.step_intervention(
        intervention_id=record.pk, step=step, by=by, now=now, reason=data.get("reason", "")
    )


RECORDS: dict[str, Any] = {"plan": CarePlan, "goal": Goal, "action": Intervention}


@requires("plans.edit")
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, kind: str, pk: UUID, name: str) -> HttpResponse:
    """A step of a plan, goal or action. GET asks what the step needs; a step that needs nothing is one POST."""
    if kind not in RECORDS:
        raise Http404
    record = get_visible_or_404(RECORDS[kind].objects.select_related("patient__site"), request.user, pk=pk)
    found = record.workflow.find(name, record.status)
    plan_id = record.pk if kind == "plan" else record.plan_id
    if plan_id is None or (kind == "plan" and name not in PLAN_STEPS):
        raise Http404
    if found is None:
        text = _("This is %(status)s, so that step is not possible now.")
        raise NotAllowed(text % {"status": str(record.get_status_display()).lower()})
    back = safe_next(request, reverse("careplans:plan_detail", args=[plan_id]))
    show = {"plan_patient": record.patient, "title": str(found.label), "back": back}
    if request.method == "GET":
        return _form_page(request, StepForm(step=found), **show)
    form = StepForm(request.POST, step=found)
    saved = _save(
        request,
        form,
        lambda data, now: _take_step(kind, record, name, data, request.user, now),
        **show,
    )
    if isinstance(saved, HttpResponse):
        return saved
    toast(request, _("Saved: %(what)s") % {"what": found.label})
    return redirect(back)
