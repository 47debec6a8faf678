"""The team board: every coordinator's caseload, and the list behind every figure."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from coordinator.dashboard import team_charts as charts
from coordinator.dashboard.export import csv_response
from coordinator.dashboard.team_duplicates import duplicates_answered
from coordinator.dashboard.team_figures import (
    COLUMNS,
    DEFAULT_SORT,
    KPIS,
    Ask,
    Board,
    read_board,
    share_of_red,
)
from coordinator.dashboard.team_lists import ROWS, file_rows, header_of, page_of, read_list
from coordinator.dashboard.team_measures import MEASURES, PERIODS
from coordinator.http import page, requires, whole_number


@requires("team.view")
@require_GET
def team_board(request: HttpRequest) -> HttpResponse:
    """The board of the person's sites; figures at most a minute old."""
    now = timezone.now()
    ask = Ask.read(request.GET)
    board = read_board(request.user, ask, now=now)  # type: ignore[arg-type]
    context = {
        "now": now,
        "board": board,
        "ask": ask,
        "periods": PERIODS,
        "default_sort": DEFAULT_SORT,
        "columns": [MEASURES[key] for key in COLUMNS],
        "definitions": [MEASURES[key] for key in dict.fromkeys((*KPIS, *COLUMNS))],
        "export_query": ask.query(sort=ask.sort),
        **_charts(board, now),
        "duplicates": duplicates_answered(request.user, board.chosen, ask.days, now),
    }
    return page(request, "dashboard/team_board.html", context)


def _charts(board: Board, now: Any) -> dict[str, Any]:
    if not board.chosen:
        return {}
    return {"flow": charts.flow(board, now=now), "overdue": charts.overdue(board)}


@requires("team.view")
@require_GET
def team_export(request: HttpRequest) -> HttpResponseBase:
    """The caseload table as a file."""
    ask = Ask.read(request.GET)
    board = read_board(request.user, ask, now=timezone.now())  # type: ignore[arg-type]
    rows = [
        [line.user or _("Nobody and team lists"), *[cell.value for cell in line.cells], board.as_of]
        for line in board.lines
    ]
    header = [_("Coordinator"), *[MEASURES[key].label for key in COLUMNS], _("As of")]
    chosen = {"period": ask.days, "site": ask.site, "sort": ask.sort}
    return csv_response(request, "caseload", header, rows, chosen, entity="dashboard.caseload")


@requires("team.view")
@require_GET
def team_list(request: HttpRequest, measure: str) -> HttpResponse:
    """The records behind one figure: as many rows as the figure says."""
    now = timezone.now()
    behind = read_list(request.user, measure, request.GET, now=now)  # type: ignore[arg-type]
    number = max(whole_number(request.GET.get("page")), 1)
    context = {
        "now": now,
        "behind": behind,
        "rows": page_of(behind, number),
        "row_template": f"dashboard/_team_{behind.measure.kind}.html",
        "first": ROWS * (number - 1) + 1,
        "last": min(ROWS * number, behind.total),
        "previous_page": number - 1,
        "next_page": number + 1 if ROWS * number < behind.total else 0,
        "share": share_of_red(behind.number),
        "back": f"{reverse('dashboard:team_board')}?{behind.ask.query()}",
    }
    return page(request, "dashboard/team_list.html", context)


@requires("team.view")
@require_GET
def team_list_export(request: HttpRequest, measure: str) -> HttpResponseBase:
    """The same list as a file."""
    behind = read_list(request.user, measure, request.GET, now=timezone.now())  # type: ignore[arg-type]
    name = f"caseload-{measure.replace('_', '-')}"
    filters = {key: request.GET.get(key, "") for key in ("period", "site", "owner", "kind", "week")}
    return csv_response(
        request,
        name,
        header_of(behind.measure.kind),
        file_rows(behind),
        filters,
        entity=f"dashboard.{measure}",
    )
