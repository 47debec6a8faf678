"""What a contact's result leads to, how tasks are grouped and aged, and how caseloads are weighed.

Pure functions: no database, no clock on the wall. They take data and `now` and return a result together with
sentences that explain it. Moments are aware and come out as UTC; a day is a local day of the zone named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coordinator.clocks.rules import Calendar, next_open_day
from coordinator.wording import clock_time, in_clinic_language, language_name, week_day

# --- contacts -------------------------------------------------------------------------------------------

BUSY_AGAIN = timedelta(hours=2)
LAST_CALL = time(18)  # local time (product default): nobody is called again later than this on the same day
NOON = time(12)


class DayPart(StrEnum):
    MORNING = "morning"
    AFTERNOON = "afternoon"


# When in each part of the day a call is planned (product default, local time).
CALL_AT = {DayPart.MORNING: time(10), DayPart.AFTERNOON: time(14)}
OTHER = {DayPart.MORNING: DayPart.AFTERNOON, DayPart.AFTERNOON: DayPart.MORNING}

REACHED = frozenset({"reached_done", "reached_call_back", "refused", "spoke_with_caregiver"})
RETRY = frozenset({"left_message", "no_answer"})
BAD_NUMBER = frozenset({"wrong_number", "disconnected"})


@dataclass(frozen=True)
class ExtraTask:
    """Work that a result makes beside the task at hand. Its words are kept, so they are in the clinic's language;
    `due_at` is UTC."""

    kind: str
    title: str
    reason: str
    due_at: datetime | None = None
    due_has_time: bool = False


@dataclass(frozen=True)
class AfterContact:
    """What follows from one result. `next_at` is UTC, None when no attempt is planned by this rule.

    `reached` and the attempt are separate facts. `close_as` is the workflow's step ("complete" or "cancel") or "".
    """

    reached: bool
    next_at: datetime | None = None
    day_part: DayPart | None = None
    close_as: str = ""
    flags_number: bool = False
    extra: tuple[ExtraTask, ...] = ()
    explanation: tuple[str, ...] = field(default=())

    @property
    def closes(self) -> bool:
        return bool(self.close_as)


def day_part(moment: datetime, zone: str) -> DayPart:
    """Morning until 11:59 local time, afternoon from noon."""
    return DayPart.MORNING if moment.astimezone(ZoneInfo(zone)).time() < NOON else DayPart.AFTERNOON


def at_part(day: date, part: DayPart, zone: str) -> datetime:
    """The moment (UTC) at which a call is planned in that part of that local day."""
    return datetime.combine(day, CALL_AT[part], ZoneInfo(zone)).astimezone(UTC)


def after_contact(
    outcome: str,
    now: datetime,
    calendar: Calendar,
    zone: str,
    *,
    promised_at: datetime | None = None,
    may_hear: bool | None = None,
    deadline: datetime | None = None,
    language: str = "",
) -> AfterContact:
    """What a contact's result does.

    `calendar` says which days are business days, `zone` names the zone of the day parts. `promised_at` is the time
    agreed for `reached_call_back`; `may_hear` says whether the caregiver heard about a topic that they may hear;
    `deadline` is the end a rule sets for the task: a next attempt is brought forward so that it is not missed;
    `language` is the code of the patient's language.
    Raises ValueError for an unknown result, and for a call back without its time or with one in the past.
    """
    now = now.astimezone(UTC)  # adding hours to a local time would count clock hours, not elapsed ones
    if outcome == "reached_done":
        return AfterContact(True, close_as="complete", explanation=(_("Reached: the task is done."),))
    if outcome == "reached_call_back":
        return _call_back(promised_at, now, zone)
    if outcome == "refused":
        return AfterContact(
            True, close_as="cancel", explanation=(_("Refused: the task closes with that reason."),)
        )
    if outcome == "spoke_with_caregiver" and may_hear:
        why = _("Spoke with a caregiver who may hear about this: it counts, and the task is done.")
        return AfterContact(True, close_as="complete", explanation=(why,))
    if outcome == "busy":
        return _busy(now, calendar, zone, deadline)
    if outcome in BAD_NUMBER:
        return _bad_number(outcome, now, calendar, zone)
    if outcome == "language_barrier":
        return _interpreter(now, calendar, zone, deadline, language)
    if outcome in RETRY or outcome == "spoke_with_caregiver":
        return _other_part(outcome, now, calendar, zone, deadline)
    raise ValueError(f"There is no result called {outcome!r}.")


def _call_back(promised_at: datetime | None, now: datetime, zone: str) -> AfterContact:
    if promised_at is None:
        raise ValueError(_("Say when you promised to call back."))
    if promised_at <= now:
        raise ValueError(_("The time promised for the call back is in the past."))
    why = _("Reached: call back when promised, %(when)s.") % {"when": moment_words(promised_at, zone)}
    return AfterContact(True, promised_at, day_part(promised_at, zone), explanation=(why,))


def _busy(now: datetime, calendar: Calendar, zone: str, deadline: datetime | None) -> AfterContact:
    today, again = now.astimezone(ZoneInfo(zone)).date(), (now + BUSY_AGAIN).astimezone(ZoneInfo(zone))
    if again.date() == today and again.time() <= LAST_CALL:
        return _retry(now + BUSY_AGAIN, zone, deadline, now, _("Busy: again in 2 hours."))
    day = next_open_day(today, calendar)
    why = [
        _("Busy, and in 2 hours it is too late to call: next business day, in the morning."),
        *skipped_days(today, day, calendar),
    ]
    return _retry(at_part(day, DayPart.MORNING, zone), zone, deadline, now, *why)


def _other_part(
    outcome: str, now: datetime, calendar: Calendar, zone: str, deadline: datetime | None
) -> AfterContact:
    today, part = now.astimezone(ZoneInfo(zone)).date(), OTHER[day_part(now, zone)]
    day = next_open_day(today, calendar)
    reasons = {
        DayPart.MORNING: _("Next business day, in the morning this time."),
        DayPart.AFTERNOON: _("Next business day, in the afternoon this time."),
    }
    why = [reasons[part], *skipped_days(today, day, calendar)]
    if outcome == "spoke_with_caregiver":
        why.insert(0, _("Nothing about the patient was told, so it does not count as reached."))
    return _retry(at_part(day, part, zone), zone, deadline, now, *why)


def _bad_number(outcome: str, now: datetime, calendar: Calendar, zone: str) -> AfterContact:
    day = next_open_day(now.astimezone(ZoneInfo(zone)).date(), calendar)
    task = _mend_number(outcome, end_of_day(day, zone))
    why = _("The number is marked as not working, and a task to fix the record is opened.")
    return AfterContact(False, flags_number=True, extra=(task,), explanation=(why,))


@in_clinic_language
def _mend_number(outcome: str, due_at: datetime) -> ExtraTask:
    title = {
        "wrong_number": _("Find the right phone number"),
        "disconnected": _("Replace the disconnected phone number"),
    }[outcome]
    reason = _("Somebody called it and it is not the patient's any more")
    return ExtraTask(kind="data_quality", title=title, reason=reason, due_at=due_at)


def _interpreter(
    now: datetime, calendar: Calendar, zone: str, deadline: datetime | None, language: str
) -> AfterContact:
    today = now.astimezone(ZoneInfo(zone)).date()
    same_day = at_part(today, DayPart.AFTERNOON, zone)
    if calendar.is_open(today) and same_day - now >= BUSY_AGAIN:
        next_at, why = same_day, _("With an interpreter, the same day.")
    else:
        next_at = at_part(next_open_day(today, calendar), DayPart.MORNING, zone)
        why = _("With an interpreter, the next business day.")
    after = _retry(next_at, zone, deadline, now, why)
    task = _book_interpreter(language, after.next_at)
    return AfterContact(False, after.next_at, after.day_part, extra=(task,), explanation=after.explanation)


@in_clinic_language
def _book_interpreter(language: str, due_at: datetime | None) -> ExtraTask:
    name = language_name(language)
    title = _("Book an interpreter: %(language)s") % {"language": name} if name else _("Book an interpreter")
    reason = _("A call could not go on without one")
    return ExtraTask(kind="other", title=title, reason=reason, due_at=due_at, due_has_time=True)


def _retry(next_at: datetime, zone: str, deadline: datetime | None, now: datetime, *why: str) -> AfterContact:
    """An attempt that did not reach anybody; brought forward when a rule's deadline would be missed."""
    if deadline is not None and now < deadline < next_at:
        later_today = at_part(now.astimezone(ZoneInfo(zone)).date(), DayPart.AFTERNOON, zone)
        earlier = [m for m in (later_today, now + BUSY_AGAIN) if now < m <= deadline]
        next_at = max(earlier, default=now + (deadline - now) / 2)
        next_at = next_at.replace(second=0, microsecond=0)
        why = (_("Brought forward: the deadline is %(when)s.") % {"when": moment_words(deadline, zone)},)
    return AfterContact(False, next_at, day_part(next_at, zone), explanation=tuple(why))


