"""A provider is away: say so, then move the visits, most urgent first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from coordinator.db import Conflict
from coordinator.fields import attempt
from coordinator.http import get_visible_or_404, page, requires
from coordinator.toasts import toast
from coordinator.workflow import NotAllowed
from scheduling.forms import read_slot
from scheduling.models import Block
from scheduling.permissions import can_take_back
from scheduling.selectors import choices
from scheduling.selectors.away import Row, blocks_of_people, touched_by, visits_of
from scheduling.services import away as services
from scheduling.waitlist_forms import AwayForm


@require_http_methods(["GET", "POST"])
@requires("visits.book")
def away_list(request: HttpRequest) -> HttpResponse:
    """Who is away, now and later, and a form for one more."""
    sites = choices.sites_of(request.user)
    if not sites:
        raise Http404
    sent = request.POST if request.method == "POST" else None
    form = AwayForm(sent, sites=sites, people=choices.people_at([site.pk for site in sites]))
    if request.method == "POST" and form.is_valid():
        block = attempt(form, lambda: _say_away(request, form.cleaned_data), on_top=(Conflict, NotAllowed))
        if block:
            return redirect("scheduling:away", block.pk)
    found = blocks_of_people(request.user, timezone.now())
    status = 422 if form.is_bound else 200
    return page(request, "scheduling/away_list.html", {"form": form, "found": found}, status=status)


def _say_away(request: HttpRequest, data: dict[str, Any]) -> Block:
    return services.mark_away(
        practitioner_id=UUID(data["practitioner"]),
        site_id=UUID(data["site"]),
        starts_at=data["starts_at"],
        ends_at=data["ends_at"],
        reason=data["reason"],
        by=request.user,
        now=timezone.now(),
    )


@require_http_methods(["GET", "POST"])
@requires("visits.book")
def away(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The visits of that time, most urgent first; POST moves the ticked ones, or just the one whose button it was."""
    block = _visible(request, pk)
    now = timezone.now()
    refused: dict[UUID, services.Moved] = {}
    done = 0
    if request.method == "POST":
        wanted, refused = _wanted(request)
        results = services.move_touched(block=block, wanted=wanted, by=request.user, now=now)
        refused |= {one.appointment_id: one for one in results if not one.done}
        done = sum(one.done for one in results)
        if done:
            toast(request, ngettext("%(n)d visit moved", "%(n)d visits moved", done) % {"n": done})
    with timezone.override(block.site.tzinfo):
        rows, more, hidden = touched_by(request.user, block, now)
        kept = _keep_typed(rows, refused, request)
        if done and not refused and not kept:
            return redirect("scheduling:away", pk)
        context = {"away": block, "rows": rows, "more": more, "hidden": hidden, "refused": len(refused)}
        context |= {"done": done, "may_take_back": can_take_back(request.user, block)}
        context |= {"is_empty_post": request.method == "POST" and not refused and not done}
        status = 200 if request.method == "GET" or done else 409
        return page(request, "scheduling/away.html", context, status=status)


def _visible(request: HttpRequest, pk: UUID) -> Block:
    source = Block.objects.filter(practitioner__isnull=False).select_related(
        "practitioner", "site", "created_by"
    )
    return get_visible_or_404(source, request.user, pk=pk)


def _wanted(request: HttpRequest) -> tuple[list[services.Wanted], dict[UUID, services.Moved]]:
    """What the form asks for, and what of it cannot be read."""
    only = request.POST.get("only")
    wanted: list[services.Wanted] = []
    refused: dict[UUID, services.Moved] = {}
    for typed in [only] if only else request.POST.getlist("ids"):
        try:
            key = UUID(typed)
        except ValueError:
            raise Http404 from None
        try:
            start, who = read_slot(request.POST.get(f"slot-{key}", ""))
        except ValueError:
            refused[key] = services.Moved(key, False, _("Choose a time from the list."))
        else:
            wanted.append(services.Wanted(key, start, who, _why(request, key)))
    return wanted, refused


def _why(request: HttpRequest, key: UUID) -> str:
    return request.POST.get(f"why-{key}", "").strip()[:250]


def _keep_typed(rows: list[Row], refused: dict[UUID, services.Moved], request: HttpRequest) -> bool:
    """What was refused stays on the list with why; what was ticked or chosen in other rows stays. Whether any did."""
    kept = False
    ticked = request.POST.getlist("ids")
    for row in rows:
        why_not = refused.get(row.visit.pk)
        row.refused = why_not.text if why_not else ""
        row.why = _why(request, row.visit.pk)
        row.asks = bool(row.why) or bool(why_not and why_not.needs_reason)
        row.ticked = str(row.visit.pk) in ticked
        value = request.POST.get(f"slot-{row.visit.pk}", row.chosen)
        other = value != row.chosen and any(choice.offer.value == value for choice in row.choices)
        row.chosen = value if other else row.chosen
        kept = kept or row.ticked or other or row.asks
    return kept


@require_POST
@requires("visits.book")
def away_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The provider is there after all."""
    block = _visible(request, pk)
    left = visits_of(block).visible_to(request.user).count()
    services.take_back_away(block_id=pk, by=request.user, now=timezone.now())
    words = ngettext(
        "Not away any more. %(n)d visit keeps its time.",
        "Not away any more. %(n)d visits keep their time.",
        left,
    )
    toast(request, words % {"n": left})
    return redirect("scheduling:away_list")
