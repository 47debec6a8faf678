"""The list of kinds of denial, with their checklists and letters: add, change, put in order, retire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coordinator.audit import services as audit
from coordinator.db import lock
from coordinator.managed_lists import move_entry, new_entry, save_entry, set_retired
from coordinator.workflow import Actor, NotAllowed
from patients.models import DocumentKind
from referrals.models import DenialCategory, Payer
from referrals.permissions import check_can_set_up
from referrals.rules.letters import unknown_places

LETTER = "letter"
MOST_ITEMS = 15


@transaction.atomic
def save_denial_category(
    *,
    label: str,
    checklist: Sequence[dict[str, str]],
    letter: str,
    by: Actor,
    now: datetime,
    category_id: UUID | None = None,
    label_es: str = "",
) -> DenialCategory:
    """A new kind at the end of the list, or another wording of one; denials keep it. Its code never changes.

    Raises ValidationError by field: a name that is taken, a place of the letter that nothing fills.
    """
    check_can_set_up(by)
    category = (
        lock(DenialCategory.objects, category_id) if category_id else new_entry(DenialCategory, label, by)
    )
    given: dict[str, Any] = {
        "label": label.strip(),
        "label_es": label_es.strip(),
        "checklist": _clean(checklist),
        "letter": letter.replace("\r\n", "\n").strip(),
    }
    if unknown := unknown_places(given["letter"]):
        names = ", ".join(f"{{{name}}}" for name in unknown)
        raise ValidationError({"letter": _("Nothing fills these places: %(names)s") % {"names": names}})
    taken = _("There is a reason with this name already.")
    return save_entry(category, given, once="denial_category_label_once", taken=taken, by=by)


def _clean(checklist: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Lines in their order, each once. Raises ValidationError for a kind of paper that does not exist."""
    lines: dict[str, str] = {}
    for item in checklist:
        what, kind = item.get("what", "").strip()[:200], item.get("kind", "")
        if kind and kind != LETTER and kind not in DocumentKind.values:
            raise ValidationError({"checklist": _("Choose a kind of paper from the list.")})
        if what:
            lines.setdefault(what, kind)
    return [{"what": what, "kind": kind} for what, kind in list(lines.items())[:MOST_ITEMS]]


@transaction.atomic
def retire_denial_category(*, category_id: UUID, by: Actor, now: datetime) -> DenialCategory:
    """Offered no more; denials keep it. Raises NotAllowed for "other", which stays."""
    check_can_set_up(by)
    category = lock(DenialCategory.objects, category_id)
    if category.is_fixed:
        raise NotAllowed(_("This one stays: there is always a reason that fits nowhere else."))
    return set_retired(category, now, by=by)


@transaction.atomic
def restore_denial_category(*, category_id: UUID, by: Actor, now: datetime) -> DenialCategory:
    """Offered again."""
    check_can_set_up(by)
    return set_retired(lock(DenialCategory.objects, category_id), None, by=by)


@transaction.atomic
def move_denial_category(*, category_id: UUID, up: bool, by: Actor, now: datetime) -> None:
    """One place up or down among those that are offered; at the end of the list nothing happens."""
    check_can_set_up(by)
    move_entry(DenialCategory.objects.offered(), category_id, up=up, by=by)


@transaction.atomic
def save_payer_terms(
    *, payer_id: UUID, peer_to_peer_days: int | None, is_slow: bool, by: Actor, now: datetime
) -> Payer:
    """A payer's own window for peer-to-peer talks, and whether renewals with it are asked for 30 days ahead."""
    check_can_set_up(by)
    payer = lock(Payer.objects, payer_id)
    payer.peer_to_peer_days, payer.is_slow = peer_to_peer_days, is_slow
    payer.version += 1
    payer.save()
    details = {"peer_to_peer_days": peer_to_peer_days, "is_slow": is_slow}
    audit.record_change(payer, "save_terms", by=by, details=details)
    return payer
