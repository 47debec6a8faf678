"""One visit with everything about it, and visits as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coordinator.clocks.rules import book_by
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.messaging.models import Message
from patients.models import ContactPoint
from patients.safe_contact import with_safety
from referrals.models import PriorAuthorization, Referral
from scheduling.models import Appointment, AppointmentChange
from scheduling.permissions import can_correct, can_manage
from scheduling.rules.local_time import local_day
from scheduling.rules.timing import UNDO_CANCEL, no_show_from
from scheduling.selectors.calendar import Filters, visits_between
from scheduling.selectors.items import NOBODY
from scheduling.workflow import Status

PAGE = 100
COLUMNS = (
    ("service", gettext_lazy("Visit type")),
    ("provider", gettext_lazy("Provider")),
    ("status", gettext_lazy("Status")),
    ("language", gettext_lazy("Language")),
    ("phone", gettext_lazy("Phone")),
    ("reason", gettext_lazy("Reason")),
    ("room", gettext_lazy("Room")),
)
FIRST_COLUMNS = ("service", "provider", "status", "language")
# Steps that put a visit right; the others are the day's work.
CORRECTIONS = {
    "correct_no_show",
    "correct_fulfilled",
    "enter_in_error",
}


@dataclass(frozen=True)
class Rows:
    """One page of the list. `after` is the mark from which the next one goes on, "" on the last."""

    rows: list[Appointment]
    after: str = ""
    total: int | None = None


def list_rows(
    user: Any,
    filters: Filters,
    first: date,
    last: date,
    *,
    now: datetime,
    after: str = "",
    columns: Sequence[str] = (),
) -> Rows:
    """Visits of local days from `first` to `last` by time, a hundred at once (two queries, four with phones)."""
    found = visits_between(user, filters, first, last)
    if filters.status == "to_mark":
        found = found.filter(start__lt=now)
    if filters.calendars:
        people = [UUID(key) for key in filters.calendars if key != NOBODY]
        nobody = Q(practitioner=None) if NOBODY in filters.calendars else Q(pk__in=[])
        found = found.filter(Q(practitioner__in=people) | nobody)
    total = found.count()
    page = _after(found, after).select_related("patient", "service", "practitioner", "room")
    if "phone" in columns:
        page = page.prefetch_related(phones())
    rows = list(page.order_by("start", "id")[: PAGE + 1])
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    if "phone" in columns:
        with_safety(visit.patient for visit in rows)
    return Rows(rows, f"{rows[-1].start.isoformat()}~{rows[-1].pk}" if more else "", total)


def phones(of: str = "patient") -> Prefetch[Any]:
    """The numbers of each row's patient (`of` is the way to them) that still hold, best first, as `patient.phones`."""
    numbers = ContactPoint.objects.filter(kind=ContactPoint.Kind.PHONE, ended_at=None)
    return Prefetch(f"{of}__contact_points", numbers, to_attr="phones")


def _after(found: QuerySet[Appointment], mark: str) -> QuerySet[Appointment]:
    start, _sep, key = mark.partition("~")
    try:
        moment, last = datetime.fromisoformat(start), UUID(key)
    except ValueError:
        return found
    return found.filter(Q(start__gt=moment) | Q(start=moment, pk__gt=last))


# --- one visit --------------------------------------------------------------------------------------


