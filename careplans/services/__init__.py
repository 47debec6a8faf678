"""Every write to tasks, contacts and plans. One module per noun; this page lists what others may call."""

from careplans.services.bulk import BulkResult, bulk, undo
from careplans.services.bundles import (
    cancel_bundle,
    move_item,
    remove_item,
    retire_bundle,
    save_bundle,
    save_item,
    start_bundle,
)
from careplans.services.close_reasons import (
    move_close_reason,
    restore_close_reason,
    retire_close_reason,
    save_close_reason,
)
from careplans.services.contact_errors import enter_contact_in_error
from careplans.services.contacts import LoggedContact, log_contact
from careplans.services.copies import give_copy
from careplans.services.escalation import (
    escalate_overdue,
    restore_escalation_point,
    retire_escalation_point,
    save_escalation_point,
    settle_escalation,
)
from careplans.services.goals import (
    add_goal,
    add_intervention,
    measure_goal,
    step_goal,
    step_intervention,
)
from careplans.services.handing import accept_task, hand_back_task, reassign_task
from careplans.services.opening import default_owner, open_all, open_task
from careplans.services.plans import (
    activate_plan,
    complete_plan,
    create_plan,
    edit_plan,
    enter_plan_in_error,
    hold_plan,
    reinstate_plan,
    resume_plan,
    review_plan,
    revoke_plan,
)
from careplans.services.reviews import open_overdue_review_tasks
from careplans.services.snoozing import snooze_task, wake_due_tasks, wake_task
from careplans.services.standing import close_automatic, settle_work, take_up_work
from careplans.services.tasks import (
    cancel_task,
    close_tasks_caused_by,
    complete_task,
    edit_task,
    enter_task_in_error,
    follow_clock,
    move_due_date,
    reopen_task,
    start_task,
    tick_item,
)
from careplans.services.updates import chase_updates, follow_update

__all__ = [
    "BulkResult",
    "LoggedContact",
    "accept_task",
    "activate_plan",
    "add_goal",
    "add_intervention",
    "bulk",
    "cancel_bundle",
    "cancel_task",
    "chase_updates",
    "close_automatic",
    "close_tasks_caused_by",
    "complete_plan",
    "complete_task",
    "create_plan",
    "default_owner",
    "edit_plan",
    "edit_task",
    "enter_contact_in_error",
    "enter_plan_in_error",
    "enter_task_in_error",
    "escalate_overdue",
    "follow_clock",
    "follow_update",
    "give_copy",
    "hand_back_task",
    "hold_plan",
    "log_contact",
    "measure_goal",
    "move_close_reason",
    "move_due_date",
    "move_item",
    "open_all",
    "open_overdue_review_tasks",
    "open_task",
    "reassign_task",
    "reinstate_plan",
    "remove_item",
    "reopen_task",
    "restore_close_reason",
    "restore_escalation_point",
    "resume_plan",
    "retire_bundle",
    "retire_close_reason",
    "retire_escalation_point",
    "review_plan",
    "revoke_plan",
    "save_bundle",
    "save_close_reason",
    "save_escalation_point",
    "save_item",
    "settle_escalation",
    "settle_work",
    "snooze_task",
    "start_bundle",
    "start_task",
    "step_goal",
    "step_intervention",
    "take_up_work",
    "tick_item",
    "undo",
    "wake_due_tasks",
    "wake_task",
]
