"""Doorways of the payer report card: the table, one payer's card, published figures by hand and from CSV."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coordinator.dashboard.figure_facts import CARD
from coordinator.dashboard.figure_sets import FEW, Ask, read_table
from coordinator.dashboard.figure_views import kinds_of_requests
from coordinator.dashboard.report_card import payers_with_published, read_card
from coordinator.dashboard.report_card_forms import FileForm, PublishedForm
from coordinator.fields import attempt
from coordinator.http import page, requires, whole_number
from coordinator.toasts import toast
from referrals.models import Payer, PublishedMetric
from referrals.models.report_card import FIRST_YEAR
from referrals.report_card_file import COLUMNS, read
from referrals.services.report_card import Published, save_published, take_back_published

YEARS = 3


def _year(request: HttpRequest) -> tuple[int, list[int]]:
    this_year = timezone.localdate().year
    years = [this_year - n for n in range(YEARS)]
    year = whole_number(request.GET.get("year"), this_year)
    return (year if year in years else this_year), years


def _ask(request: HttpRequest, year: int) -> Ask:
    """Site and kind as the address says, in that year."""
    return replace(Ask.read(request.GET, default_by="payer", groupings=CARD.groupings), year=year)


def _frame(request: HttpRequest) -> dict[str, Any]:
    """Which tab is on screen, and what this person may do beside it."""
    user: Any = request.user
    return {"part": "payers", "may_set_up": user.can("settings.manage"), "may_see": user.can("team.view")}


@requires("team.view")
@require_GET
def report_card(request: HttpRequest) -> HttpResponse:
    """Every payer of one year: what it decided, how fast, and whose published figures are entered."""
    now = timezone.now()
    year, years = _year(request)
    ask = replace(_ask(request, year), by="payer", payer="")
    table = read_table(request.user, CARD, ask, now=now)  # type: ignore[arg-type]
    entered = payers_with_published(year)
    payers = [
        (payer, entered.get(payer.pk, 0)) for payer in Payer.objects.filter(is_active=True).order_by("name")
    ]
    context = {"now": now, "table": table, "year": year, "years": years, "few": FEW, "payers": payers}
    context |= {"ask": ask, "kinds": kinds_of_requests()}
    return page(request, "dashboard/report_card.html", context | _frame(request))


@requires("team.view")
@require_GET
def report_card_payer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One payer's published figures beside ours, and ours by service."""
    now = timezone.now()
    year, years = _year(request)
    card = read_card(request.user, _payer(pk), year, request.GET.get("line", ""), now=now)  # type: ignore[arg-type]
    ask = replace(_ask(request, year), by="service", payer=str(pk))
    table = read_table(request.user, CARD, ask, now=now)  # type: ignore[arg-type]
    context = {"card": card, "years": years, "table": table, "few": FEW}
    context |= {"ask": ask, "kinds": kinds_of_requests()}
    return page(request, "dashboard/report_card_payer.html", context | _frame(request))


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def published_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Enter or replace what a payer published for a year and line of business."""
    payer = _payer(pk)
    year, _years = _year(request)
    form = PublishedForm(request.POST or None, initial=_initial(payer, year, request.GET.get("line", "")))
    if request.method == "POST" and form.is_valid() and attempt(form, lambda: _save(request, payer, form)):
        toast(request, _("Saved: %(name)s") % {"name": payer})
        return redirect(
            _after(request, payer, form.cleaned_data["year"], form.cleaned_data["line_of_business"])
        )
    context = {"form": form, "payer": payer} | _frame(request)
    status = 422 if request.method == "POST" else 200
    return page(request, "dashboard/published_form.html", context, status=status)


def _initial(payer: Payer, year: int, line: str) -> dict[str, Any]:
    line = line if line in Payer.Type.values else payer.payer_type
    rows = list(PublishedMetric.objects.filter(payer=payer, year=year, line_of_business=line))
    first: dict[str, Any] = {row.metric: row.value for row in rows}
    source = rows[0].source if rows else ""
    return first | {"year": max(year, FIRST_YEAR), "line_of_business": line, "source": source}


def _save(request: HttpRequest, payer: Payer, form: PublishedForm) -> int:
    data = form.cleaned_data
    one = Published(payer.pk, data["year"], data["line_of_business"], data["source"], form.values)
    return save_published(given=[one], by=request.user, now=timezone.now())


@requires("settings.manage")
@require_POST
def published_take_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the figures of one year and line off the card."""
    payer = _payer(pk)
    year, line = whole_number(request.POST.get("year")), request.POST.get("line", "")
    if year > 2100 or line not in Payer.Type.values:
        raise Http404
    same: dict[str, Any] = {"by": request.user, "now": timezone.now()}
    number = take_back_published(payer_id=payer.pk, year=year, line_of_business=line, **same)
    said = ngettext("%(n)d published figure taken back", "%(n)d published figures taken back", number)
    toast(request, said % {"n": number})
    return redirect(_after(request, payer, year, line))


@requires("settings.manage")
@require_http_methods(["GET", "POST"])
def published_file(request: HttpRequest) -> HttpResponse:
    """Published figures from CSV: first checked, row by row, then saved as a whole."""
    if request.method == "GET":
        return page(request, "dashboard/published_file.html", {"form": FileForm()} | _frame(request))
    chosen = {key: request.POST.get(f"column_{key}", "") for key in COLUMNS}
    text = request.POST.get("text", "")
    payers = {name.casefold(): key for key, name in Payer.objects.values_list("pk", "name")}
    reading = read(text, chosen, payers, timezone.localdate().year)
    form = FileForm(request.POST, header=reading.header)
    is_good = form.is_valid() and not reading.problems
    if is_good and "save" in request.POST and attempt(form, lambda: _save_file(request, reading.given)):
        number = reading.figures
        said = ngettext("%(n)d published figure saved", "%(n)d published figures saved", number)
        toast(request, said % {"n": number})
        return redirect(
            "dashboard:report_card" if request.user.can("team.view") else "dashboard:published_file"
        )  # type: ignore[union-attr]
    names = {key: name for name, key in Payer.objects.values_list("name", "pk")}
    periods = [
        (names[one.payer_id], one.year, Payer.Type(one.line_of_business).label, len(one.values))
        for one in reading.given
    ]
    context = {"form": form, "reading": reading, "is_good": is_good, "periods": periods} | _frame(request)
    return page(request, "dashboard/published_file.html", context, status=200 if is_good else 422)


def _save_file(request: HttpRequest, given: list[Published]) -> int:
    return save_published(given=given, by=request.user, now=timezone.now())


def _after(request: HttpRequest, payer: Payer, year: int, line: str) -> str:
    """The card, or the form again for who sets up payers but sees no board."""
    name = "report_card_payer" if request.user.can("team.view") else "published_edit"  # type: ignore[union-attr]
    return f"{reverse(f'dashboard:{name}', args=[payer.pk])}?year={year}&line={line}"


def _payer(pk: UUID) -> Payer:
    """One payer. They belong to the whole clinic. Raises Http404."""
    payer = Payer.objects.filter(pk=pk).first()
    if payer is None:
        raise Http404
    return payer
