"""Who may work on tasks and plans. Templates ask `can_`, services call `check_`; statuses are the workflow's."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from coordinator.accounts.models import Delegation
from coordinator.workflow import System


def can_work(by: Any, task: Any) -> bool:
    """Colleagues at the task's site may do it: someone covers when the owner is out."""
    return isinstance(by, System) or (by.can("tasks.work") and task.site_id in by.site_ids)


def check_can_work(by: Any, task: Any) -> None:
    if not can_work(by, task):
        raise PermissionDenied(_("Your role does not include working on tasks here."))


def can_assign(by: Any, task: Any) -> bool:
    """Own work, team lists and what one covers for may be handed on by anyone who works; other people's by leads."""
    if isinstance(by, System):
        return True
    own = task.owner_id in (None, by.pk)
    return can_work(by, task) and (own or by.can("tasks.assign") or _stands_in(by, task))


def _stands_in(by: Any, task: Any) -> bool:
    """Whether this very task is theirs to do while its owner is on leave; asks only who covers for the owner."""
    return task.owner_id in by.covered_ids and Delegation.objects.now().covering(by, task).exists()


def check_can_assign(by: Any, task: Any) -> None:
    if not can_assign(by, task):
        raise PermissionDenied(_("Only a lead can hand on somebody else's task."))


def check_can_open(by: Any, site: Any) -> None:
    if not isinstance(by, System) and not (by.can("tasks.work") and site.pk in by.site_ids):
        raise PermissionDenied(_("Your role does not include adding tasks here."))


def can_edit_plan(by: Any, plan: Any) -> bool:
    return isinstance(by, System) or (by.can("plans.edit") and plan.patient.site_id in by.site_ids)


def check_can_edit_plan(by: Any, plan: Any) -> None:
    if not can_edit_plan(by, plan):
        raise PermissionDenied(_("Your role does not include changing care plans here."))


def can_log_contact(by: Any, patient: Any) -> bool:
    return isinstance(by, System) or (by.can("tasks.work") and patient.site_id in by.site_ids)


def check_can_log_contact(by: Any, patient: Any) -> None:
    if not can_log_contact(by, patient):
        raise PermissionDenied(_("Your role does not include logging contacts here."))


def can_set_up(by: Any) -> bool:
    """Reasons and bundles belong to the whole clinic, like visit types."""
    return isinstance(by, System) or by.can("settings.manage")


def check_can_set_up(by: Any) -> None:
    if not can_set_up(by):
        raise PermissionDenied(_("Your role does not include setting up tasks."))
