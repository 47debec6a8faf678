"""What follows from a step, in the same transaction: reminders planned or withdrawn, tasks opened or closed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from careplans import services as careplans
from careplans.models import Task, TaskKind
from coordinator import wording
from coordinator.accounts.models import Site
from coordinator.clocks import services as clocks
from coordinator.clocks.rules import end_of_day, next_open_day
from coordinator.clocks.selectors import as_calendar, calendar_for
from coordinator.messaging import services as messaging
from coordinator.wording import in_clinic_language
from coordinator.workflow import Actor
from scheduling.models import Appointment
from scheduling.rules.local_time import local_day
from scheduling.services import reminders
from scheduling.services.waitlist_ends import settle_waits
from scheduling.workflow import UPCOMING, CancelledBy

# Keys in the rules register.
FOLLOW_UP = "no_show.follow_up"  # the next business day
TELL = "visit.tell_move"  # somebody tells the patient that the visit was moved
TELL_KEY = "tell_moved:"
NO_SHOW_KEY = "no_show:"
# What a task's dedupe_key begins with, and the clock it settles.
CALLS = {TELL_KEY: TELL, NO_SHOW_KEY: FOLLOW_UP}


def after_booking(appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """Reminders for the new visit; the wish to rebook the same need is settled."""
    reminders.plan_reminders(appointments=[appointment], now=now, by=by)
    settle_waits(appointment, by=by, now=now)
    waiting = (
        Task.objects.open().filter(dedupe_key=_rebook_key(appointment)).values_list("cause_id", flat=True)
    )
    for cause_id in list(waiting):
        careplans.close_tasks_caused_by(
            cause=Appointment(pk=cause_id), by=by, now=now, outcome=_("A new visit was booked.")
        )


@in_clinic_language
def after_moving(
    old: Appointment, new: Appointment, *, was_no_show: bool, reason: str, by: Actor, now: datetime
) -> None:
    """The old time's messages are taken back, the new time gets its own; a no-show that is rebooked is followed up."""
    messaging.withdraw(about_ids=[old.pk], reason=_("The visit was moved."), now=now)
    # The old one too: another visit on that day may have been told of in its message.
    reminders.plan_reminders(appointments=[old, new], now=now, by=by)
    settle_waits(new, by=by, now=now, is_later=not was_no_show and new.start > old.start)
    _nothing_to_tell(old, _("The visit was moved once more."), by, now)
    if was_no_show:
        clocks.meet_clocks(subject=old, kinds=[FOLLOW_UP], by=by, now=now)
        careplans.close_tasks_caused_by(cause=old, by=by, now=now, outcome=_("A new visit was booked."))


@in_clinic_language
def ask_to_tell(
    old: Appointment, new: Appointment, sentence: str, *, by: Actor, now: datetime, **words: Any
) -> None:
    """Nobody finds out at the door: somebody calls by the register's date, or before the visit.

    A move sends no message of its own; the reminders of the new time may leave only days later. `sentence` says from
    when (`old`) to when (`new`) with `who` the visit was moved, and takes `words`. Once for each new time.
    """
    clock = clocks.start_clock(
        subject=new,
        kind=TELL,
        anchor_at=now,
        anchor_label=_("visit moved"),
        zone=new.zone,
        calendar=new.site.calendar,
        site_id=new.site_id,
        by=by,
        now=now,
    )
    said = {"old": _when(old), "new": _when(new), "who": new.practitioner or "", **words}
    is_early = clock is not None and clock.due_at is not None and clock.due_at <= new.start
    careplans.open_task(
        patient=new.patient,
        site=new.site,
        kind=TaskKind.OUTREACH_CALL,
        title=_("Tell the patient: the visit was moved"),
        reason=sentence % said,
        next_step=_("Call; when the new time does not suit, move the visit again."),
        due_at=None if is_early else new.start,
        due_has_time=not is_early,
        clock=clock if is_early else None,
        dedupe_key=tell_key(new),
        cause=new,
        by=by,
        now=now,
    )


def follow_task(*, task: Task, step: str, by: Actor, now: datetime) -> None:
    """The date of a call about a visit is met when its task is done, and counts no more when the task is closed."""
    kind = next((kind for key, kind in CALLS.items() if task.dedupe_key.startswith(key)), None)
    if kind is None:
        return
    about: dict[str, Any] = {"subject": Appointment(pk=task.cause_id), "kinds": [kind], "by": by, "now": now}
    if step == "complete":
        clocks.meet_clocks(**about)
    elif step == "cancel":
        clocks.void_clocks(reason=_("The task was closed."), **about)


