"""Going on leave: who stands in, the handover sheet, back early, and what was done meanwhile."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.accounts import cover as services
from coordinator.accounts.models import Delegation, User
from coordinator.audit import services as audit
from coordinator.dashboard.handover import Item, Sheet, done_meanwhile, read_sheet
from coordinator.dashboard.leave_forms import LeaveForm, stand_ins
from coordinator.db import Conflict
from coordinator.fields import show_refusal
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from patients.models import Patient

SHOWN = 60  # past covers on the list


@requires("tasks.work")
@require_GET
def leave_list(request: HttpRequest) -> HttpResponse:
    """One's own leave, whom one covers for, and for leads everybody's at their sites."""
    now = timezone.now()
    seen = Delegation.objects.visible_to(request.user).select_related("person", "delegate")
    context = {
        "now": now,
        "ahead": seen.filter(ends_at__gt=now).order_by("starts_at"),
        "past": seen.filter(ends_at__lte=now).order_by("-ends_at")[:SHOWN],
    }
    return page(request, "dashboard/leave_list.html", context)


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def leave_new(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    form = LeaveForm(request.POST or None, user=request.user, person=person)
    if request.method == "POST" and form.is_valid():
        try:
            cover = services.plan_cover(
                person=person, by=request.user, now=timezone.now(), **form.cleaned_data
            )
        except ValidationError as error:
            show_refusal(form, error)
        except Conflict as error:
            form.add_error("from_day", str(error))
        else:
            toast(request, _("Cover arranged. Look through the handover sheet and print it if you like."))
            return redirect("dashboard:leave_sheet", pk=cover.pk)
    context = {
        "form": form,
        "person": person,
        "own": person.pk == request.user.pk,
        "others": _others(request),
    }
    status = 422 if request.method == "POST" else 200
    return page(request, "dashboard/leave_new.html", context, status=status)


def _person(request: HttpRequest) -> User:
    """Who is going away: oneself, or a colleague that a lead names."""
    key = whole_number(request.GET.get("person"))
    if not key or key == request.user.pk:
        return request.user  # type: ignore[return-value]
    person = get_visible_or_404(User.objects.assignable(), request.user, pk=key)
    if not services.can_arrange(request.user, person):  # type: ignore[arg-type]
        raise PermissionDenied(_("Only a lead or manager arranges cover for somebody else."))
    return person


def _others(request: HttpRequest) -> Any:
    """Colleagues that a lead may arrange cover for."""
    if not request.user.can("team.view"):
        return []
    found = User.objects.visible_to(request.user).assignable()  # type: ignore[arg-type]
    return found.exclude(pk=request.user.pk).distinct().order_by("name")


@requires("tasks.work")
@require_http_methods(["GET", "POST"])
def leave_sheet(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The handover sheet. POST gives rows to colleagues: `row-<key>` or `all-<patient>` names whom."""
    seen = Delegation.objects.select_related("person", "delegate", "ended_early_by")
    cover = get_visible_or_404(seen, request.user, pk=pk)
    now = timezone.now()
    sheet = read_sheet(cover, request.user, now)
    may_change = services.can_arrange(request.user, cover.person) and cover.ends_at > now
    people = list(stand_ins(request.user, cover.person)) if may_change else []
    problem = ""
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied(_("This cover can no longer be changed, or is not yours to change."))
        problem = _assign(request, cover, sheet, {str(one.pk): one for one in people}, now)
        if not problem:
            toast(request, _("Saved"))
            return redirect("dashboard:leave_sheet", pk=pk)
    else:
        audit.record(by=request.user, action="view", entity=services.ENTITY, entity_id=cover.pk)
    context = {
        "cover": cover,
        "sheet": sheet,
        "now": now,
        "people": people,
        "may_change": may_change,
        "problem": problem,
        "is_on": cover.is_on(now),
        "done": done_meanwhile(cover, request.user, now) if cover.starts_at <= now else [],
    }
    return page(request, "dashboard/leave_sheet.html", context, status=422 if problem else 200)


def _assign(request: HttpRequest, cover: Delegation, sheet: Sheet, people: dict[str, User], now: Any) -> str:
    """Save what the sheet says; the sentence why not, or "" when saved."""
    everything = request.POST.get("everything", "")
    if everything:
        if everything not in people:
            raise Http404
        try:
            services.change_delegate(
                delegation_id=cover.pk, delegate=people[everything], by=request.user, now=now
            )
        except ValidationError as error:
            return " ".join(error.messages)
        return ""
    parts: dict[UUID, User] = {}
    for bundle in sheet.bundles:
        whole = request.POST.get(f"all-{bundle.key}", "")
        for item in bundle.items:
            chosen = whole or request.POST.get(f"row-{item.key}", "")
            if not chosen or chosen == str(item.delegate_id):
                continue
            if chosen not in people:
                raise Http404
            parts[item.key] = people[chosen]
            if sentence := _cannot_see(item, people[chosen], cover):
                return sentence
    try:
        services.assign_parts(delegation_id=cover.pk, parts=parts, by=request.user, now=now)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _cannot_see(item: Item, delegate: User, cover: Delegation) -> str:
    """A sentence when this colleague would never find the row: another place, or a restricted record."""
    words = {"name": delegate.name, "what": item.what}
    if item.site_id not in delegate.site_ids:
        return _("%(name)s does not work where “%(what)s” belongs.") % words
    patient = item.patient
    hidden = patient is not None and patient.is_restricted and delegate.pk != cover.delegate_id
    if hidden and not Patient.objects.visible_to(delegate).filter(pk=item.patient_id).exists():
        return _("%(name)s may not see the restricted record that “%(what)s” is about.") % words
    return ""


@requires("tasks.work")
@require_POST
def leave_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Back early, or not going after all."""
    cover = get_visible_or_404(Delegation, request.user, pk=pk)
    services.end_cover(delegation_id=cover.pk, by=request.user, now=timezone.now())
    toast(request, _("The cover has ended. Everything is on the owner’s list alone again."))
    return redirect(reverse("dashboard:leave_sheet", args=[pk]))
