"""How appeals go by payer type: levels, which rule of the register sets which date. Pure: no ORM, no wall clock.

Source of the routes: Medicare Advantage reconsideration and Independent Review Entity (42 CFR 422.582, 422.590, 422.592),
employer plans (29 CFR 2560.503-1), Medicaid managed care (42 CFR 438.402, 438.408). What the register marks as not
compared with its source yet is said with every date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

FILE, PEER = "appeal.file", "appeal.peer_to_peer"
PRINTED = "appeal.notice.file"
DECISION = "appeal.decision"
KNOWN = ("medicare_advantage", "employer", "medicaid_managed", "medicare", "medicaid", "chip", "marketplace")
WITH_KINDS = {"medicare_advantage": ("standard", "expedited", "part_b_drug", "payment")}
PLAIN_KINDS = ("standard", "expedited")


@dataclass(frozen=True)
class Level:
    """`asks` says what to do; `by_plan`: the plan sends the case on by itself; `file` is the rule of our window."""

    name: Any
    asks: Any
    file: str = ""
    by_plan: bool = False
    decides: bool = False  # the register knows how long this level takes


FIRST_OF_PLAN = lazy("Appeal to the plan")
ROUTES: dict[str, tuple[Level, ...]] = {
    "medicare_advantage": (
        Level(
            lazy("Reconsideration by the plan"),
            lazy("Ask the plan to reconsider."),
            "appeal.medicare_advantage.file",
            decides=True,
        ),
        Level(
            lazy("Independent Review Entity"),
            lazy(
                "The plan must send the case to the Independent Review Entity by itself. Record when it did."
            ),
            "appeal.medicare_advantage.ire",
            by_plan=True,
        ),
    ),
    "employer": (
        Level(
            FIRST_OF_PLAN, lazy("Ask the plan to review its denial."), "appeal.employer.file", decides=True
        ),
        Level(
            lazy("External review"),
            lazy("Ask for an external review by somebody outside the plan."),
            "appeal.employer.external",
        ),
    ),
    "medicaid_managed": (
        Level(
            FIRST_OF_PLAN,
            lazy("Ask the plan to review its denial."),
            "appeal.medicaid_managed.file",
            decides=True,
        ),
        Level(
            lazy("State fair hearing"),
            lazy("Help the patient to ask for a state fair hearing."),
            "appeal.medicaid_managed.fair_hearing",
        ),
    ),
}


def type_of(payer_type: str) -> str:
    """The payer type as the register knows it; types without rules of their own go by "other"."""
    return payer_type if payer_type in KNOWN else "other"


def file_rule(payer_type: str) -> str:
    """The register's key for the window in which a first appeal is filed."""
    return f"appeal.{type_of(payer_type)}.file"


def kinds(payer_type: str) -> tuple[str, ...]:
    return WITH_KINDS.get(payer_type, PLAIN_KINDS)


def decision_rule(payer_type: str, level: int, kind: str) -> str:
    """The register's key for how long the payer may take; "" where it has no number for that level."""
    if not level_of(payer_type, level).decides:
        return ""
    return f"appeal.{type_of(payer_type)}.{kind if kind in kinds(payer_type) else 'standard'}"


def level_of(payer_type: str, level: int) -> Level:
    """What the level is called and what it asks for; payers without a known route just have numbers."""
    route = ROUTES.get(payer_type, ())
    if level <= len(route):
        return route[level - 1]
    return Level(_("Appeal, level %(n)d") % {"n": level}, _("File it as the payer's notice says."))


def next_level(payer_type: str, levels: Iterable[int]) -> int | None:
    """The level that comes after those filed; None when the known route is at its end."""
    following = max(levels, default=0) + 1
    most = len(ROUTES.get(payer_type, ())) or 3
    return following if following <= most else None


@dataclass(frozen=True)
class Window:
    """The last day to file, and which of the two dates it is."""

    last_day: date | None
    by_rule: date | None
    printed: date | None

    @property
    def is_printed(self) -> bool:
        return self.printed is not None and (self.by_rule is None or self.printed < self.by_rule)


def window(by_rule: date | None, printed: date | None) -> Window:
    """The earlier of the stored rule's day and the day the notice prints (domain 3.2.4)."""
    given = [day for day in (by_rule, printed) if day is not None]
    return Window(min(given, default=None), by_rule, printed)


def peer_day(notice_on: date, days: int | None, printed: date | None) -> date | None:
    """The last day to ask for a peer-to-peer talk: the earlier of the payer's own days and what the notice prints."""
    own = notice_on + timedelta(days=days) if days is not None else None
    return window(own, printed).last_day
