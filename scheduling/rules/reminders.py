"""When a reminder goes, to which address, or why none goes. Pure: facts and `now` in, decisions out.

Reasons are asked in a fixed order and the first that applies is the answer:

    already in the ledger, visit not booked, patient deceased or inactive, no permission, opted out, no address,
    owner may not hear about visits, safe-contact hold of an address, address failing, booked after the window, window missed, merged with another visit that day, daily limit,
    weekly limit, safe-contact hold, switched off for the site, no text

Every decision carries the steps that led to it. Instants are UTC; hours are wall-clock hours in a named zone.
Limits: 47 CFR 64.1200(a)(9)(iv), one message a day and three a week; hours: 64.1200(c)(1), 8 to 21.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

LAWFUL_FROM, LAWFUL_UNTIL = 8, 21
BEFORE_VISIT = timedelta(hours=2)  # nothing goes later than this before the start
PER_DAY, PER_WEEK = 1, 3
MOST_SLOTS = 4  # days on which one reminder is tried, the first included
DAY = timedelta(days=1)

Slot = tuple[datetime, datetime]
Step = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Hours:
    """A site's local hours: when reminders leave and when all is quiet (`quiet_from` up to `quiet_until`)."""

    reminder: int = 10
    quiet_from: int = 20
    quiet_until: int = 9

    def allows(self, hour: int) -> bool:
        """May a message arrive during this wall-clock hour? Never outside 8 to 21, whatever the site says."""
        if not LAWFUL_FROM <= hour < LAWFUL_UNTIL:
            return False
        if self.quiet_from <= self.quiet_until:
            return not self.quiet_from <= hour < self.quiet_until
        return self.quiet_until <= hour < self.quiet_from


@dataclass(frozen=True)
class Address:
    """One number or e-mail address that the patient gave, in the order of preference."""

    channel: str  # "sms" or "email"
    value: str
    permitted: bool
    opted_out: bool = False
    failing: bool = False
    hears: bool = True  # the patient's own, or of somebody who may hear about visits
    is_safe: bool = True


@dataclass(frozen=True)
class Visit:
    """All that is asked about one appointment. `windows` are days before it, the largest first."""

    id: UUID
    version: int
    patient_id: UUID
    site_id: UUID
    start: datetime
    zone: str
    time_known: bool
    booked_at: datetime
    remindable: bool
    patient_active: bool
    addresses: tuple[Address, ...]
    recipient_zones: tuple[str, ...]
    windows: tuple[int, ...]
    site_zone: str
    hours: Hours = Hours()
    site_on: bool = True
    safe_contact_hold: bool = False
    has_text: bool = True

    @property
    def day(self) -> date:
        """The local day of the visit where it takes place."""
        return self.start.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True)
class Decision:
    """A reminder to send in `slots`, or `skip_reason`. `also` are other visits of that day, told in the same message."""

    visit: Visit
    window: int
    send_after: datetime
    address: Address | None = None
    slots: tuple[Slot, ...] = ()
    late: bool = False
    skip_reason: str = ""
    steps: tuple[Step, ...] = ()
    also: tuple[Visit, ...] = ()

    @property
    def channel(self) -> str:
        """A skipped one without an address is filed under text messages."""
        return self.address.channel if self.address else "sms"

    @property
    def expires_at(self) -> datetime | None:
        return self.slots[-1][1] if self.slots else None

    @property
    def key(self) -> str:
        return f"{visit_key(self.visit.id, self.visit.version, self.window)}:{self.channel}"


def visit_key(visit_id: UUID, version: int, window: int) -> str:
    """What is unique in the ledger, without the channel: appointment, version of its start, window."""
    return f"reminder:{visit_id}:{version}:{window}d"


@dataclass(frozen=True)
class Ledger:
    """What was decided before. `settled` are visit keys; `told` are days a patient was already told of in a window;
    `sent` are the moments of messages by address, planned ones included."""

    settled: frozenset[str] = frozenset()
    told: frozenset[tuple[UUID, date, int]] = frozenset()
    sent: Mapping[str, Sequence[datetime]] | None = None


NOTHING_YET = Ledger()


