"""The value objects of the clock rules: what goes into `rules.explain()` and what comes out. All immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

FURTHEST = 3660  # no rule looks further than ten years; a wrong number must not turn into an endless loop


class Kind(StrEnum):
    """How a rule counts."""

    ELAPSED_HOURS = "elapsed_hours"
    CALENDAR_DAYS = "calendar_days"
    BUSINESS_DAYS = "business_days"
    WEEKS = "weeks"
    MONTHS = "months"
    SAME_DAY = "same_day"
    FIXED_DATE = "fixed_date"
    NO_DEADLINE = "no_deadline"


COUNTING = {Kind.ELAPSED_HOURS, Kind.CALENDAR_DAYS, Kind.BUSINESS_DAYS, Kind.WEEKS, Kind.MONTHS}


class Why(StrEnum):
    """What one step of an explanation says about its day."""

    EVENT = "event"
    COUNTED = "counted"
    COUNTED_HOLIDAY = "counted_holiday"
    WEEK = "week"
    MONTH = "month"
    WEEKDAY_CLOSED = "weekday_closed"
    HOLIDAY = "holiday"
    CLOCKS_BACK = "clocks_back"
    CLOCKS_FORWARD = "clocks_forward"
    HOURS_RUN = "hours_run"
    SAME_DAY = "same_day"
    GIVEN = "given"


COUNTED = frozenset(
    {Why.COUNTED, Why.COUNTED_HOLIDAY, Why.WEEK, Why.MONTH, Why.HOURS_RUN, Why.SAME_DAY, Why.GIVEN}
)


class Refusal(ValueError):
    """A rule does not allow what was asked. The text can be shown."""


@dataclass(frozen=True)
class Calendar:
    """Which days are open. Immutable: a changed calendar is a new one with another version."""

    name: str
    version: str
    closed_weekdays: frozenset[int] = frozenset({5, 6})
    holidays: Mapping[date, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.closed_weekdays < frozenset(range(7)):
            raise ValueError("A calendar needs at least one open weekday, counted from Monday = 0.")
        object.__setattr__(self, "holidays", MappingProxyType(dict(self.holidays)))
        object.__setattr__(self, "_years", frozenset(day.year for day in self.holidays))

    def closed_because(self, day: date) -> tuple[Why, str] | None:
        """Why `day` does not count as a business day, or None when it does. A holiday is named before a weekend."""
        if day in self.holidays:
            return Why.HOLIDAY, self.holidays[day]
        if day.weekday() in self.closed_weekdays:
            return Why.WEEKDAY_CLOSED, ""
        return None

    def is_open(self, day: date) -> bool:
        return self.closed_because(day) is None

    def knows(self, year: int) -> bool:
        """False when the calendar lists holidays, but none for this year: dates there need a second look."""
        years: frozenset[int] = self._years  # type: ignore[attr-defined]
        return not years or year in years


@dataclass(frozen=True)
class ExtensionTerms:
    """How far a recorded extension notice may move a deadline. None = the source sets no number we know of."""

    days: int | None = None
    times: int | None = None


@dataclass(frozen=True)
class Terms:
    """One dated version of a rule, as plain data. `amount` is hours, days, weeks or months, as `kind` says."""

    key: str
    version: int
    kind: Kind
    amount: int = 0
    title: str = ""
    source: str = ""
    since: date | None = None
    verified: bool = True
    extension: ExtensionTerms | None = None
    can_hold: bool = False
    warn_hours: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if (self.kind in COUNTING) != (0 < self.amount <= FURTHEST):
            raise ValueError(f"Rule {self.key}: {self.kind} does not go with the amount {self.amount}.")

    @classmethod
    def read(cls, *, kind: str, params: Mapping[str, Any], **described: Any) -> "Terms":
        """Terms from stored `params`; an unknown word in them is an error, never ignored."""
        params = dict(params)
        extension = params.pop("extension", None)
        terms = cls(
            kind=Kind(kind),
            amount=params.pop("amount", 0),
            extension=None if extension is None else ExtensionTerms(**extension),
            can_hold=params.pop("can_hold", False),
            warn_hours=tuple(params.pop("warn_hours", ())),
            **described,
        )
        if params:
            raise ValueError(f"Rule {terms.key}: unknown parameters {sorted(params)}.")
        return terms


@dataclass(frozen=True)
class Step:
    """One day on the way to the deadline. `number` is which counted unit it is; `minutes` only for a clock change."""

    date: date
    why: Why
    name: str = ""
    number: int = 0
    minutes: int = 0

    @property
    def counted(self) -> bool:
        return self.why in COUNTED

    @property
    def reason(self) -> str:
        """The step as a plain sentence, such as "Thu Nov 26: Thanksgiving Day, not counted"."""
        from coordinator.clocks import wording

        return wording.step(self)


@dataclass(frozen=True)
class Adjustment:
    """What moved a deadline after it was first worked out: an extension, or a hold that ended."""

    kind: str  # "extended" or "held"
    days: int
    due_at: datetime
    due_on: date | None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Explanation:
    """A deadline and how it came about. `due_at` is UTC; `due_on` is the local date, None for hour rules."""

    terms: Terms
    anchor: datetime | date
    anchor_label: str
    zone: str
    due_at: datetime
    due_on: date | None
    steps: tuple[Step, ...]
    calendar_name: str = ""
    calendar_version: str = ""
    unknown_years: tuple[int, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def rule_key(self) -> str:
        return self.terms.key

    @property
    def rule_version(self) -> int:
        return self.terms.version

    @property
    def source(self) -> str:
        return self.terms.source

    @property
    def anchor_at(self) -> datetime:
        """The anchor as an instant (UTC); a plain date starts with its local day."""
        from coordinator.clocks import rules

        return rules.instant(self.anchor, self.zone)

    def sentences(self) -> list[str]:
        """The whole explanation in plain sentences, in the language that is active."""
        from coordinator.clocks import wording

        return wording.sentences(self)


@dataclass(frozen=True)
class WarnPoint:
    """When to warn, and about what: a share of the time used, or hours left."""

    at: datetime
    percent: int = 0
    hours_left: int = 0
