"""One payer's report card: its published figures beside ours, with the difference in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coordinator.accounts.models import User
from coordinator.dashboard.figure_facts import METRICS
from coordinator.dashboard.figure_sets import FEW, Ask, Cell, read_table
from referrals.models import Payer, PublishedMetric
from referrals.models.report_card import TIMES, Metric


@dataclass(frozen=True)
class Row:
    """One metric: our figure (None without requests), what was published, the difference as a sentence."""

    metric: Metric
    ours: Cell | None
    published: PublishedMetric | None
    is_time: bool

    @property
    def our_value(self) -> float | None:
        if self.ours is None:
            return None
        return self.ours.shown_days if self.is_time else self.ours.share

    @property
    def of(self) -> int:
        """How many requests our figure rests on."""
        if self.ours is None:
            return 0
        return self.ours.n if self.is_time else self.ours.whole

    @property
    def difference(self) -> str:
        if self.published is None:
            return _("Nothing published is entered.")
        if self.our_value is None:
            return _("We have fewer than %(few)d requests: too few to compare.") % {"few": FEW}
        more = round(self.our_value - float(self.published.value), 1)
        if self.is_time:
            return _days_words(more)
        return _points_words(round(more))


def _days_words(more: float) -> str:
    if not more:
        return _("As published.")
    words = _("%(n)s days longer than published.") if more > 0 else _("%(n)s days shorter than published.")
    return words % {"n": f"{abs(more):g}"}


def _points_words(more: int) -> str:
    if not more:
        return _("As published.")
    words = (
        ngettext("%(n)d point more than published.", "%(n)d points more than published.", more)
        if more > 0
        else ngettext("%(n)d point less than published.", "%(n)d points less than published.", -more)
    )
    return words % {"n": abs(more)}


@dataclass(frozen=True)
class Card:
    payer: Payer
    year: int
    line: str
    lines: list[tuple[str, Any]]  # lines of business with figures in that year
    rows: list[Row]
    published_year: int  # the year asked for, or the newest one before it that was entered

    @property
    def line_words(self) -> Any:
        return Payer.Type(self.line).label

    @property
    def has_published(self) -> bool:
        return any(row.published for row in self.rows)


def read_card(user: User, payer: Payer, year: int, line: str, *, now: datetime) -> Card:
    """The card of one payer and year. Our figures are of all its lines of business; medicines are left out as the rule does."""
    table = read_table(user, METRICS, Ask(by="payer", year=year), now=now)
    ours = next((one for one in table.lines if one.key == str(payer.pk)), None)
    cells = {cell.column.key: cell for cell in ours.cells} if ours else {}
    entered = PublishedMetric.objects.filter(payer=payer, year__lte=year).select_related("created_by")
    found = list(entered)
    newest = max((row.year for row in found), default=year)
    found = [row for row in found if row.year == newest]
    lines = sorted({row.line_of_business for row in found})
    chosen = (
        line if line in lines else payer.payer_type if payer.payer_type in lines or not lines else lines[0]
    )
    published = {row.metric: row for row in found if row.line_of_business == chosen}
    rows = [Row(metric, cells.get(metric), published.get(metric), metric in TIMES) for metric in Metric]
    return Card(payer, year, chosen, [(one, Payer.Type(one).label) for one in lines], rows, newest)


def payers_with_published(year: int) -> dict[UUID, int]:
    """How many published figures each payer has for a year."""
    found: dict[UUID, int] = {}
    for key in PublishedMetric.objects.filter(year=year).values_list("payer", flat=True):
        found[key] = found.get(key, 0) + 1
    return found
