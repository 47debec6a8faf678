"""What every row of the worklist says alike, made once a page instead of once a row."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from coordinator.templatetags.ui import icon

NOBODY = UUID(int=0)


def row_words() -> dict[str, SafeString]:
    """Words, pictures and beginnings of addresses for the work_row tag, escaped, in the active language."""
    pieces = {
        "select": _("Select:"),
        "actions": _("Actions for"),
        "complete": _("Complete"),
        "snooze": _("Snooze"),
        "reassign": _("Reassign"),
        "log": _("Log contact"),
        "edit": _("Edit"),
        "take": _("Take"),
        "hand_back": _("Hand back"),
        "reopen": _("Reopen"),
        "open": _("Open on its own page"),
        "no_patient": _("No patient"),
        "no_contact": _("No contact yet"),
        "i_dots": icon("dots"),
        "i_complete": icon("check"),
        "i_snooze": icon("clock"),
        "i_reassign": icon("user"),
        "i_log": icon("phone"),
        "i_edit": icon("edit"),
        "i_take": icon("hand"),
        "i_hand_back": icon("undo"),
        "i_reopen": icon("repeat"),
        "i_open": icon("arrow"),
        "acts": reverse("dashboard:my_work_act", args=[NOBODY, "x"]).partition(str(NOBODY))[0],
        "page": reverse("careplans:task_detail", args=[NOBODY]).partition(str(NOBODY))[0],
    }
    return {name: conditional_escape(piece) for name, piece in pieces.items()}
