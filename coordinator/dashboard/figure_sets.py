"""Figures of referrals and prior authorizations as tables: lines by payer, specialty and so on, one column per figure.

Each figure is one condition over facts that the database draws from a record and its history. The number and the list
behind it are made of the same condition, so they cannot differ. What the person may not see and what is about a
restricted patient is in no figure, as on the team board.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site, User
from coordinator.dashboard.team_figures import site_keys, sites_of
from coordinator.dashboard.team_measures import Scope, starts
from coordinator.dashboard.team_rollup import scope_of
from coordinator.http import whole_number

FEW = 5  # below this no share and no median is shown (domain.md, small numbers)
PERIODS = (30, 90, 365)
ALL = "all"
NONE = "none"
ROWS = 100


@dataclass(frozen=True)
class Column:
    """One figure: rows for which `where` holds; a share of those for which `of` holds, or the median of `value` (days)."""

    key: str
    label: Any
    counted: Any
    where: str
    of: str = ""
    value: str = ""
    average: bool = False  # instead of the median

    @property
    def selected(self) -> str:
        """Number, number of the whole, days: three columns of the statement."""
        whole = f"count(*) filter (where {self.of})" if self.of else "0"
        days = "null::float8"
        if self.value:
            wanted = (
                f"avg({self.value})"
                if self.average
                else f"percentile_cont(0.5) within group (order by {self.value})"
            )
            days = f"({wanted} filter (where {self.where}))::float8"
        return f"count(*) filter (where {self.where}), {whole}, {days}"


@dataclass(frozen=True)
class Grouping:
    """What a table has lines for: the facts' column with the key (text) and the one with its words."""

    label: Any
    key: str
    words: str
    say: Callable[[str], Any] = str


@dataclass(frozen=True)
class FigureSet:
    """One table: which records of the chosen sites it is about, their facts, its columns and possible lines."""

    name: str
    title: Any
    about: Any
    kind: str  # what its rows are: referrals, requests
    rows: Callable[[User, Scope, Ask], QuerySet[Any]]
    facts: str  # a statement with {base} for the keys
    columns: tuple[Column, ...]
    groupings: Mapping[str, Grouping]
    has_period: bool = True

    def column(self, key: str) -> Column | None:
        return next((column for column in self.columns if column.key == key), None)


def key_or_none(typed: str | None) -> str:
    """The key as it is written in the database; "" for what is none."""
    try:
        return str(UUID(typed or ""))
    except ValueError:
        return ""


@dataclass(frozen=True)
class Ask:
    """What the address asks for. An unknown choice counts as the default; `year` stands for the period where given."""

    days: int = 90
    site: str = ""
    by: str = ""
    medicine: str = ""  # "", "service" or "medicine"
    year: int = 0
    payer: str = ""  # the key of the only payer that is asked about

    @classmethod
    def read(cls, given: Mapping[str, str], *, default_by: str, groupings: Mapping[str, Grouping]) -> Ask:
        days, year = whole_number(given.get("period")), whole_number(given.get("year"))
        by, medicine = given.get("by", ""), given.get("kind", "")
        return cls(
            days=days if days in PERIODS else 90,
            site=given.get("site", ""),
            by=by if by in groupings else default_by,
            medicine=medicine if medicine in ("service", "medicine") else "",
            year=year if 2020 <= year <= 2100 else 0,
            payer=key_or_none(given.get("payer")),
        )

    def query(self, **more: Any) -> str:
        chosen = {
            "period": self.days, "site": self.site, "by": self.by, "kind": self.medicine, "year": self.year or "",
            "payer": self.payer, **more,
        }  # fmt: skip
        return urlencode({name: value for name, value in chosen.items() if value != ""})

    def within(self, scope: Scope, moment: str) -> Q:
        """Records whose `moment` lies in the asked days, each on its site's own clock."""

        def lately(zone: str) -> Q:
            if self.year:
                first, until = date(self.year, 1, 1), date(self.year + 1, 1, 1)
            else:
                until = scope.today(zone) + timedelta(days=1)
                first = until - timedelta(days=self.days)
            return Q(**{f"{moment}__gte": starts(first, zone), f"{moment}__lt": starts(until, zone)})

        return scope.by_zone("site", lately)


