"""Units and days of an authorization as visits use them up. Pure: rows in, balance and collisions out.

`remaining = approved - units of visits seen, in room or arrived`; `projected = remaining - units of booked future
visits inside the window`. A no-show uses no unit and a cancelled visit gives its unit back. Bands by the remaining
share: 67-100 green, 34-66 yellow, 0-33 red. Source: domain rules 3.2.6 (bands after OpenEMR PR #9027).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from coordinator.wording import day
from scheduling.rules.local_time import local_day
from scheduling.workflow import UPCOMING, Status

CONSUMING = (Status.FULFILLED, Status.CHECKED_IN, Status.ARRIVED)
GREEN, YELLOW, RED = "green", "yellow", "red"
TONES = {GREEN: "ok", YELLOW: "warn", RED: "danger"}
REVISION, EXTENSION = "revision", "extension"
# Statuses under which approved lines stand: in force, over by their own dates or units, or only the rest is disputed.
STANDING = (
    "approved",
    "partially_approved",
    "modified",
    "expired",
    "exhausted",
    "peer_to_peer",
    "appeal",
    "upheld",
    "closed_denied",
)

RENEW, MOVE, MORE_UNITS, REVISE = "renewal", "move", "extension", "revision"
OFFERS: dict[str, Any] = {
    RENEW: lazy("Ask for a renewal"),
    MOVE: lazy("Move the visit"),
    MORE_UNITS: lazy("Ask for more units"),
    REVISE: lazy("Ask for a revision"),
}


@dataclass(frozen=True)
class Member:
    """One authorization of a chain. `depth` counts from the oldest."""

    id: UUID
    depth: int
    certification: str
    status: str
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True)
class Line:
    """An approved line. `units` None: the payer counts none; days None: those of its authorization."""

    authorization_id: UUID
    number: int
    code: str
    units: int | None
    starts_on: date | None = None
    ends_on: date | None = None
    place: str = ""

    def holds_on(self, on: date) -> bool:
        return (self.starts_on is None or self.starts_on <= on) and (
            self.ends_on is None or on <= self.ends_on
        )


@dataclass(frozen=True)
class Visit:
    """A visit under an authorization. `codes` empty: nobody said what it is billed as; `places` are its names."""

    id: UUID | None
    status: str
    start: datetime
    zone: str
    units: int = 1
    codes: frozenset[str] = frozenset()
    places: tuple[str, ...] = ()
    site_id: UUID | None = None
    service: str = ""

    @property
    def on(self) -> date:
        return local_day(self.start, self.zone)

    @property
    def status_words(self) -> Any:
        return Status(self.status).label

    def is_booked(self, now: datetime) -> bool:
        return self.status in UPCOMING and self.start > now


@dataclass(frozen=True)
class Collision:
    """A booked visit that the authorization does not cover, why, and what could be done."""

    kind: str  # after_end, before_start, no_units, code, place
    visit: Visit
    text: str
    offers: tuple[str, ...]

    @property
    def offer_words(self) -> list[tuple[str, Any]]:
        return [(offer, OFFERS[offer]) for offer in self.offers]


@dataclass(frozen=True)
class RunsOut:
    """The booked visit that uses the last unit: the n-th from now, on that day."""

    n: int
    on: date


@dataclass
class Balance:
    """What is left. Units are whole numbers; `remaining` and `projected` can be below zero."""

    approved: int
    used: int
    booked: int
    first_day: date | None
    last_day: date | None
    runs_out: RunsOut | None = None
    collisions: list[Collision] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    counts: bool = True  # False: no line has units, only days matter

    @property
    def remaining(self) -> int:
        return self.approved - self.used

    @property
    def projected(self) -> int:
        return self.remaining - self.booked

    @property
    def share(self) -> int:
        """Percent left, 0 to 100, rounded down."""
        return max(0, min(100, 100 * self.remaining // self.approved)) if self.approved else 0

    @property
    def band(self) -> str:
        return band(self.remaining, self.approved)

    @property
    def tone(self) -> str:
        return TONES[self.band]


def band(remaining: int, approved: int) -> str:
    """The color of what is left, by its share in percent.

    >>> band(2, 3), band(67, 100), band(34, 100), band(33, 100), band(0, 0)
    ('yellow', 'green', 'yellow', 'red', 'red')
    """
    share = 100 * remaining / approved if approved else 0
    return GREEN if share >= 67 else YELLOW if share >= 34 else RED


def standing_lines(members: Sequence[Member], lines: Iterable[Line]) -> list[Line]:
    """The lines that count in a chain: a revision replaces those before it, an extension adds its own."""
    by_member: dict[UUID, list[Line]] = {}
    for line in lines:
        by_member.setdefault(line.authorization_id, []).append(line)
    counted: list[Line] = []
    for member in sorted(members, key=lambda one: (one.depth, str(one.id))):
        if member.status not in STANDING:
            continue
        own = [
            Line(
                line.authorization_id,
                line.number,
                line.code,
                line.units,
                line.starts_on or member.starts_on,
                line.ends_on or member.ends_on,
                line.place,
            )
            for line in by_member.get(member.id, [])
        ]
        counted = own if member.certification != EXTENSION else [*counted, *own]
    return counted


def balance(
    members: Sequence[Member], lines: Iterable[Line], visits: Iterable[Visit], now: datetime
) -> Balance:
    """What is left of a chain of authorizations with all its visits."""
    counted = standing_lines(members, lines)
    ordered = sorted(visits, key=lambda visit: (visit.start, str(visit.id)))
    with_units = [line for line in counted if line.units is not None]
    left = {(line.authorization_id, line.number): line.units or 0 for line in with_units}
    found = Balance(
        approved=sum(line.units or 0 for line in with_units),
        used=0,
        booked=0,
        first_day=_first([line.starts_on for line in counted]),
        last_day=_last([line.ends_on for line in counted]),
        visits=ordered,
        counts=bool(with_units),
    )
    for visit in ordered:
        if visit.status in CONSUMING:
            line = _line_for(visit, with_units, left, any_day=True)
            if line is not None:
                found.used += visit.units
                left[line.authorization_id, line.number] -= visit.units
    _book(found, [visit for visit in ordered if visit.is_booked(now)], counted, with_units, left)
    return found


def _book(
    found: Balance,
    booked: list[Visit],
    counted: list[Line],
    with_units: list[Line],
    left: dict[tuple[UUID, int], int],
) -> None:
    """Take the booked visits in their order; note what the last unit goes to and what is not covered."""
    place = 0
    for visit in booked:
        found.collisions += _collisions(visit, counted)
        line = _line_for(visit, with_units, left)
        if line is None:
            continue
        place += 1
        key = (line.authorization_id, line.number)
        before = left[key]
        found.booked += visit.units
        left[key] = before - visit.units
        if left[key] < 0:
            found.collisions.append(
                Collision(
                    "no_units",
                    visit,
                    _("No unit is left for the visit on %(day)s.") % {"day": day(visit.on)},
                    (MORE_UNITS, RENEW),
                )
            )
        if found.runs_out is None and found.projected <= 0:
            found.runs_out = RunsOut(place, visit.on)


def _fits(visit: Visit, line: Line) -> bool:
    return not visit.codes or line.code in visit.codes


def _line_for(
    visit: Visit, lines: list[Line], left: dict[tuple[UUID, int], int], any_day: bool = False
) -> Line | None:
    """The line whose units the visit uses: of its code and day, one with units left before one without.

    A visit that happened uses a unit of its code even outside the days (`any_day`)."""
    fitting = [line for line in lines if _fits(visit, line)]
    inside = [line for line in fitting if line.holds_on(visit.on)]
    for group in (inside, fitting) if any_day else (inside,):
        for line in group:
            if left[line.authorization_id, line.number] >= visit.units:
                return line
    rest = inside or (fitting if any_day else [])
    return rest[0] if rest else None


def _collisions(visit: Visit, lines: list[Line]) -> list[Collision]:
    """Days, code and place of one booked visit against all lines."""
    if not lines:
        return []
    on, words = visit.on, {"day": day(visit.on)}
    fitting = [line for line in lines if _fits(visit, line)]
    if not fitting:
        words["codes"] = ", ".join(sorted(visit.codes))
        text = _("The visit on %(day)s is billed as %(codes)s, which no approved line covers.") % words
        return [Collision("code", visit, text, (REVISE,))]
    inside = [line for line in fitting if line.holds_on(on)]
    if not inside:
        ends = [line.ends_on for line in fitting if line.ends_on]
        if ends and on > max(ends):
            words["end"] = day(max(ends))
            text = _("The visit on %(day)s is after the authorization ends on %(end)s.") % words
            return [Collision("after_end", visit, text, (RENEW, MOVE))]
        starts = [line.starts_on for line in fitting if line.starts_on]
        words["start"] = day(min(starts)) if starts else ""
        text = _("The visit on %(day)s is before the authorization starts on %(start)s.") % words
        return [Collision("before_start", visit, text, (MOVE, REVISE))]
    if all(line.place and not _same_place(visit, line.place) for line in inside):
        words["place"] = inside[0].place
        text = _("The visit on %(day)s is at another place than the approved one (%(place)s).") % words
        return [Collision("place", visit, text, (MOVE, REVISE))]
    return []


def _same_place(visit: Visit, place: str) -> bool:
    wanted = place.strip().casefold()
    return any(wanted == name.strip().casefold() for name in visit.places if name)


def _first(days: list[date | None]) -> date | None:
    known = [one for one in days if one is not None]
    return min(known) if known and len(known) == len(days) else None


def _last(days: list[date | None]) -> date | None:
    known = [one for one in days if one is not None]
    return max(known) if known and len(known) == len(days) else None
