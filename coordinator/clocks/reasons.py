""" "Why this date?" in parts: how it was counted, what happened since, what is announced, and who may change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from coordinator.clocks import rules, wording
from coordinator.clocks.models import Clock, ClockEvent
from coordinator.clocks.selectors import as_calendar, explanation_of, why
from coordinator.clocks.workflow import State
from coordinator.wording import week_day


@dataclass(frozen=True)
class Happened:
    """One event of a clock: when, what, why and who, and what it changed."""

    at: datetime
    words: str
    reason: str
    who: str


@dataclass(frozen=True)
class Reasons:
    """Everything the answer to "why this date?" says. Sentences, in the language that is active."""

    clock: Clock
    due: str
    sentences: list[str]
    book_by: str
    warnings: list[str]
    changes: list[str]
    happened: list[Happened]

    @property
    def rule_title(self) -> str:
        return self.clock.rule_version.rule.title


def reasons_for(clock: Clock, *, site_calendar: Any = None) -> Reasons:
    """The whole answer for one clock (one query for its events, one for a calendar that is not known yet).

    The clock comes with `rule_version__rule` and `calendar`. `site_calendar` says when the place is closed, for "book by".
    """
    explanation = explanation_of(clock)
    events = clock.changes.select_related("by").order_by("at", "id")
    first, *rest = why(clock)
    return Reasons(
        clock=clock,
        due=first,
        sentences=rest,
        book_by=_book_by(clock, site_calendar or clock.calendar),
        warnings=_warnings(clock, explanation),
        changes=_changes(explanation.terms),
        happened=[_event(event, clock.zone) for event in events],
    )


def _book_by(clock: Clock, calendar: Any) -> str:
    """For a day that is closed: the last open day before it. The deadline stays where it is."""
    if clock.due_on is None or calendar is None:
        return ""
    open_day = rules.book_by(clock.due_on, as_calendar(calendar))
    if open_day == clock.due_on:
        return ""
    words = {"due": week_day(clock.due_on), "book_by": week_day(open_day), "calendar": calendar.name}
    return (
        _(
            "%(due)s is closed in the calendar %(calendar)s. Book by %(book_by)s; the deadline itself does not move."
        )
        % words
    )


def _warnings(clock: Clock, explanation: rules.Explanation) -> list[str]:
    if clock.state in (State.MET, State.VOID):
        return []
    return [
        _("%(when)s: %(what)s.")
        % {"when": wording.moment(point.at, clock.zone), "what": wording.warning(point)}
        for point in rules.warn_points(explanation)
    ]


def _changes(terms: rules.Terms) -> list[str]:
    """Who may change the date, and how far."""
    return [
        *wording.leeway(terms),
        _("Whoever works on this record may extend, hold or end the deadline as far as the rule allows."),
        _(
            "What the rule says is changed on the page Rules: a manager or an administrator proposes, a second one approves."
        ),
    ]


def _event(event: ClockEvent, zone: str) -> Happened:
    words = {
        "start": _("The clock started."),
        "hold": _("It was put on hold."),
        "resume": _("It runs again."),
        "extend": _("It was extended."),
        "warn": _("A warning was noted."),
        "meet": _("What it waited for has happened."),
        "miss": _("The deadline passed."),
        "reopen": _("Corrected: it was not met after all."),
        "void": _("It no longer applies."),
        "change_rule": _("It was moved to another version of the rule."),
    }.get(event.step) or capfirst(event.step.replace("_", " "))
    who = event.by.name if event.by else _("The system")
    return Happened(event.at, words + _moved(event, zone), event.reason, who)


def _moved(event: ClockEvent, zone: str) -> str:
    """What an extension, a hold or another rule changed: from when to when."""
    due_at, due_on = event.facts.get("due_at"), event.facts.get("due_on")
    if not due_at or event.step not in ("extend", "resume", "change_rule"):
        return ""
    on = datetime.fromisoformat(due_on).date() if due_on else None
    when = wording.due(_instant(due_at), on, zone)
    return " " + _("Since then it is due %(when)s.") % {"when": when}


def _instant(text: Any) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)