def plan(visits: Iterable[Visit], *, now: datetime, ledger: Ledger = NOTHING_YET) -> list[Decision]:
    """One decision for each visit and window, in the order of sending. The same facts give the same decisions."""
    alone = [decide(visit, window, now, ledger.settled) for visit in visits for window in visit.windows]
    decided = [d for d in alone if d.skip_reason]
    going = sorted(
        (d for d in alone if not d.skip_reason), key=lambda d: (d.send_after, d.visit.start, d.visit.id)
    )
    kept, merged = _merge(going, ledger.told)
    return decided + merged + _limit(kept, ledger.sent or {})


def decide(visit: Visit, window: int, now: datetime, settled: frozenset[str] = frozenset()) -> Decision:
    """What can be said about one visit and window by itself: every reason up to `window_missed`.

    A visit booked after `now` is decided at its booking: a night that is made up for stands for its whole day.
    """
    now = max(now, visit.booked_at)
    moment = own_moment(visit, window)
    steps: list[Step] = [
        ("visit", {"start": visit.start, "zone": visit.zone, "time_known": visit.time_known}),
        ("window", {"days": window, "at": moment, "zone": visit.site_zone}),
    ]
    address, why_no_address = choose_address(visit.addresses)
    base = Decision(visit, window, send_after=max(moment, now), address=address, steps=tuple(steps))
    checks = (
        ("already_in_ledger", visit_key(visit.id, visit.version, window) in settled),
        ("not_remindable_status", not visit.remindable),
        ("patient_deceased_or_inactive", not visit.patient_active),
        (why_no_address, address is None),
        ("booked_after_window", visit.booked_at > moment),
    )
    if reason := next((name for name, applies in checks if applies), ""):
        return _skip(base, reason)
    slots = allowed_slots(max(moment, now), _latest(visit, window), visit.recipient_zones, visit.hours)
    if not slots:
        return _skip(base, "window_missed")
    late = now > moment
    if late:
        steps.append(("late", {"now": now, "zone": visit.site_zone}))
    if slots[0][0] > max(moment, now):
        steps.append(("quiet_hours", {"until": slots[0][0], "zones": list(visit.recipient_zones)}))
    return replace(base, send_after=slots[0][0], slots=slots, late=late, steps=tuple(steps))


def choose_address(addresses: Sequence[Address]) -> tuple[Address | None, str]:
    """The first usable address, texts before e-mails; or none, and the first reason that applies."""
    if not addresses:
        return None, "no_address"
    permitted = [a for a in addresses if a.permitted or a.opted_out]
    if not permitted:
        return None, "no_permission"
    willing = [a for a in permitted if not a.opted_out]
    if not willing:
        return None, "opted_out"
    hearing = [a for a in willing if a.hears]
    if not hearing:
        return None, "topic_not_held"
    safe = [a for a in hearing if a.is_safe]
    if not safe:
        return None, "safe_contact_hold"
    working = [a for a in safe if not a.failing]
    if not working:
        return None, "address_failing"
    return min(working, key=lambda a: a.channel != "sms"), ""


# --- when -----------------------------------------------------------------------------------------------


def own_moment(visit: Visit, window: int) -> datetime:
    """So many local days before the visit, at the site's reminder hour. An hour that the clocks skip moves on by one;
    of an hour that comes twice the first is meant."""
    return _wall(visit.day - window * DAY, visit.hours.reminder, visit.site_zone)


def _latest(visit: Visit, window: int) -> datetime:
    """The end of this window: two hours before the visit, or the day on which the next reminder goes."""
    nearer = [w for w in visit.windows if w < window]
    end = visit.start - BEFORE_VISIT
    return min(end, _wall(visit.day - max(nearer) * DAY, 0, visit.site_zone)) if nearer else end


@lru_cache(maxsize=4096)
def allowed_slots(start: datetime, end: datetime, zones: tuple[str, ...], hours: Hours) -> tuple[Slot, ...]:
    """The first stretches between `start` and `end` in which all the zones the recipient may be in have allowed
    hours; at most four. Visits of one day share them, hence the cache."""
    slots: list[Slot] = []
    cursor = start
    while cursor < end and len(slots) < MOST_SLOTS:
        opens = _next_open(cursor, end, zones, hours)
        if opens is None:
            break
        cursor = min(end, *(_closing(opens, zone, hours) for zone in zones))
        slots.append((opens, cursor))
    return tuple(slots)


