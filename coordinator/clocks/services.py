"""Every write to clocks and calendars.

Clocks are consequences: the service that starts, meets or voids one has already checked who may do it, and holds the
transaction. What a rule does not allow is refused with a sentence (`NotAllowed`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model, Q, Subquery
from django.utils.translation import gettext as _

from coordinator.clocks import rules, storing
from coordinator.clocks.models import BusinessCalendar, Clock, RuleVersion
from coordinator.clocks.selectors import (
    NoRule,
    as_calendar,
    clocks_for,
    explanation_of,
    federal_calendar,
    rule_in_force,
    version_or_refuse,
    why,
)
from coordinator.clocks.sweeping import sweep, sweep_warnings
from coordinator.clocks.workflow import OPEN, State
from coordinator.db import lock, refusals, require_transaction
from coordinator.workflow import Actor, NotAllowed, begin, move, person

__all__ = [
    "NoRule",
    "clocks_for",
    "explained",
    "extend_clock",
    "hold_clock",
    "meet_clock",
    "meet_clocks",
    "reopen_clock",
    "resume_clock",
    "rule_in_force",
    "start_clock",
    "sweep",
    "sweep_warnings",
    "void_clock",
    "void_clocks",
    "why",
]


def start_clock(
    *,
    subject: Model,
    kind: str,
    anchor_at: datetime | date,
    zone: str,
    calendar: BusinessCalendar | None,
    by: Actor,
    now: datetime,
    site_id: UUID | None = None,
    rule: str = "",
    on: date | None = None,
    anchor_label: str = "",
    owner_id: int | None = None,
) -> Clock | None:
    """Start the deadline of this kind for a record, in the caller's transaction (at most 4 queries).

    `kind` says what it is for ("payer_decision"); `rule` is the register's key, by default the kind itself. The
    version in force on the anchor's local day counts. A rule that names the federal calendar uses it, whatever is
    passed. `on` is the date a fixed-date rule goes by; `anchor_label` is the event in plain words ("discharge").

    Starting again is harmless: the open clock of this kind, or the one this very event started, comes back as it is.
    None when the register sets no deadline here, or leaves it to a date that is not known yet.
    Raises `NoRule` for a rule the register does not have on that day.
    """
    require_transaction()
    anchor = rules.instant(anchor_at, zone)
    same = Clock.objects.about([subject]).filter(kind=kind)
    same = same.filter(Q(state__in=OPEN) | Q(anchor_at=anchor) & ~Q(state=State.VOID)).order_by("-created_at")
    versions = RuleVersion.objects.annotate(earlier=Subquery(same.values("pk")[:1]))
    version = version_or_refuse(versions, rule or kind, rules.local_date(anchor_at, zone))
    earlier: UUID | None = getattr(version, "earlier", None)
    if earlier is not None:
        return Clock.objects.get(pk=earlier)
    if version.kind == rules.Kind.NO_DEADLINE or (version.kind == rules.Kind.FIXED_DATE and on is None):
        return None
    explanation, calendar = explained(version, anchor_at, zone, calendar, on=on, anchor_label=anchor_label)
    clock = Clock(
        created_by=person(by),
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        kind=kind,
        rule_version=version,
        calendar=calendar,
        calendar_version=calendar.version if calendar else None,
        zone=zone,
        anchor_at=anchor,
        anchor_label=anchor_label,
        original_due_at=explanation.due_at,
        site_id=site_id,
        owner_user_id=owner_id,
        **dates_of(explanation, now),
    )
    if not _insert_unless_there(clock):
        return same.get()
    begin(
        clock,
        by=by,
        now=now,
        step="start",
        due_at=clock.due_at,
        rule=version.rule.key,
        rule_version=version.version,
    )
    return clock


@transaction.atomic
def extend_clock(*, clock_id: UUID, days: int, reason: str, by: Actor, now: datetime) -> Clock:
    """Move the deadline by calendar days, on a recorded notice (`reason` says which). The rule's limit holds."""
    clock = _locked(clock_id)
    explanation = _or_refuse(rules.extend, explanation_of(clock), days)
    move(clock, "extend", by=by, now=now, reason=reason, days=days, **dates_of(explanation, now, clock))
    return clock


@transaction.atomic
def hold_clock(*, clock_id: UUID, reason: str, by: Actor, now: datetime) -> Clock:
    """Stop the time of a clock whose rule allows it. Federal clocks run on while a payer waits for an answer."""
    clock = _locked(clock_id)
    _or_refuse(rules.check_can_hold, clock.rule_version.terms())
    move(clock, "hold", by=by, now=now, reason=reason, held_since=now)
    return clock


@transaction.atomic
def resume_clock(*, clock_id: UUID, by: Actor, now: datetime, reason: str = "") -> Clock:
    """Let a held clock run again; what was left when it was held is left again."""
    clock = _locked(clock_id)
    if clock.held_since is None:
        raise NotAllowed(_("This clock is not on hold."))
    calendar = as_calendar(clock.calendar) if clock.calendar else None
    explanation = _or_refuse(rules.resume, explanation_of(clock), clock.held_since, now, calendar)
    move(
        clock,
        "resume",
        by=by,
        now=now,
        reason=reason,
        **_hold_ended(clock, now),
        **dates_of(explanation, now, clock),
    )
    return clock


