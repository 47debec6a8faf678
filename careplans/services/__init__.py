"""Every write to tasks, contacts and plans. One module per noun; this page lists what others may call."""

from careplans.services.bulk import BulkResult, bulk, undo
from careplans.services.contacts import LoggedContact, log_contact
from careplans.services.handing import accept_task, claim_task, hand_back_task, reassign_task
from careplans.services.opening import default_owner, open_all, open_task
from careplans.services.snoozing import snooze_task, wake_due_tasks, wake_task
from careplans.services.tasks import (
    cancel_task,
    close_tasks_caused_by,
    complete_task,
    edit_task,
    enter_task_in_error,
    follow_clock,
    reopen_task,
    start_task,
    tick_item,
)

__all__ = [
    "BulkResult",
    "LoggedContact",
    "accept_task",
    "bulk",
    "cancel_task",
    "claim_task",
    "close_tasks_caused_by",
    "complete_task",
    "default_owner",
    "edit_task",
    "enter_task_in_error",
    "follow_clock",
    "hand_back_task",
    "log_contact",
    "open_all",
    "open_task",
    "reassign_task",
    "reopen_task",
    "snooze_task",
    "start_task",
    "tick_item",
    "undo",
    "wake_due_tasks",
    "wake_task",
]
