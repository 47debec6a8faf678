"""Every write to the schedule."""

from scheduling.services.appointments import (
    book_appointment,
    book_waiting,
    cancel_appointment,
    reschedule_appointment,
)
from scheduling.services.attendance import (
    Result,
    arrive,
    change_many,
    check_in,
    confirm_appointment,
    fulfill,
    fulfill_outside,
    leave,
    mark_no_show,
)
from scheduling.services.availability import (
    add_block,
    end_hours,
    remove_block,
    save_hours,
    save_service,
)
from scheduling.services.corrections import (
    correct_fulfilled,
    correct_no_show,
    enter_in_error,
    take_back_check_in,
    undo_arrive,
    undo_cancel,
    undo_check_in,
)
from scheduling.services.reminders import plan_reminders

__all__ = [
    "Result",
    "add_block",
    "arrive",
    "book_appointment",
    "book_waiting",
    "cancel_appointment",
    "change_many",
    "check_in",
    "confirm_appointment",
    "correct_fulfilled",
    "correct_no_show",
    "end_hours",
    "enter_in_error",
    "fulfill",
    "fulfill_outside",
    "leave",
    "mark_no_show",
    "plan_reminders",
    "remove_block",
    "reschedule_appointment",
    "save_hours",
    "save_service",
    "take_back_check_in",
    "undo_arrive",
    "undo_cancel",
    "undo_check_in",
]
