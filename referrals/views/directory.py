"""Doorways for the directory of practices and services."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.db import Conflict
from coordinator.fields import attempt, show_conflict
from coordinator.filters import filters_of, store_filters
from coordinator.http import get_visible_or_404, page, requires, whole_number
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from referrals.forms.directory import ClinicianForm, NetworkForm, PracticeFilterForm, PracticeForm
from referrals.models import InboundDocument, Practice, PracticeClinician, PracticeNetwork
from referrals.selectors import directory as selectors
from referrals.services import directory as services
from referrals.services.directory import FACTS


@require_http_methods(["GET", "POST"])
@requires("referrals.view")
def practice_list(request: HttpRequest) -> HttpResponse:
    """Practices and services by name, behind filters that have an address."""
    if request.method == "POST":
        return store_filters(request, "directory")
    today = timezone.localdate()
    form = PracticeFilterForm(filters_of(request, "directory"), user=request.user)
    form.is_valid()
    filters = form.cleaned_data
    start = whole_number(request.GET.get("after"))
    found = list(selectors.practices(request.user, filters, today)[start : start + selectors.PAGE_SIZE + 1])
    offered = Practice.objects.visible_to(request.user).offered()
    context = {
        "form": form,
        "practices": found[: selectors.PAGE_SIZE],
        "next_after": start + selectors.PAGE_SIZE if len(found) > selectors.PAGE_SIZE else None,
        "filtered": any(filters.values()) or bool(form.errors),
        "total": offered.count(),
        "due": offered.due_for_review(today).count(),
        "today": today,
        "may_import": request.user.can("settings.manage"),
        **_tabs(request),
    }
    return page(
        request,
        "referrals/directory/practice_list.html",
        context,
        part="referrals/directory/_practice_rows.html",
    )


def _tabs(request: HttpRequest) -> dict[str, Any]:
    """What the tabs above need."""
    return {
        "sorts": request.user.can("referrals.edit"),
        "incoming": InboundDocument.objects.visible_to(request.user).waiting().count(),
    }


@require_GET
@requires("referrals.view")
def practice_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One entry, and what we know from our own referrals."""
    practice = _visible(request, pk)
    now = timezone.now()
    today = timezone.localdate(now)
    context = {
        "practice": practice,
        "networks": practice.networks.all(),
        "clinicians": practice.clinicians.all(),
        "figures": selectors.own_figures(request.user, practice, now),
        "today": today,
        "is_due": practice.is_due_for_review(today),
        "may_keep": request.user.can("referrals.edit"),
    }
    return page(request, "referrals/directory/practice_detail.html", context)


def _visible(request: HttpRequest, pk: UUID) -> Practice:
    return get_visible_or_404(Practice.objects.select_related("reviewed_by"), request.user, pk=pk)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def practice_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A new entry, or other facts of one that is there. A stale save shows both versions."""
    practice = _visible(request, pk) if pk else None
    facts = {name: getattr(practice, name) for name in FACTS} if practice else {}
    form = PracticeForm(
        request.POST or None, initial=facts | ({"version": practice.version} if practice else {})
    )
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            if saved := attempt(form, lambda: _save(request, form, pk), on_top=()):
                toast(request, _("Saved: %(name)s") % {"name": saved})
                return redirect("referrals:practice_detail", saved.pk)
        except Conflict as error:
            if "fields" in error.extra:
                show_conflict(form, error, Practice)
            else:
                form.add_error(None, str(error))
            status = 409
    back = reverse("referrals:practice_detail", args=[pk]) if pk else reverse("referrals:practice_list")
    context = {"form": form, "practice": practice, "back": back}
    return page(request, "referrals/directory/practice_edit.html", context, status=status)


def _save(request: HttpRequest, form: PracticeForm, pk: UUID | None) -> Practice:
    facts = dict(form.cleaned_data)
    version = facts.pop("version")
    return services.save_practice(
        practice_id=pk,
        version=(version or 0) if pk else None,
        by=request.user,
        now=timezone.now(),
        **facts,
    )


@require_POST
@requires("referrals.edit")
def practice_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Checked today, retire, restore."""
    practice = _visible(request, pk)
    named: dict[str, Any] = {"practice_id": pk, "by": request.user, "now": timezone.now()}
    if step == "review":
        services.review_practice(**named)
        toast(request, _("Checked today: %(name)s") % {"name": practice})
    elif step == "retire":
        services.set_practice_retired(retired=True, **named)
        again = _("Retired: %(name)s. Referrals that name it stay as they are.")
        toast(
            request, again % {"name": practice}, undo=reverse("referrals:practice_step", args=[pk, "restore"])
        )
    elif step == "restore":
        services.set_practice_retired(retired=False, **named)
        toast(request, _("Offered again: %(name)s") % {"name": practice})
    else:
        raise Http404
    return redirect("referrals:practice_detail", pk)


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def network_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """In a payer's network or not, from when to when."""
    return _add(request, _visible(request, pk), NetworkForm, services.add_network, _("Network"))


@require_http_methods(["GET", "POST"])
@requires("referrals.edit")
def clinician_new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Somebody who sees patients there."""
    return _add(request, _visible(request, pk), ClinicianForm, services.add_clinician, _("Clinician"))


def _add(request: HttpRequest, practice: Practice, form_class: Any, service: Any, title: str) -> HttpResponse:
    form = form_class(request.POST or None)
    back = reverse("referrals:practice_detail", args=[practice.pk])
    if request.method == "POST" and form.is_valid():
        facts = {"practice_id": practice.pk, "by": request.user, "now": timezone.now(), **form.cleaned_data}
        if attempt(form, lambda: service(**facts), on_top=(NotAllowed, Conflict)):
            toast(request, _("Saved"))
            return redirect(back)
    context = {
        "form": form,
        "title": title,
        "about": practice.name,
        "button": _("Save"),
        "action": request.path,
        "back": back,
    }
    status = 422 if request.method == "POST" else 200
    return page(request, "referrals/money/form.html", context, "referrals/money/_form.html", status)


@require_POST
@requires("referrals.edit")
def network_step(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """End today, or remove a line that was a mistake."""
    row = _row(request, PracticeNetwork, pk)
    named: dict[str, Any] = {"network_id": pk, "by": request.user, "now": timezone.now()}
    if step == "end":
        services.end_network(**named)
        toast(request, _("Ended today: %(name)s") % {"name": row})
    elif step == "remove":
        services.remove_network(**named)
        toast(request, _("Removed: %(name)s") % {"name": row})
    else:
        raise Http404
    return redirect("referrals:practice_detail", row.practice_id)


@require_POST
@requires("referrals.edit")
def clinician_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    row = _row(request, PracticeClinician, pk)
    services.remove_clinician(clinician_id=pk, by=request.user, now=timezone.now())
    toast(request, _("Removed: %(name)s") % {"name": row})
    return redirect("referrals:practice_detail", row.practice_id)


def _row(request: HttpRequest, model: type[Model], pk: UUID) -> Any:
    """A line that hangs on an entry this person may see. Raises Http404."""
    mine = Practice.objects.visible_to(request.user)
    row = model._default_manager.filter(pk=pk, practice__in=mine).first()
    if row is None:
        raise Http404
    return row