def after_coming(appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """The patient was there, and so knew of the time."""
    _nothing_to_tell(appointment, _("The patient came."), by, now)


@in_clinic_language
def after_cancelling(appointment: Appointment, *, reason: str, by: Actor, now: datetime) -> None:
    """Messages are taken back. When somebody still needs the visit, a task asks to rebook or close the need."""
    messaging.withdraw(about_ids=[appointment.pk], reason=_("The visit was cancelled."), now=now)
    reminders.plan_reminders(appointments=[appointment], now=now, by=by)
    _nothing_to_tell(appointment, _("The visit was cancelled."), by, now)
    asked_for = (CancelledBy.PATIENT, CancelledBy.PROVIDER)
    if appointment.cancelled_by not in asked_for or _is_booked_again(appointment, now):
        return
    careplans.open_task(
        patient=appointment.patient,
        site=appointment.site,
        kind=TaskKind.BOOK_VISIT,
        title=_("Rebook, or close the need: %(service)s") % {"service": appointment.service.name},
        reason=_("The visit on %(when)s was cancelled by the %(who)s: %(why)s")
        % {"when": _when(appointment), "who": _who(appointment), "why": reason},
        next_step=_("Offer a new time, or complete this with why no visit is needed."),
        due_at=end_of_next_business_day(appointment, now),
        dedupe_key=_rebook_key(appointment),
        cause=appointment,
        by=by,
        now=now,
    )


def after_claiming(appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """The visit holds its time again: what its absence had caused is taken back."""
    _settle(appointment, _("The visit stands again."), by, now)
    settle_waits(appointment, by=by, now=now)
    reminders.plan_reminders(appointments=[appointment], now=now, by=by)


@in_clinic_language
def after_no_show(appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """Somebody calls the patient by the end of the next business day, and the screen can say why that day."""
    _nothing_to_tell(appointment, _("The time of the visit is past."), by, now)
    clock = clocks.start_clock(
        subject=appointment,
        kind=FOLLOW_UP,
        anchor_at=now,
        anchor_label=_("missed visit recorded"),
        zone=appointment.zone,
        calendar=appointment.site.calendar,
        site_id=appointment.site_id,
        by=by,
        now=now,
    )
    careplans.open_task(
        patient=appointment.patient,
        site=appointment.site,
        kind=TaskKind.NO_SHOW_FOLLOW_UP,
        title=_("Call about a missed visit: %(service)s") % {"service": appointment.service.name},
        reason=_("Did not come on %(when)s.") % {"when": _when(appointment)},
        next_step=_("Ask what got in the way and offer a new time."),
        clock=clock,
        due_at=clock.due_at if clock else None,
        dedupe_key=f"{NO_SHOW_KEY}{appointment.pk}",
        cause=appointment,
        by=by,
        now=now,
    )


def after_correcting_no_show(appointment: Appointment, *, by: Actor, now: datetime) -> None:
    _settle(appointment, _("It was not a no-show."), by, now)


def after_error(appointment: Appointment, *, by: Actor, now: datetime) -> None:
    messaging.withdraw(about_ids=[appointment.pk], reason=_("The visit was entered in error."), now=now)
    reminders.plan_reminders(appointments=[appointment], now=now, by=by)
    _settle(appointment, _("The visit was entered in error."), by, now)


def _settle(appointment: Appointment, why: str, by: Actor, now: datetime) -> None:
    """Take back what the visit's absence caused: first the clock, so that it counts as void and not as met."""
    clocks.void_clocks(subject=appointment, kinds=[FOLLOW_UP, TELL], reason=why, by=by, now=now)
    careplans.close_tasks_caused_by(cause=appointment, by=by, now=now, outcome=why)


def _nothing_to_tell(appointment: Appointment, why: str, by: Actor, now: datetime) -> None:
    """Nobody is told any more of a time that does not hold."""
    clocks.void_clocks(subject=appointment, kinds=[TELL], reason=why, by=by, now=now)
    careplans.close_automatic(dedupe_keys=[tell_key(appointment)], outcome=why, by=by, now=now)


def tell_key(appointment: Appointment) -> str:
    """Of the task that asks to tell the patient of this visit, which replaces another one."""
    return f"{TELL_KEY}{appointment.pk}"


def _rebook_key(appointment: Appointment) -> str:
    return f"rebook:{appointment.patient_id}:{appointment.service_id}"


def _is_booked_again(appointment: Appointment, now: datetime) -> bool:
    return Appointment.objects.filter(
        patient_id=appointment.patient_id,
        service_id=appointment.service_id,
        status__in=UPCOMING,
        start__gt=now,
    ).exists()


def _when(appointment: Appointment) -> str:
    with timezone.override(ZoneInfo(appointment.zone)):
        return (
            wording.day_time(appointment.start) if appointment.time_known else wording.day(appointment.start)
        )


def _who(appointment: Appointment) -> Any:
    return appointment.get_cancelled_by_display().lower()


def end_of_next_business_day(appointment: Appointment, now: datetime) -> datetime:
    """By the site's own calendar. A task of ours: no clock that could be missed."""
    return end_of_business_day_after(appointment.site, now)


def end_of_business_day_after(site: Site, now: datetime) -> datetime:
    calendar = as_calendar(calendar_for(site))
    return end_of_day(next_open_day(local_day(now, site.zone), calendar), site.zone)
