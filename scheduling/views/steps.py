"""What can be done with a visit: which service each step calls, what it asks for, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from scheduling import services
from scheduling.forms import CancelForm, CorrectNoShowForm, ReasonForm, StepForm, WordForm
from scheduling.models import Appointment
from scheduling.workflow import CancelledBy, Status


@dataclass(frozen=True)
class Act:
    """One button. With a form other than StepForm it first asks; `undo` says that it can be taken back."""

    take: Callable[..., Appointment]
    label: Any
    done: Any
    form: type[StepForm] = StepForm
    undo: bool = False
    tone: str = ""

    @property
    def asks(self) -> bool:
        return self.form is not StepForm


ACTS: dict[str, Act] = {
    "confirm": Act(services.confirm_appointment, _("Confirm"), _("Confirmed")),
    "arrive": Act(services.arrive, _("Arrived"), _("Marked as arrived"), undo=True),
    "check_in": Act(services.check_in, _("In room"), _("Marked as in the room"), undo=True),
    "fulfill": Act(services.fulfill, _("Seen"), _("Marked as seen"), undo=True),
    "fulfill_outside": Act(services.fulfill_outside, _("Seen elsewhere"), _("Marked as seen"), WordForm, True),
    "mark_no_show": Act(
        services.mark_no_show, _("No-show"), _("Marked as a no-show. A follow-up task is open."), undo=True
    ),
    "cancel": Act(services.cancel_appointment, _("Cancel visit"), _("Visit cancelled"), CancelForm, True, "danger"),
    "leave": Act(services.leave, _("Left without being seen"), _("Marked as left"), ReasonForm, True),
    "undo_arrive": Act(services.undo_arrive, _("Undo arrival"), _("Arrival taken back")),
    "undo_check_in": Act(services.undo_check_in, _("Undo in room"), _("Taken back to arrived")),
    "undo_cancel": Act(services.undo_cancel, _("Undo cancellation"), _("The visit is booked again")),
    "correct_fulfilled": Act(
        services.correct_fulfilled, _("Correct: not seen yet"), _("Corrected"), ReasonForm
    ),
    "correct_no_show": Act(
        services.correct_no_show, _("Correct: not a no-show"), _("Corrected. The follow-up is closed."),
        CorrectNoShowForm,
    ),
    "enter_in_error": Act(
        services.enter_in_error, _("Entered in error"), _("Entered in error"), ReasonForm, False, "danger"
    ),
}  # fmt: skip
# Steps of a list of visits; what a row does not allow is refused for that row alone.
BULK = ("arrive", "check_in", "fulfill", "mark_no_show", "cancel")


def act_for(step: str, appointment: Appointment) -> Act | None:
    """The act behind a step's name. A no-show elsewhere asks on whose word."""
    act = ACTS.get(step)
    if act and step == "mark_no_show" and appointment.is_outside:
        return Act(act.take, act.label, act.done, WordForm, act.undo)
    return act


def take_back(step: str, appointment: Appointment, *, reason: str, by: Any, now: Any) -> Appointment:
    """Undo a step that was just taken. Raises what the services raise; KeyError for a step without undo."""
    key = {"appointment_id": appointment.pk, "by": by, "now": now}
    if step == "book":
        return services.cancel_appointment(cancelled_by=CancelledBy.SYSTEM, reason=reason, **key)
    if step in ("cancel", "leave"):
        return services.undo_cancel(**key)
    if step == "arrive":
        return services.undo_arrive(**key)
    if step == "check_in":
        return services.take_back_check_in(**key)
    if step == "fulfill":
        return services.correct_fulfilled(reason=reason, **key)
    if step == "mark_no_show":
        return services.correct_no_show(to=Status.BOOKED, reason=reason, **key)
    raise KeyError(step)
