"""The list of reasons for closing without doing: add, rename, put in order, retire. Old tasks keep theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from careplans.models import CloseReason, TaskKind
from careplans.permissions import check_can_set_up
from coordinator.db import lock
from coordinator.managed_lists import move_entry, new_entry, save_entry, set_retired
from coordinator.workflow import Actor, NotAllowed


@transaction.atomic
def save_close_reason(
    *,
    label: str,
    by: Actor,
    now: datetime,
    reason_id: UUID | None = None,
    label_es: str = "",
    kinds: Sequence[str] = (),
    needs_note: bool = False,
) -> CloseReason:
    """A new reason at the end of the list, or another wording of one. Its code never changes.

    Raises ValidationError for a name that is taken, and for narrowing a reason that rules use.
    """
    check_can_set_up(by)
    if unknown := set(kinds) - set(TaskKind.values):
        raise ValidationError({"kinds": _("There is no such type: %(name)s.") % {"name": ", ".join(unknown)}})
    reason = lock(CloseReason.objects, reason_id) if reason_id else new_entry(CloseReason, label, by)
    if reason.is_fixed and kinds:
        raise ValidationError({"kinds": _("Rules use this reason, so it goes with every type of task.")})
    given: dict[str, Any] = {
        "label": label,
        "label_es": label_es,
        "kinds": list(kinds),
        "needs_note": needs_note,
    }
    taken = _("There is a reason with this name already.")
    return save_entry(reason, given, once="close_reason_label_once", taken=taken, by=by)


@transaction.atomic
def retire_close_reason(*, reason_id: UUID, by: Actor, now: datetime) -> CloseReason:
    """Offered no more; tasks closed for it keep it. Raises NotAllowed for one that rules use."""
    check_can_set_up(by)
    reason = lock(CloseReason.objects, reason_id)
    if reason.is_fixed:
        raise NotAllowed(_("Rules use this reason, so it cannot be retired."))
    return set_retired(reason, now, by=by)


@transaction.atomic
def restore_close_reason(*, reason_id: UUID, by: Actor, now: datetime) -> CloseReason:
    """Offered again."""
    check_can_set_up(by)
    return set_retired(lock(CloseReason.objects, reason_id), None, by=by)


@transaction.atomic
def move_close_reason(*, reason_id: UUID, up: bool, by: Actor, now: datetime) -> None:
    """One place up or down among those that are offered; at the end of the list nothing happens."""
    check_can_set_up(by)
    move_entry(CloseReason.objects.offered(), reason_id, up=up, by=by)
