"""The board's two charts as numbers and points: opened and closed by week, overdue by kind and age."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from careplans.models import TaskKind
from coordinator.dashboard.team_figures import Board, list_url
from coordinator.dashboard.team_measures import AGES, WEEKS, Scope, week_starts

HEIGHT, WIDTH = 60.0, 100.0  # of the drawing's own units
MOST_KINDS = 6
TONES = {"young": "f4", "older": "fw", "old": "fd"}


@dataclass(frozen=True)
class Week:
    first: date
    last: date
    opened: int
    closed: int
    opened_href: str
    closed_href: str


@dataclass(frozen=True)
class Flow:
    """Opened and closed by week, oldest first; `finding` says in a sentence what the lines show."""

    weeks: list[Week]
    ticks: list[int]
    opened: str  # points of the line
    closed: str
    finding: str

    @property
    def label(self) -> str:
        """The chart for those who do not see it."""
        parts = [
            _("Opened %(opened)s.") % {"opened": ", ".join(str(week.opened) for week in self.weeks)},
            _("Closed %(closed)s.") % {"closed": ", ".join(str(week.closed) for week in self.weeks)},
        ]
        return " ".join([_("Tasks by week, oldest first."), *parts])


def flow(board: Board, *, now: datetime) -> Flow | None:
    """None when nothing was opened or closed in eight weeks."""
    figures, zone = board.figures, board.chosen[0].zone
    firsts = week_starts(Scope({zone: frozenset()}, now), zone)
    weeks = [
        Week(
            first,
            first + timedelta(days=6),
            figures[f"opened_{n}"],
            figures[f"closed_{n}"],
            list_url("opened", board.ask, week=n),
            list_url("closed", board.ask, week=n),
        )
        for n, first in enumerate(firsts)
    ]
    highest = max(max(week.opened, week.closed) for week in weeks)
    if not highest:
        return None
    top = _nice(highest)
    return Flow(
        weeks,
        [top, round(top * 2 / 3), round(top / 3), 0],
        _points([week.opened for week in weeks], top),
        _points([week.closed for week in weeks], top),
        _flow_words(weeks),
    )


def _nice(highest: int) -> int:
    """A round number not below it, that three steps divide."""
    step = 3
    while step * 10 < highest:
        step *= 10
    return next(step * n for n in range(1, 11) if step * n >= highest)


def _points(values: list[int], top: int) -> str:
    step = WIDTH / (WEEKS - 1)
    return " ".join(f"{n * step:.1f},{HEIGHT - HEIGHT * value / top:.1f}" for n, value in enumerate(values))


def _flow_words(weeks: list[Week]) -> str:
    more = sum(week.opened - week.closed for week in weeks)
    if more > 0:
        text = ngettext(
            "%(n)d more task was opened than closed in 8 weeks.",
            "%(n)d more tasks were opened than closed in 8 weeks.",
            more,
        )
    elif more < 0:
        text = ngettext(
            "%(n)d more task was closed than opened in 8 weeks.",
            "%(n)d more tasks were closed than opened in 8 weeks.",
            -more,
        )
    else:
        return _("As many tasks were closed as opened in 8 weeks.")
    return text % {"n": abs(more)}


@dataclass(frozen=True)
class Kind:
    label: str
    total: int
    segments: list[tuple[str, int, str]]
    href: str


@dataclass(frozen=True)
class Overdue:
    kinds: list[Kind]
    longest: int
    finding: str
    ages: list[tuple[str, str]]


def overdue(board: Board) -> Overdue | None:
    """Overdue tasks by kind and age, the largest kinds first; None when nothing is overdue."""
    found: dict[str, Counter[str]] = {}
    for name, number in board.figures.items():
        word, _sep, rest = name.partition(":")
        if word == "age":
            kind, _sep, band = rest.partition(":")
            found.setdefault(kind, Counter())[band] += number
    if not found:
        return None
    ordered = sorted(found.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    kinds = [_kind(kind, bands, board) for kind, bands in ordered[:MOST_KINDS]]
    if rest_of := ordered[MOST_KINDS:]:
        bands: Counter[str] = Counter()
        for _kind_of, counted in rest_of:
            bands.update(counted)
        kinds.append(_kind(",".join(kind for kind, _counted in rest_of), bands, board))
    ages = age_words()
    return Overdue(
        kinds,
        max(kind.total for kind in kinds),
        _oldest_words(ordered),
        [(ages[b], TONES[b]) for _d, b in AGES],
    )


def age_words() -> dict[str, str]:
    return {"young": _("under 3 days"), "older": _("3 to 7 days"), "old": _("over 7 days")}


def _kind(kinds: str, bands: Counter[str], board: Board) -> Kind:
    words = age_words()
    return Kind(
        kind_label(kinds),
        sum(bands.values()),
        [(words[band], bands[band], TONES[band]) for _days, band in AGES],
        list_url("overdue", board.ask, kind=kinds),
    )


def kind_label(kinds: str) -> str:
    """The word for one kind of task, or for the rest of them."""
    if "," in kinds:
        return _("All others")
    return str(TaskKind(kinds).label) if kinds in TaskKind.values else _("Other")


def _oldest_words(ordered: list[tuple[str, Counter[str]]]) -> str:
    kind, bands = max(ordered, key=lambda item: item[1]["old"])
    if not bands["old"]:
        return _("Nothing is overdue by more than 7 days.")
    text: Any = ngettext(
        "Most of the oldest work: %(kind)s, %(n)d over 7 days.",
        "Most of the oldest work: %(kind)s, %(n)d over 7 days.",
        bands["old"],
    )
    return str(text % {"kind": kind_label(kind).lower(), "n": bands["old"]})
