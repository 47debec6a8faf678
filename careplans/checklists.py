"""What has to be done in the usual kinds of task, as short lines to tick."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from careplans.models import TaskKind

CHECKLISTS: dict[str, tuple[Any, ...]] = {
    TaskKind.DISCHARGE_CALL: (
        _("Confirm identity: name and date of birth"),
        _("New or worse symptoms"),
        _("Medicines changed at discharge, has them at home"),
        _("Follow-up visit booked"),
        _("Knows who to call, day and night"),
    ),
    TaskKind.PLAN_REVIEW: (
        _("Goals: progress and the patient's own view"),
        _("Actions: done, not done and why"),
        _("Next review date set"),
    ),
}


def checklist_for(kind: str) -> list[dict[str, Any]]:
    """A fresh list of unticked items for this kind of task, in the active language; empty for most."""
    return [{"text": str(text), "done": False} for text in CHECKLISTS.get(kind, ())]
