"""Setting up: visit types, weekly hours, blocks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.fields import attempt
from coordinator.http import page, requires
from coordinator.toasts import toast
from scheduling import services
from scheduling.forms import WEEKDAYS, BlockForm, HoursForm, ServiceForm
from scheduling.selectors import setup as reads
from scheduling.selectors.choices import people_at
from scheduling.services.availability import SERVICE_FIELDS


@require_GET
@requires("settings.manage")
def service_list(request: HttpRequest) -> HttpResponse:
    """Visit types and how long they take."""
    context = {"services": reads.all_services(), "tab": "services"}
    return page(request, "scheduling/setup_services.html", context)


@require_http_methods(["GET", "POST"])
@requires("settings.manage")
def service_edit(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """A new visit type, or one that is there."""
    service = reads.service(pk) if pk else None
    if pk and service is None:
        raise Http404
    start = {"minutes": 30, "no_show_grace_minutes": 15, "is_active": True}
    initial = {name: getattr(service, name) for name in SERVICE_FIELDS} if service else start
    form = ServiceForm(request.POST or None, initial=initial)
    status = 200
    if request.method == "POST":
        saved = form.is_valid() and attempt(
            form,
            lambda: services.save_service(
                service_id=pk, by=request.user, now=timezone.now(), **form.cleaned_data
            ),
        )
        if saved:
            toast(request, _("Visit type saved"))
            return redirect("scheduling:service_list")
        status = 422
    context = {"form": form, "service": service, "tab": "services"}
    return page(request, "scheduling/setup_service.html", context, status=status)


@require_http_methods(["GET", "POST"])
@requires("settings.manage")
def hours(request: HttpRequest) -> HttpResponse:
    """Weekly hours by person, and a form for more."""
    sites = reads.sites_to_set_up(request.user)
    people = people_at([site.pk for site in sites])
    form = HoursForm(request.POST or None, sites=sites, people=people)
    status = 200
    if request.method == "POST":
        if form.is_valid() and attempt(form, lambda: _save_hours(request, form.cleaned_data)):
            toast(request, _("Weekly hours saved"))
            return redirect("scheduling:hours")
        status = 422
    found = reads.hours_by_person(sites, timezone.localdate())
    context = {"form": form, "found": found, "weekdays": dict(WEEKDAYS), "tab": "hours"}
    return page(request, "scheduling/setup_hours.html", context, status=status)


def _save_hours(request: HttpRequest, data: dict[str, Any]) -> Any:
    return services.save_hours(
        practitioner_id=UUID(data["practitioner"]),
        site_id=UUID(data["site"]),
        weekdays=[int(day) for day in data["weekdays"]],
        starts=data["starts"],
        ends=data["ends"],
        valid_from=data["valid_from"],
        valid_to=data["valid_to"],
        by=request.user,
        now=timezone.now(),
    )


@require_POST
@requires("settings.manage")
def hours_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """No more visits in these hours after today."""
    if reads.hours_row(reads.sites_to_set_up(request.user), pk) is None:
        raise Http404
    services.end_hours(hours_id=pk, last_day=timezone.localdate(), by=request.user, now=timezone.now())
    toast(request, _("These hours end today. Visits booked in them stay booked."))
    return redirect("scheduling:hours")


@require_http_methods(["GET", "POST"])
@requires("settings.manage")
def blocks(request: HttpRequest) -> HttpResponse:
    """Leave, meetings and closed days ahead, and a form for more."""
    sites = reads.sites_to_set_up(request.user)
    form = BlockForm(request.POST or None, sites=sites, people=people_at([site.pk for site in sites]))
    status = 200
    if request.method == "POST":
        if form.is_valid() and attempt(form, lambda: _add_block(request, form.cleaned_data)):
            return redirect("scheduling:blocks")
        status = 422
    found = reads.blocks_ahead(sites, timezone.now())
    return page(
        request,
        "scheduling/setup_blocks.html",
        {"form": form, "found": found, "tab": "blocks"},
        status=status,
    )


def _add_block(request: HttpRequest, data: dict[str, Any]) -> Any:
    block, inside = services.add_block(
        site_id=UUID(data["site"]),
        practitioner_id=UUID(data["practitioner"]) if data["practitioner"] else None,
        starts_at=data["starts_at"],
        ends_at=data["ends_at"],
        reason=data["reason"],
        by=request.user,
        now=timezone.now(),
    )
    words = ngettext(
        "Time blocked. %(n)d visit is booked in it and needs a new time.",
        "Time blocked. %(n)d visits are booked in it and need a new time.",
        inside,
    )
    toast(
        request,
        words % {"n": inside} if inside else _("Time blocked"),
        tone="warning" if inside else "success",
    )
    return block


@require_POST
@requires("settings.manage")
def block_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    if reads.block(reads.sites_to_set_up(request.user), pk) is None:
        raise Http404
    services.remove_block(block_id=pk, by=request.user, now=timezone.now())
    toast(request, _("Block removed"))
    return redirect("scheduling:blocks")