def skipped_days(after: date, until: date, calendar: Calendar) -> list[str]:
    """A sentence that names the holidays between two days (weekends go without saying); empty for none."""
    between = [after + timedelta(days=n) for n in range(1, (until - after).days)]
    return [
        _("%(day)s is %(name)s.") % {"day": week_day(day), "name": calendar.holidays[day]}
        for day in between
        if day in calendar.holidays
    ]


def moment_words(moment: datetime, zone: str) -> str:
    """ "Wed, Nov 18, 2026, 2:00 PM" on the clock of that zone."""
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return f"{week_day(local)}, {clock_time(local)}"


def end_of_day(day: date, zone: str) -> datetime:
    """The last second of a local day, as UTC: what "due on that day" means."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(zone)).replace(fold=1).astimezone(UTC)


class Offer(StrEnum):
    """What is offered after the last planned attempt failed."""

    LETTER = "letter"
    OTHER_CONTACT = "other_contact"
    ASK_CLINICIAN = "ask_clinician"
    CLOSE = "unable_to_reach"


def offers(attempts_made: int, attempts_planned: int, last_outcome: str) -> tuple[Offer, ...]:
    """After the third (planned) failed attempt: letter, other contact, ask the clinician, close as unable to reach."""
    if attempts_made < attempts_planned or last_outcome in REACHED or not last_outcome:
        return ()
    return tuple(Offer)


# --- tasks ----------------------------------------------------------------------------------------------


class Group(models.IntegerChoices):
    """Lists sort by consequence: the number is the order."""

    ON_THE_CLOCK = 1, gettext_lazy("On the clock")
    OVERDUE = 2, gettext_lazy("Overdue")
    TODAY = 3, gettext_lazy("Today")
    NEXT_7_DAYS = 4, gettext_lazy("Next 7 days")
    LATER = 5, gettext_lazy("Later")
    NO_DEADLINE = 6, gettext_lazy("No deadline")


@dataclass(frozen=True)
class Bounds:
    """Where the groups of a list end, as instants (UTC): `now`, the end of today, and of the seventh day after."""

    now: datetime
    today_ends: datetime
    week_ends: datetime


def bounds(now: datetime, zone: str) -> Bounds:
    """The limits of the groups for somebody whose day is the local day of `zone`."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return Bounds(now, end_of_day(today, zone), end_of_day(today + timedelta(days=7), zone))


