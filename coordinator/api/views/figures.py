"""Figures (read): the referral loop, payers' decisions, requests open now, the payers' report card."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from coordinator.api.base import ApiView, ListView
from coordinator.api.serializers import figures as shapes
from coordinator.dashboard.figure_facts import CARD, LOOPS, OPEN_NOW, REQUESTS
from coordinator.dashboard.figure_sets import Ask, FigureSet, Line, read_table
from coordinator.dashboard.report_card import Row, read_card
from referrals.selectors import directory


class PayerList(ListView):
    access_rule = "api:referrals"
    resource = "referrals"

    def visible(self, request: Any) -> QuerySet[Any]:
        return directory.payers(request.user)

    def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return visible.values(*shapes.PAYER)

    @extend_schema(operation_id="payers_list", responses=shapes.PayerRow(many=True))
    def get(self, request: Any) -> Response:
        """Payers of the clinic that requests can name."""
        return self.listed()


class FigureView(ApiView):
    access_rule = "api:figures"
    resource = "figures"


def table_view(figures: FigureSet) -> type[ApiView]:
    """GET answers one table as its board shows it."""
    given_filters = shapes.filters_of(figures)

    class TableView(FigureView):
        filters = given_filters

        @extend_schema(
            operation_id=f"figures_{figures.name.replace('-', '_')}",
            description=str(figures.about),
            responses=shapes.FigureTable,
        )
        def get(self, request: Any) -> Response:
            return Response(_table(request.user, figures, self.query()))

    return TableView


def _table(user: Any, figures: FigureSet, given: dict[str, Any]) -> dict[str, Any]:
    ask = Ask(
        days=int(given.get("period", 90)),
        site=str(given.get("site", "")),
        by=given.get("by", next(iter(figures.groupings))),
        medicine=given.get("kind", ""),
        year=given.get("year", 0),
    )
    table = read_table(user, figures, ask, now=timezone.now())
    return {
        "about": str(figures.about),
        "by": ask.by,
        "columns": [
            {"key": one.key, "name": str(one.label), "counted": str(one.counted)} for one in figures.columns
        ],
        "lines": [_line(line) for line in table.lines],
        "total": _line(table.total) if table.total else None,
    }


def _line(line: Line) -> dict[str, Any]:
    cells = [
        {"column": cell.column.key, "n": cell.n, "share": cell.share, "days": cell.shown_days}
        for cell in line.cells
    ]
    return {"key": line.key, "name": str(line.words), "figures": cells}


LoopFigures = table_view(LOOPS)
RequestFigures = table_view(REQUESTS)
OpenRequestFigures = table_view(OPEN_NOW)
PayerFigures = table_view(CARD)


class ReportCard(FigureView):
    filters = shapes.CardFilters

    @extend_schema(operation_id="payers_report_card", responses=shapes.ReportCard)
    def get(self, request: Any, pk: UUID) -> Response:
        """What one payer published for a year beside ours. Medicines are left out, as the rule does."""
        payer = directory.payers(request.user).filter(pk=pk).first()
        if payer is None:
            raise Http404
        given, now = self.query(), timezone.now()
        year = given.get("year", timezone.localdate(now).year)
        card = read_card(request.user, payer, year, given.get("line", ""), now=now)
        return Response(
            {
                "payer": pk,
                "year": year,
                "published_year": card.published_year,
                "line": card.line,
                "lines": [code for code, _words in card.lines],
                "results": [_card_row(row) for row in card.rows],
            }
        )


def _card_row(row: Row) -> dict[str, Any]:
    published = row.published
    return {
        "metric": row.metric.value,
        "unit": "days" if row.is_time else "percent",
        "ours": row.our_value,
        "of": row.of,
        "published": float(published.value) if published else None,
        "source": published.source if published else "",
        "difference": row.difference,
    }
