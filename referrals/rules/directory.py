"""What the directory counts and checks. Pure: data and a day in, an answer out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

FIGURES_FROM = 5  # product default: fewer referrals than this say nothing about a practice


def is_npi(number: str) -> bool:
    """Ten digits whose last one is the Luhn check digit over 80840 and the nine before (45 CFR 162.406; CMS, NPI check
    digit)."""
    if len(number) != 10 or not (number.isascii() and number.isdigit()):
        return False
    total = 24  # what 80840 adds
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value // 10 + value % 10
    return total % 10 == 0


@dataclass(frozen=True)
class Sent:
    """What became of one referral that was sent to a practice. Moments in UTC."""

    sent_at: datetime
    accepted_at: datetime | None
    scheduled_at: datetime | None
    report_at: datetime | None
    declined: bool


@dataclass(frozen=True)
class Figure:
    """A median in days, or a share in percent, over `n` referrals; None when they are too few."""

    value: float | None
    n: int


@dataclass(frozen=True)
class Figures:
    sent: int
    accepted: Figure  # percent of those that were answered
    to_accept: Figure
    to_schedule: Figure
    to_report: Figure


def figures(rows: Iterable[Sent]) -> Figures:
    """Our own experience with a practice, from the steps of the referrals sent there."""
    rows = list(rows)
    answered = [row.accepted_at is not None for row in rows if row.accepted_at or row.declined]
    share = 100 * sum(answered) / len(answered) if len(answered) >= FIGURES_FROM else None
    return Figures(
        sent=len(rows),
        accepted=Figure(share, len(answered)),
        to_accept=_days(rows, "accepted_at"),
        to_schedule=_days(rows, "scheduled_at"),
        to_report=_days(rows, "report_at"),
    )


def _days(rows: list[Sent], name: str) -> Figure:
    """Median days from sending to this step; a step noted before the sending is not counted."""
    waits = [
        (moment - row.sent_at).total_seconds() / 86400
        for row in rows
        if (moment := getattr(row, name)) is not None and moment >= row.sent_at
    ]
    return Figure(median(waits) if len(waits) >= FIGURES_FROM else None, len(waits))
