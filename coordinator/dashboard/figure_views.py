"""Doorways of the managers' figures about referrals and prior authorizations, and of the lists behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from coordinator.dashboard.export import csv_response
from coordinator.dashboard.figure_facts import LOOPS, OPEN_NOW, REQUESTS, SETS
from coordinator.dashboard.figure_sets import (
    ALL,
    FEW,
    PERIODS,
    ROWS,
    Ask,
    FigureSet,
    Table,
    read_ids,
    read_table,
)
from coordinator.dashboard.team_measures import told
from coordinator.http import page, requires, whole_number
from referrals.models import PriorAuthorization, Referral

LONGEST = 10


def ask_of(request: HttpRequest, figures: FigureSet) -> Ask:
    default = next(iter(figures.groupings))
    return Ask.read(request.GET, default_by=default, groupings=figures.groupings)


@requires("team.view")
@require_GET
def loop_board(request: HttpRequest) -> HttpResponse:
    """Closure rate and time in each stage by specialty or recipient, and who has waited longest."""
    now = timezone.now()
    table = read_table(request.user, LOOPS, ask_of(request, LOOPS), now=now)  # type: ignore[arg-type]
    waiting = Referral.objects.visible_to(request.user).open().filter(site__in=table.chosen, sent_at__lte=now)
    longest = (
        told(waiting).select_related("patient", "owner", "team", "site", "clock").order_by("sent_at", "pk")
    )
    context = _context(table, now) | {"rows": longest[:LONGEST], "part": "loops"}
    return page(request, "dashboard/loop_board.html", context)


@requires("team.view")
@require_GET
def authorization_board(request: HttpRequest) -> HttpResponse:
    """Open requests by status and age, and what payers decided in the period."""
    now = timezone.now()
    table = read_table(request.user, REQUESTS, ask_of(request, REQUESTS), now=now)  # type: ignore[arg-type]
    today = read_table(request.user, OPEN_NOW, ask_of(request, OPEN_NOW), now=now)  # type: ignore[arg-type]
    return page(
        request,
        "dashboard/authorization_board.html",
        _context(table, now) | {"today": today, "part": "requests"},
    )


def _context(table: Table, now: Any) -> dict[str, Any]:
    return {
        "table": table,
        "ask": table.ask,
        "now": now,
        "periods": PERIODS,
        "few": FEW,
        "kinds": kinds_of_requests(),
    }


def kinds_of_requests() -> list[tuple[str, Any]]:
    return [("", _("All")), ("service", _("Services")), ("medicine", _("Medicines"))]


@requires("team.view")
@require_GET
def figure_export(request: HttpRequest, name: str) -> HttpResponseBase:
    """One table as a file: number, whole and days of each figure."""
    figures = _set(name)
    table = read_table(request.user, figures, ask_of(request, figures), now=timezone.now())  # type: ignore[arg-type]
    header: list[Any] = [figures.groupings[table.ask.by].label]
    for column in figures.columns:
        header += [column.label, *([_("%(what)s, percent") % {"what": column.label}] if column.of else [])]
        header += [_("%(what)s, requests or referrals") % {"what": column.label}] if column.value else []
    filters = {"period": table.ask.days, "site": table.ask.site, "by": table.ask.by, "year": table.ask.year}
    filters |= {"kind": table.ask.medicine, "payer": table.ask.payer}
    return csv_response(
        request, f"figures-{name}", header, _file_rows(table), filters, entity=f"dashboard.figures.{name}"
    )


def _file_rows(table: Table) -> Iterator[list[Any]]:
    for line in [*table.lines, *([table.total] if table.total else [])]:
        row: list[Any] = [str(line.words)]
        for cell in line.cells:
            row += [cell.shown_days, cell.n] if cell.column.value else [cell.n]
            row += [cell.share] if cell.column.of else []
        yield row


@requires("team.view")
@require_GET
def figure_list(request: HttpRequest, name: str, column: str) -> HttpResponse:
    """The records behind one figure: exactly the rows that it counts."""
    figures, now = _set(name), timezone.now()
    figure = figures.column(column)
    if figure is None:
        raise Http404
    ask, group = ask_of(request, figures), request.GET.get("group") or ALL
    number = min(max(whole_number(request.GET.get("page")), 1), 10_000)
    total, keys = read_ids(
        request.user, figures, figure, ask, group.replace("\x00", ""), now=now, start=ROWS * (number - 1), most=ROWS  # type: ignore[arg-type]
    )  # fmt: skip
    context = {
        "now": now,
        "figures": figures,
        "figure": figure,
        "total": total,
        "rows": _records(request.user, figures, keys),
        "row_template": f"dashboard/_team_{figures.kind}.html",
        "first": ROWS * (number - 1) + 1,
        "last": min(ROWS * number, total),
        "previous_page": number - 1,
        "next_page": number + 1 if ROWS * number < total else 0,
        "ask": ask,
        "back": f"{_page_of(name, ask)}?{ask.query()}",
    }
    return page(request, "dashboard/figure_list.html", context)


PAGES = {
    "loops": "loop_board",
    "requests": "authorization_board",
    "open-requests": "authorization_board",
    "payers": "report_card",
    "metrics": "report_card",
}


def _page_of(name: str, ask: Ask) -> str:
    """The page that shows this table: the card of the one payer that is asked about has one of its own."""
    if ask.payer and PAGES[name] == "report_card":
        return reverse("dashboard:report_card_payer", args=[ask.payer])
    return reverse(f"dashboard:{PAGES[name]}")


def _records(user: Any, figures: FigureSet, keys: list[Any]) -> list[Any]:
    """The records of these keys in their order, as the person may see them."""
    people = ("patient", "owner", "team", "site", "clock")
    records: dict[Any, Any]
    if figures.kind == "referrals":
        records = Referral.objects.visible_to(user).select_related(*people).in_bulk(keys)
    else:
        records = PriorAuthorization.objects.visible_to(user).select_related(*people, "payer").in_bulk(keys)
    return [records[key] for key in keys if key in records]


def _set(name: str) -> FigureSet:
    if name not in SETS:
        raise Http404
    return SETS[name]
