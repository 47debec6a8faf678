"""The list of reasons for closing without doing: add, rename, put in order, retire. Old tasks keep theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from careplans.models import CloseReason, TaskKind
from careplans.permissions import check_can_set_up
from coordinator.audit import services as audit
from coordinator.db import lock, refusals
from coordinator.workflow import Actor, NotAllowed, person

FIELDS = ("label", "label_es", "kinds", "needs_note")


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
    reason = lock(CloseReason.objects, reason_id) if reason_id else _new(label, by)
    if reason.is_fixed and kinds:
        raise ValidationError({"kinds": _("Rules use this reason, so it goes with every type of task.")})
    given: dict[str, Any] = {
        "label": label,
        "label_es": label_es,
        "kinds": list(kinds),
        "needs_note": needs_note,
    }
    changed = [name for name in FIELDS if given[name] != getattr(reason, name)]
    for name in changed:
        setattr(reason, name, given[name])
    if reason_id:
        reason.version += 1
    same = CloseReason.objects.filter(label__iexact=label).exclude(pk=reason.pk)
    taken = _("There is a reason with this name already.")
    if same.exists():
        raise ValidationError({"label": taken})
    with refusals(close_reason_label_once=taken), transaction.atomic():
        reason.save()
    audit.record_change(reason, "save", by=by, details={"code": reason.code, "fields": sorted(changed)})
    return reason


def _new(label: str, by: Actor) -> CloseReason:
    last = CloseReason.objects.aggregate(last=Max("position"))["last"] or 0
    stem = slugify(label).replace("-", "_")[:50] or "reason"
    taken = set(CloseReason.objects.filter(code__startswith=stem).values_list("code", flat=True))
    codes = [stem, *(f"{stem}_{n}" for n in range(2, len(taken) + 3))]
    code = next(code for code in codes if code not in taken)
    return CloseReason(code=code, position=last + 1, created_by=person(by))


@transaction.atomic
def retire_close_reason(*, reason_id: UUID, by: Actor, now: datetime) -> CloseReason:
    """Offered no more; tasks closed for it keep it. Raises NotAllowed for one that rules use."""
    check_can_set_up(by)
    reason = lock(CloseReason.objects, reason_id)
    if reason.is_fixed:
        raise NotAllowed(_("Rules use this reason, so it cannot be retired."))
    if reason.retired_at is None:
        reason.retired_at = now
        reason.version += 1
        reason.save()
        audit.record_change(reason, "retire", by=by, details={"code": reason.code})
    return reason


@transaction.atomic
def restore_close_reason(*, reason_id: UUID, by: Actor, now: datetime) -> CloseReason:
    """Offered again."""
    check_can_set_up(by)
    reason = lock(CloseReason.objects, reason_id)
    if reason.retired_at is not None:
        reason.retired_at = None
        reason.version += 1
        reason.save()
        audit.record_change(reason, "restore", by=by, details={"code": reason.code})
    return reason


@transaction.atomic
def move_close_reason(*, reason_id: UUID, up: bool, by: Actor, now: datetime) -> None:
    """One place up or down among those that are offered; at the end of the list nothing happens."""
    check_can_set_up(by)
    offered = list(CloseReason.objects.offered().select_for_update())
    places = [reason.pk for reason in offered]
    if reason_id not in places:
        raise CloseReason.DoesNotExist
    place = places.index(reason_id)
    other = place + (-1 if up else 1)
    if not 0 <= other < len(offered):
        return
    offered[place], offered[other] = offered[other], offered[place]
    for number, reason in enumerate(offered, 1):
        reason.position = number
    CloseReason.objects.bulk_update(offered, ["position"])
    audit.record_change(
        offered[other], "move", by=by, details={"code": offered[other].code, "place": other + 1}
    )