@dataclass(frozen=True)
class Cell:
    """A number with its list; `share` in percent and `days` are None where there is none or too few rows."""

    column: Column
    n: int
    whole: int
    days: float | None
    href: str

    @property
    def share(self) -> int | None:
        return round(100 * self.n / self.whole) if self.column.of and self.whole >= FEW else None

    @property
    def is_too_few(self) -> bool:
        return (bool(self.column.of) and 0 < self.whole < FEW) or (
            bool(self.column.value) and 0 < self.n < FEW
        )

    @property
    def shown_days(self) -> float | None:
        return None if self.days is None or self.n < FEW else round(self.days, 1)


@dataclass(frozen=True)
class Line:
    key: str
    words: Any
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    figures: FigureSet
    ask: Ask
    sites: list[Site]
    chosen: list[Site]
    lines: list[Line] = field(default_factory=list)
    total: Line | None = None


def read_table(user: User, figures: FigureSet, ask: Ask, *, now: datetime) -> Table:
    """The lines with most records first, and the sum of all. One statement beside the sites' own."""
    sites, chosen = sites_of(user, ask.site)
    if not chosen:
        return Table(figures, ask, sites, chosen)
    group = figures.groupings[ask.by]
    selected = ", ".join(column.selected for column in figures.columns)
    statement, params = _facts(user, figures, ask, chosen, now)
    with connection.cursor() as cursor:
        cursor.execute(
            f"with {statement} select grouping({group.key}), {group.key}, max({group.words}), {selected}"  # noqa: S608
            f" from facts group by grouping sets (({group.key}), ()) order by 1, 4 desc, 3",
            params,
        )
        found = cursor.fetchall()
    lines = [_line(figures, ask, row) for row in found]
    return Table(figures, ask, sites, chosen, lines[:-1], lines[-1])


def read_ids(
    user: User,
    figures: FigureSet,
    column: Column,
    ask: Ask,
    group: str,
    *,
    now: datetime,
    start: int,
    most: int,
) -> tuple[int, list[Any]]:
    """How many records one figure counts, and the keys of some of them, longest first for days, else oldest first."""
    _sites, chosen = sites_of(user, ask.site)
    if not chosen:
        return 0, []
    statement, params = _facts(user, figures, ask, chosen, now)
    key = figures.groupings[ask.by].key
    wanted = "" if group == ALL else f" and {key} is null" if group == NONE else f" and {key} = %s"
    values = [] if group in (ALL, NONE) else [group]
    order = f"{column.value} desc, id" if column.value else "since, id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"with {statement} select id, count(*) over () from facts where ({column.where}){wanted}"  # noqa: S608
            f" order by {order} limit %s offset %s",
            [*params, *values, most, start],
        )
        found = cursor.fetchall()
    return (found[0][1] if found else 0), [key for key, _n in found]


def _facts(
    user: User, figures: FigureSet, ask: Ask, chosen: list[Site], now: datetime
) -> tuple[str, list[Any]]:
    """The beginning of a statement: `base` with the keys, `facts` with what is known of each; and their values."""
    scope = scope_of(site_keys(chosen), now, ask.days)
    base = figures.rows(user, scope, ask).order_by().values("pk")
    sql, params = base.query.sql_with_params()
    return f"clock_now (at) as (select %s::timestamptz), base (id) as ({sql}), facts as ({figures.facts})", [
        now,
        *params,
    ]


def _line(figures: FigureSet, ask: Ask, row: tuple[Any, ...]) -> Line:
    is_total, key, words, *numbers = row
    group = ALL if is_total else NONE if key is None else str(key)
    if is_total:
        said: Any = _("All")
    else:
        said = figures.groupings[ask.by].say(words) if words else _("Not given")
    cells = []
    for place, column in enumerate(figures.columns):
        n, whole, days = numbers[3 * place : 3 * place + 3]
        cells.append(Cell(column, n, whole, days, list_url(figures, column, ask, group)))
    return Line(group, said, cells)


def list_url(figures: FigureSet, column: Column, ask: Ask, group: str) -> str:
    return f"{reverse('dashboard:figure_list', args=[figures.name, column.key])}?{ask.query(group=group)}"