@transaction.atomic
def meet_clock(
    *, clock_id: UUID, by: Actor, now: datetime, at: datetime | None = None, reason: str = ""
) -> Clock:
    """What the clock waited for has happened, `at` a moment not after `now` (default: now). A missed one is met late."""
    clock = _locked(clock_id)
    met_at = at or now
    if met_at > now:
        raise NotAllowed(_("A deadline cannot be met in the future."))
    move(clock, "meet", by=by, now=now, reason=reason, met_at=met_at, **_hold_ended(clock, now))
    return clock


@transaction.atomic
def reopen_clock(*, clock_id: UUID, reason: str, by: Actor, now: datetime) -> Clock:
    """Correction: the clock was not met after all. It runs again, and is missed at once if its time is over."""
    clock = _locked(clock_id)
    with refusals(clock_one_open_per_kind=_("Another clock of this kind is running already.")):
        move(clock, "reopen", by=by, now=now, reason=reason, met_at=None)
    return clock


@transaction.atomic
def void_clock(*, clock_id: UUID, reason: str, by: Actor, now: datetime) -> Clock:
    """The deadline no longer applies (cancelled, downgraded, entered in error). Final."""
    clock = _locked(clock_id)
    move(clock, "void", by=by, now=now, reason=reason, **_hold_ended(clock, now))
    return clock


@transaction.atomic
def meet_clocks(
    *, subject: Model, kinds: Iterable[str], by: Actor, now: datetime, at: datetime | None = None
) -> list[Clock]:
    """Meet the running, held and missed clocks of these kinds for one record; none is fine."""
    waiting = (*OPEN, State.MISSED)
    found = Clock.objects.about([subject]).filter(kind__in=list(kinds), state__in=waiting)
    return [meet_clock(clock_id=pk, by=by, now=now, at=at) for pk in _keys(found)]


@transaction.atomic
def void_clocks(
    *, subject: Model, reason: str, by: Actor, now: datetime, kinds: Iterable[str] | None = None
) -> list[Clock]:
    """Void the running and held clocks of one record, of all kinds or of these; none is fine."""
    found = Clock.objects.about([subject]).open()
    if kinds is not None:
        found = found.filter(kind__in=list(kinds))
    return [void_clock(clock_id=pk, reason=reason, by=by, now=now) for pk in _keys(found)]


def _locked(clock_id: UUID) -> Clock:
    return lock(Clock.objects.select_related("rule_version__rule", "calendar"), clock_id)


def _keys(clocks: Any) -> list[UUID]:
    return list(clocks.order_by("pk").values_list("pk", flat=True))


def explained(
    version: RuleVersion,
    anchor: datetime | date,
    zone: str,
    calendar: BusinessCalendar | None,
    *,
    on: date | None = None,
    anchor_label: str,
) -> tuple[rules.Explanation, BusinessCalendar | None]:
    """A deadline by this version, without a clock, and the calendar it counts by: the version's own, else `calendar`,
    else the federal one where business days count. Raises like `rules.explain`."""
    chosen = version.calendar or calendar
    if chosen is None and version.kind == rules.Kind.BUSINESS_DAYS:
        chosen = federal_calendar()
    days = as_calendar(chosen) if chosen else None
    return rules.explain(version.terms(), anchor, zone, days, on=on, anchor_label=anchor_label), chosen


def dates_of(explanation: rules.Explanation, now: datetime, clock: Clock | None = None) -> dict[str, Any]:
    """The columns that follow from an explanation. The long ones go straight on an existing clock, so that they are
    saved with the step but not repeated in its change row."""
    marks = [point.at for point in rules.warn_points(explanation)]
    long = {
        "explanation": storing.pack(explanation),
        "warn_marks": marks,
        "next_warn_at": min((mark for mark in marks if mark > now), default=None),
    }
    short = {"due_at": explanation.due_at, "due_on": explanation.due_on}
    if clock is None:
        return long | short
    for name, value in long.items():
        setattr(clock, name, value)
    return short


def _hold_ended(clock: Clock, now: datetime) -> dict[str, Any]:
    if clock.held_since is None:
        return {}
    seconds = max(int((now - clock.held_since).total_seconds()), 0)
    return {"held_since": None, "held_seconds": clock.held_seconds + seconds}


def _or_refuse(rule: Callable[..., Any], *args: Any) -> Any:
    try:
        return rule(*args)
    except rules.Refusal as refusal:
        raise NotAllowed(str(refusal)) from refusal


def _insert_unless_there(clock: Clock) -> bool:
    """Insert; False when another transaction started the same clock first. One statement and no savepoint:
    the ORM can ignore a conflict but does not tell that it did."""
    fields = clock._meta.concrete_fields
    values = [field.get_db_prep_save(field.pre_save(clock, add=True), connection) for field in fields]
    places = [
        field.get_placeholder(value, None, connection) if hasattr(field, "get_placeholder") else "%s"
        for field, value in zip(fields, values, strict=True)
    ]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    into, marks = clock._meta.db_table, ", ".join(places)
    sql = f"insert into {into} ({names}) values ({marks}) on conflict do nothing"  # noqa: S608  (our own names)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        inserted = cursor.rowcount == 1
    clock._state.adding = not inserted
    clock._state.db = connection.alias
    return inserted
