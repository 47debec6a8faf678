"""The run board: did the night run, what became of every reminder, what goes tonight; run it now, stop it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from coordinator.accounts.models import Site
from coordinator.dashboard import run_figures, run_messages, run_services, silent
from coordinator.http import get_visible_or_404, page, requires
from coordinator.messaging.models import SkipReason
from coordinator.toasts import toast
from scheduling.rules.local_time import local_day

STATE_LABELS = {
    "planned": gettext_lazy("Planned"),
    "waiting": gettext_lazy("Waiting"),
    "sent": gettext_lazy("Sent"),
    "delivered": gettext_lazy("Delivered"),
    "skipped": gettext_lazy("Skipped"),
    "failed": gettext_lazy("Failed"),
    "unknown": gettext_lazy("Unknown"),
    "late": gettext_lazy("Late"),
    "withdrawn": gettext_lazy("Withdrawn"),
}


@requires("jobs.view")
@require_GET
def run_board(request: HttpRequest) -> HttpResponse:
    """The last nights of each site, newest first, with what is wrong."""
    now = timezone.now()
    days = 30 if request.GET.get("days") == "30" else 7
    sites = list(Site.objects.visible_to(request.user).active())
    boards = run_figures.board(sites, now, days)
    context = {
        "boards": boards,
        "days": days,
        "now": now,
        "busy": any(board.busy for board in boards),
        "may_run": request.user.can("jobs.run"),
        "may_switch": request.user.can("settings.manage"),
    }
    return page(request, "dashboard/runs.html", context, part="dashboard/_runs.html")


class MessageFilters(forms.Form):
    """Which of a day's messages."""

    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("All")), *STATE_LABELS.items()],
    )
    reason = forms.ChoiceField(
        label=gettext_lazy("Skipped because"),
        required=False,
        choices=[("", gettext_lazy("Any reason")), *SkipReason.choices],
    )


@requires("jobs.view")
@require_GET
def run_message_list(request: HttpRequest, pk: UUID, on: str) -> HttpResponse:
    """The messages behind a number. Only who may see patients sees whose they are and what they say."""
    site, day, now = get_visible_or_404(Site, request.user, pk=pk), _day(on), timezone.now()
    filters = MessageFilters(request.GET)
    chosen = filters.cleaned_data if filters.is_valid() else {}
    found = run_messages.page_of(
        site, day, now, user=request.user, after=request.GET.get("after", ""), **_narrowed(chosen)
    )
    context = {
        "site": site,
        "on": day,
        "now": now,
        "filters": filters,
        "found": found,
        "clear_url": request.path,
        "narrowed": any(chosen.values()),
        "next_url": _next_url(request, found.next_after),
    }
    return page(request, "dashboard/run_messages.html", context, part="dashboard/_run_more.html")


def _narrowed(chosen: dict[str, str]) -> dict[str, str]:
    return {"state": chosen.get("state", ""), "reason": chosen.get("reason", "")}


def _next_url(request: HttpRequest, after: str) -> str:
    if not after:
        return ""
    query = request.GET.copy()
    query["after"] = after
    return f"{request.path}?{query.urlencode()}"


def _day(text: str) -> date:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise Http404
    return day


@requires("jobs.view")
@require_GET
def run_silent(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is open without an owner, a next step or a date just now. Who may not see a record gets it counted."""
    site, now = get_visible_or_404(Site, request.user, pk=pk), timezone.now()
    named, total = silent.silent_list(request.user, site, now)
    context = {"site": site, "now": now, "rows": named, "total": total, "unnamed": total - len(named)}
    return page(request, "dashboard/run_silent.html", context)


@requires("jobs.run")
@require_GET
def run_forecast(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the coming night will do, by the very function that does it. Writes nothing."""
    site, now = get_visible_or_404(Site, request.user, pk=pk), timezone.now()
    context = run_messages.forecast_of(site, now, user=request.user)
    return page(request, "dashboard/run_forecast.html", context | {"site": site, "now": now})


@requires("jobs.run")
@require_POST
def run_now(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask a worker to run tonight again."""
    site, now = get_visible_or_404(Site, request.user, pk=pk), timezone.now()
    run_services.ask_for_run(site=site, on=local_day(now, site.zone), by=request.user, now=now)
    toast(request, _("A worker will run tonight again for %(site)s.") % {"site": site})
    return redirect("dashboard:run_board")


@requires("settings.manage")
@require_POST
def reminders_switch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop or start a site's reminders."""
    site, now = get_visible_or_404(Site, request.user, pk=pk), timezone.now()
    on = request.POST.get("on") == "1"
    run_services.switch_site(site=site, on=on, by=request.user, now=now)
    words = _("Reminders started at %(site)s.") if on else _("Reminders stopped at %(site)s.")
    undo = reverse("dashboard:reminders_undo", args=[site.pk, "stop" if on else "start"])
    toast(request, words % {"site": site}, undo=undo, back=reverse("dashboard:run_board"))
    return redirect("dashboard:run_board")


@requires("settings.manage")
@require_POST
def reminders_undo(request: HttpRequest, pk: UUID, step: str) -> HttpResponse:
    """Take the last switch back."""
    site = get_visible_or_404(Site, request.user, pk=pk)
    run_services.switch_site(site=site, on=step == "start", by=request.user, now=timezone.now())
    toast(request, _("Taken back."))
    return redirect("dashboard:run_board")