def group_of(task: Any, now: datetime, zone: str) -> Group:
    """The group of a task (anything with due_at, due_has_time, clock_id).

    A deadline that a rule sets comes first when it is past or within seven days; further away it is just later.
    Without an hour a task is due until its local day ends, so it is overdue from the next day on.
    """
    limit = bounds(now, zone)
    if task.due_at is None:
        return Group.NO_DEADLINE
    if task.clock_id is not None and task.due_at <= limit.week_ends:
        return Group.ON_THE_CLOCK
    if task.due_at < now:
        return Group.OVERDUE
    if task.due_at <= limit.today_ends:
        return Group.TODAY
    return Group.NEXT_7_DAYS if task.due_at <= limit.week_ends else Group.LATER


@dataclass(frozen=True)
class Age:
    """How long the current open interval has lasted, without the time on hold; both lengths apart."""

    open_for: timedelta
    held_for: timedelta

    @property
    def total(self) -> timedelta:
        """Since the interval began, holds included: "open 6 d, of these 2 d on hold"."""
        return self.open_for + self.held_for


def age(task: Any, now: datetime) -> Age:
    """Age of a task: from the start of its open interval, hold time subtracted and shown apart.

    Editing, reassigning and commenting do not change it; reopening starts a new interval. Never negative.
    """
    until = task.ended_at or now
    held = timedelta(seconds=task.held_seconds)
    if task.held_since is not None:
        held += max(until - task.held_since, timedelta())
    return Age(max(until - task.opened_at - held, timedelta()), held)


def snooze_times(
    now: datetime, zone: str, close_hour: int = 18, calendar: Calendar | None = None
) -> dict[str, datetime]:
    """The shortcuts of Snooze as instants (UTC): later today (when the day is long enough), tomorrow, in a week.

    "Later today" is two hours on, at the next half hour; the others are at 8 in the morning, with a calendar on the
    first open day from then.
    """
    tz = ZoneInfo(zone)
    local = now.astimezone(tz)
    later = (now.astimezone(UTC) + BUSY_AGAIN).replace(second=0, microsecond=0)
    later = (later + timedelta(minutes=-later.minute % 30)).astimezone(tz)
    times = {}
    for name, days in (("tomorrow", 1), ("week", 7)):
        before = local.date() + timedelta(days=days - 1)
        day = next_open_day(before, calendar) if calendar else before + timedelta(days=1)
        times[name] = datetime.combine(day, time(8), tz).astimezone(UTC)
    if later.date() == local.date() and later.hour < close_hour:
        times = {"later": later.astimezone(UTC), **times}
    return times


# --- caseload ---------------------------------------------------------------------------------------------

TIER_WEIGHTS = {1: 1, 2: 2, 3: 4, 4: 6}
CONTACT_EVERY_DAYS = {1: 90, 2: 30, 3: 14, 4: 7}
LOAD_AMBER, LOAD_RED = 150, 200  # product defaults


def load_band(total: float) -> str:
    """ "" (fine), "warn" from 150 or "danger" from 200."""
    return "danger" if total >= LOAD_RED else "warn" if total >= LOAD_AMBER else ""