def with_everything(source: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """What the page of one visit shows, in one query."""
    return source.select_related(
        "patient__site",
        "patient__coordinator",
        "site__calendar",
        "practitioner",
        "room",
        "service",
        "referral",
        "authorization",
        "replaces",
        "replaced_by",
        "created_by",
    )


def history(appointment: Appointment) -> list[AppointmentChange]:
    """What happened to the visit, newest first (one query)."""
    return list(appointment.changes.select_related("by").order_by("-at", "-id"))


def reminders_of(appointment: Appointment) -> list[Message]:
    """Its rows in the ledger, by the moment they leave (one query)."""
    return list(Message.objects.filter(about_id=appointment.pk).order_by("send_after", "id"))


@dataclass(frozen=True)
class Ready:
    """One line of the readiness strip. Tones: ok, warn, danger or "" when it is not needed."""

    what: str
    state: str
    tone: str = ""


def readiness(appointment: Appointment, reminders: Sequence[Message], today: date) -> list[Ready]:
    """What the visit still needs, from what is known: referral, authorization, interpreter, reminder. No query."""
    lines = []
    if appointment.referral:
        lines.append(_referral_line(appointment.referral))
    if appointment.authorization:
        lines.append(_authorization_line(appointment.authorization, appointment))
    if appointment.patient.interpreter_needed:
        lines.append(Ready(_("Interpreter"), _("needed"), "warn"))
    lines.append(_reminder_line(reminders))
    return lines


def _referral_line(referral: Referral) -> Ready:
    return Ready(_("Referral"), str(referral.get_status_display()))


def _authorization_line(authorization: PriorAuthorization, appointment: Appointment) -> Ready:
    on = local_day(appointment.start, appointment.zone)
    if authorization.ends_on and authorization.ends_on < on:
        return Ready(_("Authorization"), _("ends before the visit"), "danger")
    if authorization.starts_on and authorization.starts_on > on:
        return Ready(_("Authorization"), _("begins after the visit"), "danger")
    return Ready(_("Authorization"), str(authorization.get_status_display()))


def _reminder_line(reminders: Sequence[Message]) -> Ready:
    states = {message.status for message in reminders}
    if states & {"failed", "unknown"}:
        return Ready(_("Reminder"), _("did not get through"), "warn")
    if states & {"sent", "delivered"}:
        return Ready(_("Reminder"), _("sent"), "ok")
    if states & {"scheduled", "sending"}:
        return Ready(_("Reminder"), _("planned"))
    return Ready(_("Reminder"), _("none planned"))


# --- what can be done with it now -------------------------------------------------------------------


@dataclass(frozen=True)
class Actions:
    """Steps that make sense now: the day's work first, corrections apart."""

    steps: list[str] = field(default_factory=list)
    corrections: list[str] = field(default_factory=list)

    def __contains__(self, step: object) -> bool:
        return step in self.steps or step in self.corrections


def actions(user: Any, appointment: Appointment, *, now: datetime, cancelled_at: datetime | None) -> Actions:
    """Steps from here that the table, the role and the clock allow. The services check the same again."""
    steps = [
        step.name
        for step in appointment.workflow.steps_from(appointment.status)
        if _makes_sense(step.name, appointment, now, cancelled_at)
    ]
    work = [name for name in steps if name not in CORRECTIONS]
    corrections = [name for name in steps if name in CORRECTIONS]
    return Actions(
        work if can_manage(user, appointment) else [],
        corrections if can_correct(user, appointment) else [],
    )


def _makes_sense(step: str, visit: Appointment, now: datetime, cancelled_at: datetime | None) -> bool:
    today, on = local_day(now, visit.zone), local_day(visit.start, visit.zone)
    if step in ("arrive", "check_in"):
        return today >= on and not visit.is_outside
    if step == "fulfill":
        return now >= visit.start
    if step == "fulfill_outside":
        return visit.is_outside and now >= visit.start
    if step == "mark_no_show":
        return now >= no_show_from(
            start=visit.start,
            zone=visit.zone,
            time_known=visit.time_known,
            grace_minutes=visit.service.no_show_grace_minutes,
        )
    if step == "undo_arrive":
        return today == on
    if step == "undo_cancel":
        return cancelled_at is not None and now - cancelled_at <= UNDO_CANCEL
    # One page corrects a no-show whatever it really was; a proposal is booked with the finder.
    return step not in ("correct_to_fulfilled", "correct_to_cancelled", "offer", "put_on_waitlist")


def cancelled_at(appointment: Appointment, changes: Sequence[AppointmentChange]) -> datetime | None:
    """When it was cancelled last, from its history."""
    if appointment.status != Status.CANCELLED:
        return None
    return max((change.at for change in changes if change.to_status == Status.CANCELLED), default=None)


def last_open_day(site: Any, today: date) -> date:
    """The business day before today: where yesterday's no-shows are on a Monday."""
    return book_by(today - timedelta(days=1), as_calendar(calendar_for(site)))
