"""What the team board shows: who, their figures from the rollup, the change since a snapshot, and where each leads."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from careplans.rules import LOAD_RED, load_band
from coordinator.accounts.models import Site, User
from coordinator.dashboard.models import CaseloadSnapshot, CaseloadStat
from coordinator.dashboard.team_measures import MEASURES, PERIODS, WEEKS, Measure
from coordinator.dashboard.team_rollup import MEMBER, figures_of
from coordinator.http import whole_number

KPIS = ("active", "overdue", "contacts", "referrals", "no_shows", "passed")
COLUMNS = ("active", "high", "load", "open", "overdue", "contacts", "visits", "no_shows", "risk")
SORTS = ("name", *COLUMNS)
DEFAULT_SORT = "-overdue"
ALARMING = {"overdue": "danger", "risk": "warn", "referrals": "warn", "passed": "warn"}
NOBODY = "none"


@dataclass(frozen=True)
class Ask:
    """What the address asks for. An unknown choice counts as the default."""

    days: int = PERIODS[0]
    site: str = ""
    sort: str = DEFAULT_SORT

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Ask:
        days, sort = whole_number(given.get("period")), given.get("sort", "")
        return cls(
            days=days if days in PERIODS else PERIODS[0],
            site=given.get("site", ""),
            sort=sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT,
        )

    @functools.cached_property
    def base(self) -> str:
        return self.query()

    def query(self, **more: Any) -> str:
        """The same choices as a query, for links to the lists."""
        chosen = {"period": self.days, "site": self.site, **more}
        return urlencode({name: value for name, value in chosen.items() if value != ""})


@dataclass(frozen=True)
class Cell:
    """One figure with the list behind it. `tone` says that it is worth noticing."""

    key: str
    value: int
    href: str
    tone: str = ""


@dataclass(frozen=True)
class Line:
    """One person's line; without a user it is what belongs to nobody and to team lists."""

    user: User | None
    cells: list[Cell]
    band: str = ""
    load: int = 0
    weeks: list[int] = field(default_factory=list)

    @property
    def left(self) -> bool:
        return self.user is not None and not self.user.is_active


@dataclass(frozen=True)
class Kpi:
    measure: Measure
    value: int
    href: str
    change: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Board:
    """Everything on the page. Without `sites` the person works nowhere; without `lines` nobody has a caseload."""

    ask: Ask
    sites: list[Site]
    chosen: list[Site]
    as_of: datetime | None = None
    kpis: list[Kpi] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)
    has_weeks: bool = False

    @property
    def coordinators(self) -> int:
        return sum(line.user is not None for line in self.lines)


def sites_of(user: User, chosen: str) -> tuple[list[Site], list[Site]]:
    """All sites of the person, and those chosen; one of somebody else's counts as none chosen."""
    sites = list(Site.objects.filter(pk__in=user.site_ids).order_by("name")) if user.site_ids else []
    one = [site for site in sites if str(site.pk) == chosen]
    return sites, one or sites


def read_board(user: User, ask: Ask, *, now: datetime) -> Board:
    """The board of the person's sites: three queries, and the rollup's own when it is a minute old."""
    sites, chosen = sites_of(user, ask.site)
    if not sites:
        return Board(ask, [], [])
    stats = figures_of({site.pk: site.zone for site in chosen}, now=now)
    people, totals = _per_person(stats), _add(row.figures for row in stats)
    today = now.astimezone(chosen[0].tzinfo).date()
    past = _snapshots(chosen, today, ask.days)
    lines = [
        _line(person, figures, ask, past.weeks.get(person.pk if person else None, []))
        for person, figures in people.items()
        if _is_listed(person, figures)
    ]
    return Board(
        ask=ask,
        sites=sites,
        chosen=chosen,
        as_of=min((row.computed_at for row in stats), default=None),
        kpis=[_kpi(MEASURES[key], totals, past.then, ask) for key in KPIS],
        lines=_sorted(lines, ask.sort),
        figures=totals,
        has_weeks=any(len(line.weeks) > 1 for line in lines),
    )


# --- people -----------------------------------------------------------------------------------------------


def _per_person(stats: Iterable[CaseloadStat]) -> dict[User | None, Counter[str]]:
    people: dict[Any, User | None] = {}
    sums: dict[Any, Counter[str]] = {}
    for row in stats:
        people.setdefault(row.user_id, row.user)
        sums.setdefault(row.user_id, Counter()).update(row.figures)
    return {people[key]: figures for key, figures in sums.items()}


