"""Calendars, terms and clocks for tests of the clock rules."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from coordinator.clocks import rules, services, sync
from coordinator.clocks.models import Clock, Rule, RuleProposal
from coordinator.clocks.register_services import propose_rule_version
from coordinator.clocks.rules import Calendar, ExtensionTerms, Kind, Terms
from coordinator.clocks.vectors import parse
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import System

NEW_YORK = "America/New_York"
CHICAGO = "America/Chicago"
TESTER = System("test")


def federal() -> Calendar:
    """The federal holidays as a value, without a database."""
    return Calendar(name="US federal", version="1", holidays=sync.federal_holidays())


def make_terms(kind: Kind, amount: int = 0, **says: Any) -> Terms:
    says.setdefault("key", "test.rule")
    says.setdefault("version", 1)
    return Terms(kind=kind, amount=amount, **says)


def business(days: int) -> Terms:
    return make_terms(Kind.BUSINESS_DAYS, days, title="Contact after discharge", can_hold=True)


STANDARD = make_terms(Kind.CALENDAR_DAYS, 7, extension=ExtensionTerms(days=14))
EXPEDITED = make_terms(
    Kind.ELAPSED_HOURS, 72, extension=ExtensionTerms(days=14), warn_hours=(24, 4), can_hold=True
)


def local(zone: str, *parts: int) -> datetime:
    """A local time; `datetime(2026, 11, 2, 9)` in the zone."""
    return datetime(*parts, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type, misc]


def due_day(terms: Terms, anchor: date, zone: str = NEW_YORK) -> date:
    explanation = rules.explain(terms, anchor, zone, federal())
    assert explanation.due_on is not None
    return explanation.due_on


def make_clock(**fields: Any) -> Clock:
    """A running clock about a new site; two federal business days from Fri Nov 20, 2026 unless told otherwise."""
    fields.setdefault("subject", None)
    fields["subject"] = fields["subject"] or make_site()
    fields.setdefault("kind", "tcm.contact")
    fields.setdefault("anchor_at", local(CHICAGO, 2026, 11, 20, 15))
    fields.setdefault("zone", CHICAGO)
    fields.setdefault("calendar", None)
    fields.setdefault("by", TESTER)
    fields.setdefault("now", local(CHICAGO, 2026, 11, 20, 16))
    with transaction.atomic():
        clock = services.start_clock(**fields)
    assert clock is not None
    return clock


def make_proposal(rule: str = "referral.send", **fields: Any) -> RuleProposal:
    """Three business days instead of two, from Jan 1, 2027; by a manager unless told otherwise."""
    vectors = fields.pop("tests", "2026-11-25 -> 2026-12-01")
    fields.setdefault("effective_from", date(2027, 1, 1))
    fields.setdefault("kind", "business_days")
    fields.setdefault("params", {"amount": 3, "can_hold": True})
    fields.setdefault("source", "Our own decision.")
    fields.setdefault("why", "Two days were too short.")
    fields.setdefault("by", make_user("manager"))
    fields.setdefault("now", local(CHICAGO, 2026, 11, 20, 16))
    found, wrong = parse(vectors, NEW_YORK)
    assert not wrong
    return propose_rule_version(rule_id=Rule.objects.get(key=rule).pk, vectors=found, **fields)