def _next_open(moment: datetime, end: datetime, zones: tuple[str, ...], hours: Hours) -> datetime | None:
    """The first instant from `moment` on that is allowed in all zones, or None when there is none before `end`."""
    while moment < end:
        shut = [zone for zone in zones if not _is_open(moment, zone, hours)]
        if not shut:
            return moment
        moment = max(_next_hour(moment, zone) for zone in shut)
    return None


def _is_open(moment: datetime, zone: str, hours: Hours) -> bool:
    return hours.allows(moment.astimezone(ZoneInfo(zone)).hour)


def _next_hour(moment: datetime, zone: str) -> datetime:
    """The next full hour on this zone's wall clock (offsets of half and quarter hours included)."""
    local = moment.astimezone(ZoneInfo(zone))
    return (
        moment
        + timedelta(hours=1)
        - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    )


def _closing(opens: datetime, zone: str, hours: Hours) -> datetime:
    """The end of the allowed stretch that `opens` lies in."""
    moment = opens
    while _is_open(moment, zone, hours):
        moment = _next_hour(moment, zone)
    return moment


def _wall(day: date, hour: int, zone: str) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(zone)).astimezone(UTC)


# --- several visits, one person ---------------------------------------------------------------------------


def _merge(
    going: Sequence[Decision], told: frozenset[tuple[UUID, date, int]]
) -> tuple[list[Decision], list[Decision]]:
    """Visits of one patient on one local day get one message in each window: the earliest visit's."""
    groups: dict[tuple[UUID, date, int], list[Decision]] = defaultdict(list)
    for decision in going:
        groups[decision.visit.patient_id, decision.visit.day, decision.window].append(decision)
    kept, merged = [], []
    for group, members in groups.items():
        members.sort(key=lambda d: (d.visit.start, d.visit.id))
        first = None if group in told else members[0]
        others = members if first is None else members[1:]
        if first is not None:
            kept.append(replace(first, also=tuple(d.visit for d in others)))
        with_visit = {"visit": str(first.visit.id)} if first else {}
        merged += [_skip(d, "duplicate_same_day_merged", with_visit) for d in others]
    kept.sort(key=lambda d: (d.send_after, d.visit.start, d.visit.id))
    return kept, merged


def _limit(going: Sequence[Decision], sent: Mapping[str, Sequence[datetime]]) -> list[Decision]:
    """At most one message a day and three in any seven days to one address, by the recipient's own days.

    Moments are kept and told by each recipient's zone: two who share a number may live in two zones.
    """
    moments: dict[str, list[datetime]] = {}
    result = []
    for decision in going:
        assert decision.address is not None
        address, zone = decision.address.value, ZoneInfo(decision.visit.recipient_zones[0])
        taken = moments.setdefault(address, list(sent.get(address, ())))
        day = decision.send_after.astimezone(zone).date()
        days = [moment.astimezone(zone).date() for moment in taken]
        reason = limit_reached(day, days) or _reason_at_the_end(decision.visit)
        if reason:
            result.append(_skip(decision, reason, {"day": day.isoformat()}))
        else:
            taken.append(decision.send_after)
            result.append(decision)
    return result


def limit_reached(day: date, days: Sequence[date]) -> str:
    """The limit that one more message on `day` would break, or ""."""
    if days.count(day) >= PER_DAY:
        return "daily_limit"
    for first in (day - n * DAY for n in range(7)):
        if sum(first <= other < first + 7 * DAY for other in days) >= PER_WEEK:
            return "weekly_limit"
    return ""


def _reason_at_the_end(visit: Visit) -> str:
    if visit.safe_contact_hold:
        return "safe_contact_hold"
    if not visit.site_on:
        return "site_switched_off"
    return "" if visit.has_text else "template_missing"


def _skip(decision: Decision, reason: str, facts: dict[str, Any] | None = None) -> Decision:
    steps = (*decision.steps, ("skip", {"reason": reason, **(facts or {})}))
    return replace(decision, skip_reason=reason, slots=(), also=(), late=False, steps=steps)