def _is_listed(person: User | None, figures: Counter[str]) -> bool:
    """Whoever carries a caseload, and whoever else has something that counts for them."""
    if person is not None and figures[MEMBER]:
        return True
    return any(figures[name] for name in [*COLUMNS, f"no_shows_{PERIODS[-1]}"])


def _line(person: User | None, figures: Counter[str], ask: Ask, weeks: list[int]) -> Line:
    cells = [_cell(MEASURES[key], figures, ask, person.pk if person else NOBODY) for key in COLUMNS]
    load = figures["load"]
    return Line(person, cells, load_band(load) if person else "", load, weeks)


def _cell(measure: Measure, figures: Counter[str], ask: Ask, owner: Any) -> Cell:
    value = figures[figure_name(measure, ask.days)]
    tone = ALARMING.get(measure.key, "") if value else ""
    # By hand: there are hundreds of these on a page, and nothing in them needs quoting.
    return Cell(measure.key, value, f"{_list_base()}{measure.key}/?{ask.base}&owner={owner}", tone)


def figure_name(measure: Measure, days: int) -> str:
    return f"{measure.key}_{days}" if measure.in_period else measure.key


def list_url(key: str, ask: Ask, **more: Any) -> str:
    return f"{_list_base()}{key}/?{ask.query(**more)}"


@functools.cache
def _list_base() -> str:
    return reverse("dashboard:team_list", args=["x"]).removesuffix("x/")


def _sorted(lines: list[Line], sort: str) -> list[Line]:
    """By the column, then by name; what is nobody's stands last."""
    key, falling = sort.removeprefix("-"), sort.startswith("-")
    by_name = sorted(
        (line for line in lines if line.user),
        key=lambda line: line.user.name.casefold(),
        reverse=key == "name" and falling,
    )
    if key != "name":
        number = COLUMNS.index(key)
        by_name.sort(key=lambda line: line.cells[number].value, reverse=falling)
    return by_name + [line for line in lines if line.user is None]


# --- then and now -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Past:
    """From the snapshots: the totals one period ago (None when nobody kept them), and overdue tasks by week."""

    then: Counter[str] | None
    weeks: dict[Any, list[int]]


def _snapshots(sites: list[Site], today: date, days: int) -> Past:
    ends = [today - timedelta(days=7 * n) for n in range(WEEKS - 1, 0, -1)]
    before = today - timedelta(days=days)
    rows = CaseloadSnapshot.objects.filter(site__in=sites, day__in={*ends, before})
    totals: dict[date, Counter[str]] = {}
    overdue: dict[Any, Counter[date]] = {}
    for day, person, figures in rows.values_list("day", "user_id", "figures"):
        totals.setdefault(day, Counter()).update(figures)
        overdue.setdefault(person, Counter())[day] += figures.get("overdue", 0)
    kept = [day for day in ends if day in totals]
    weeks = {person: [found[day] for day in kept] for person, found in overdue.items()}
    return Past(totals.get(before), weeks)


def _kpi(measure: Measure, totals: Counter[str], then: Counter[str] | None, ask: Ask) -> Kpi:
    name = figure_name(measure, ask.days)
    value, href = totals[name], list_url(measure.key, ask)
    if then is None:
        return Kpi(measure, value, href)
    more = value - then[name]
    tone = ALARMING.get(measure.key, "") if more > 0 else ""
    return Kpi(measure, value, href, _change_words(more, measure, ask.days), tone)


def _change_words(more: int, measure: Measure, days: int) -> str:
    """Against the snapshot of one period ago; for a figure of a period that is the period before."""
    if measure.in_period:
        if not more:
            return _("no change")
        text = (
            ngettext("%(n)d more than before", "%(n)d more than before", more)
            if more > 0
            else ngettext("%(n)d fewer than before", "%(n)d fewer than before", -more)
        )
    elif not more:
        text = _("as many as %(days)d days ago")
    elif more > 0:
        text = ngettext("%(n)d more than %(days)d days ago", "%(n)d more than %(days)d days ago", more)
    else:
        text = ngettext("%(n)d fewer than %(days)d days ago", "%(n)d fewer than %(days)d days ago", -more)
    return text % {"n": abs(more), "days": days}


def _add(figures: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in figures:
        total.update(one)
    return total


def share_of_red(load: int) -> int:
    """How full the bar is: percent of the red limit."""
    return min(100, round(100 * load / LOAD_RED))


def site_keys(sites: Iterable[Site]) -> dict[UUID, str]:
    return {site.pk: site.zone for site in sites}
