"""What keeps a colleague's account from being closed: the tasks they own, snoozed ones included."""

from __future__ import annotations

from django.utils.translation import gettext as _

from careplans.models import Task
from coordinator.accounts.models import User


def open_tasks_of(user: User) -> tuple[str, int]:
    return _("open tasks"), Task.objects.open().owned_by(user).count()
