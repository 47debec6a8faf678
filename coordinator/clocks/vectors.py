"""Test dates of a rule: an event, and the deadline that the rule must give for it. Pure: no database, no clock.

A rule's version keeps them as data, so that whoever changes a rule says beforehand what must come out, and every test
run works all of them out again. Written one a line:

    2026-11-25 -> 2026-11-30                      an event known by its day, and the day that ends the deadline
    2026-10-30 10:00 -> 2026-11-02 09:00          an event at a time, for rules that count hours
    2026-11-23, set 2026-12-01 -> 2026-12-01      a rule that goes by a date somebody sets
    2026-11-23 -> none                            the rule sets no deadline
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import time_format
from django.utils.translation import gettext as _

from coordinator.clocks import rules
from coordinator.clocks.values import Calendar, Kind, Refusal, Terms
from coordinator.wording import week_day

DAY = r"\d{4}-\d{2}-\d{2}"
LINE = re.compile(
    rf"(?:event on )?(?P<event>{DAY}(?:[ T]\d{{1,2}}:\d{{2}})?)(?:, ?set (?P<on>{DAY}))? ?(?:->|→) ?"
    rf"(?:due )?(?P<due>none|{DAY}(?:[ T]\d{{1,2}}:\d{{2}})?)",
    re.IGNORECASE,
)
MOST = 50


@dataclass(frozen=True)
class Vector:
    """One test date. `event` and `due` are a day, or a local time in `zone`; `due` None: no deadline."""

    event: date
    due: date | None
    zone: str
    on: date | None = None

    def as_data(self) -> dict[str, str]:
        """What a rule's version keeps."""
        data = {"event": _text(self.event), "due": _text(self.due) if self.due else "", "zone": self.zone}
        return data | ({"on": self.on.isoformat()} if self.on else {})

    @classmethod
    def read(cls, data: dict[str, str]) -> Vector:
        """What `as_data` kept."""
        on = date.fromisoformat(data["on"]) if data.get("on") else None
        due = _moment(data["due"]) if data["due"] else None
        return cls(_moment(data["event"]), due, data["zone"], on)

    @property
    def line(self) -> str:
        """As it is typed."""
        given = f", set {self.on.isoformat()}" if self.on else ""
        return f"{_text(self.event)}{given} -> {_text(self.due) if self.due else 'none'}"

    @property
    def words(self) -> str:
        """As a sentence, in the language that is active."""
        words = {"event": _said(self.event), "due": _said(self.due) if self.due else ""}
        if self.due is None:
            return _("Event on %(event)s: no deadline") % words
        if self.on is not None:
            words["on"] = _said(self.on)
            return _("Event on %(event)s, date set to %(on)s: due %(due)s") % words
        return _("Event on %(event)s: due %(due)s") % words


def parse(text: str, zone: str) -> tuple[list[Vector], list[str]]:
    """The test dates that somebody typed, and a sentence for every line that cannot be read."""
    found, wrong = [], []
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) > MOST:
        return [], [_("Give at most %(most)d test dates.") % {"most": MOST}]
    for number, line in lines:
        match = LINE.fullmatch(line)
        try:
            found.append(_vector(match, zone) if match else _refuse())
        except ValueError:
            text = _("Line %(number)d cannot be read: write it like 2026-11-25 -> 2026-11-30.")
            wrong.append(text % {"number": number})
    return found, wrong


def problems(vectors: Iterable[Vector], terms: Terms, calendar: Calendar | None) -> list[str]:
    """A sentence for every test date that comes out otherwise than it says; empty when all are right."""
    return [
        text
        for number, vector in enumerate(vectors, 1)
        if (text := _problem(number, vector, terms, calendar))
    ]


def _problem(number: int, vector: Vector, terms: Terms, calendar: Calendar | None) -> str:
    words: dict[str, Any] = {"number": number, "vector": vector.words}
    try:
        got = outcome(vector, terms, calendar)
    except (Refusal, ValueError) as error:
        return _("Test date %(number)d cannot be worked out: %(why)s") % {**words, "why": str(error)}
    if got == vector.due:
        return ""
    words["got"] = _said(got) if got else _("no deadline")
    return _("Test date %(number)d is wrong. %(vector)s; the rule gives %(got)s.") % words


def outcome(vector: Vector, terms: Terms, calendar: Calendar | None) -> date | None:
    """What the rule gives for the event: a day, a local time for hour rules, or None for no deadline.

    Raises `Refusal` and ValueError as `rules.explain` does.
    """
    if terms.kind is Kind.NO_DEADLINE:
        return None
    event = vector.event
    if isinstance(event, datetime):
        event = event.replace(tzinfo=ZoneInfo(vector.zone))
    explanation = rules.explain(terms, event, vector.zone, calendar, on=vector.on)
    if explanation.due_on is not None:
        return explanation.due_on
    return explanation.due_at.astimezone(ZoneInfo(vector.zone)).replace(tzinfo=None)


def _vector(match: re.Match[str], zone: str) -> Vector:
    due = match["due"].lower()
    on = date.fromisoformat(match["on"]) if match["on"] else None
    return Vector(_moment(match["event"]), None if due == "none" else _moment(match["due"]), zone, on)


def _refuse() -> Vector:
    raise ValueError


def _moment(text: str) -> date:
    day, _separator, hour = text.replace("T", " ").partition(" ")
    found = date.fromisoformat(day)
    if not hour:
        return found
    hours, minutes = hour.split(":")[:2]
    return datetime.combine(found, time(int(hours), int(minutes)))


def _text(value: date) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value.isoformat()


def _said(value: date) -> str:
    if not isinstance(value, datetime):
        return week_day(value)
    return f"{week_day(value.date())}, {time_format(value.time(), 'TIME_FORMAT')}"
