"""Reads: the register, the rule in force, calendars as values, clocks of many records, and "why this date?"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.translation import gettext as _

from coordinator.clocks import rules, storing, wording
from coordinator.clocks.models import BusinessCalendar, Clock, Holiday, RuleVersion
from coordinator.clocks.register import FEDERAL_CALENDAR
from coordinator.clocks.workflow import State
from coordinator.wording import day
from coordinator.workflow import NotAllowed


class NoRule(NotAllowed):
    """The register has no version of this rule for that day. The text can be shown."""


def rule_in_force(key: str, on: date) -> RuleVersion:
    """The version of a rule that counts on this day, with its rule and own calendar (one query).

    Raises `NoRule` when the register has none.
    """
    return version_or_refuse(RuleVersion.objects.all(), key, on)


def version_or_refuse(versions: Any, key: str, on: date) -> RuleVersion:
    """`rule_in_force` on a queryset that somebody already added to."""
    version = versions.in_force(on).filter(rule__key=key).select_related("rule", "calendar").first()
    if version is None:
        raise NoRule(
            _("The rules register has no rule “%(key)s” for %(day)s.") % {"key": key, "day": day(on)}
        )
    return version


def register(on: date) -> list[RuleVersion]:
    """Every rule as it stands on a day, by area and key, with rule and calendar (one query)."""
    versions = RuleVersion.objects.in_force(on).select_related("rule", "calendar")
    return list(versions.order_by("rule__area", "rule__key"))


def history(key: str) -> list[RuleVersion]:
    """All dated versions of one rule, newest first."""
    versions = RuleVersion.objects.filter(rule__key=key).select_related("rule", "calendar")
    return list(versions.order_by("-effective_from"))


def federal_calendar() -> BusinessCalendar:
    """The calendar of US federal holidays that ships with the product."""
    return BusinessCalendar.objects.get(name=FEDERAL_CALENDAR)


def calendar_for(site: Any) -> BusinessCalendar:
    """The site's own calendar, or the federal one where it has none."""
    return getattr(site, "calendar", None) or federal_calendar()


def as_calendar(calendar: BusinessCalendar) -> rules.Calendar:
    """The calendar as a value for the pure functions. One query the first time for each version, then none."""
    weekdays = frozenset(calendar.closed_weekdays)
    return _calendar(calendar.pk, calendar.version, calendar.name, weekdays)


@lru_cache(maxsize=64)
def _calendar(pk: UUID, version: int, name: str, closed_weekdays: frozenset[int]) -> rules.Calendar:
    holidays = dict(Holiday.objects.filter(calendar_id=pk).values_list("date", "name"))
    return rules.Calendar(name=name, version=str(version), closed_weekdays=closed_weekdays, holidays=holidays)


def forget_calendars() -> None:
    """For those who change one: a version that was rolled back must not be remembered under its number."""
    _calendar.cache_clear()


def clocks_for(subjects: Iterable[Model]) -> dict[UUID, list[Clock]]:
    """Clocks of many records in one query: subject key -> its clocks by due time, void ones left out.

    The caller has checked that these records may be seen. The long `explanation` is not loaded.
    """
    subjects = list(subjects)
    found: dict[UUID, list[Clock]] = {subject.pk: [] for subject in subjects}
    if subjects:
        clocks = Clock.objects.about(subjects).exclude(state=State.VOID).defer("explanation")
        for clock in clocks.select_related("rule_version__rule"):
            found[clock.subject_id].append(clock)
    return found


def explanation_of(clock: Clock) -> rules.Explanation:
    """The stored explanation, whatever the register and the calendar say today."""
    return storing.unpack(clock.explanation, clock.rule_version.terms(), clock.anchor_label)


def why(clock: Clock) -> list[str]:
    """ "Why this date?": the explanation as sentences, then what happened to the clock since."""
    lines = explanation_of(clock).sentences()
    if clock.state == State.HELD and clock.held_since:
        since = wording.moment(clock.held_since, clock.zone)
        lines.append(
            _("On hold since %(since)s. When it resumes, the time that was left then is given back.")
            % {"since": since}
        )
    elif clock.state == State.MET and clock.met_at:
        text = _("Met %(when)s, after the deadline.") if clock.met_late else _("Met %(when)s.")
        lines.append(text % {"when": wording.moment(clock.met_at, clock.zone)})
    elif clock.state == State.MISSED:
        lines.append(_("The deadline has passed."))
    elif clock.state == State.VOID:
        lines.append(_("This deadline no longer applies."))
    return lines
