"""One row of the worklist and the head of a group, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from careplans import rules
from careplans.models import Outcome, Task
from coordinator.wording import family_first, short_day, span

# The results of contacts as a narrow column holds them.
SHORT_RESULTS: dict[str, Any] = {
    Outcome.REACHED_DONE: _("Reached"),
    Outcome.REACHED_CALL_BACK: _("Call back"),
    Outcome.LEFT_MESSAGE: _("Voicemail"),
    Outcome.NO_ANSWER: _("No answer"),
    Outcome.BUSY: _("Busy"),
    Outcome.WRONG_NUMBER: _("Wrong no."),
    Outcome.DISCONNECTED: _("Dead line"),
    Outcome.REFUSED: _("Refused"),
    Outcome.SPOKE_WITH_CAREGIVER: _("Caregiver"),
    Outcome.LANGUAGE_BARRIER: _("Interpreter"),
}


@dataclass
class Heading:
    """The head of a group: its words, how many tasks in all, and how it is marked."""

    label: Any
    count: int | None = None
    note: Any = ""
    tone: str = ""
    icon: str = ""
    patient: Any = None
    key: Any = ""  # of the group, for bringing its count up to date


@dataclass
class Row:
    """One row: a task, with the heading that comes before it, if one does."""

    task: Task
    heading: Heading | None = None
    gone: str = ""  # a sentence, when somebody else was first
    standing_in: str = ""  # "for Dana Whitfield until Nov 28", when a colleague on leave owns it

    @property
    def label(self) -> str:
        """The row in words, for the names of its controls: "Post-discharge call, RAMÍREZ, Elena"."""
        return (
            f"{self.task.title}, {family_first(self.task.patient)}" if self.task.patient else self.task.title
        )

    @property
    def why(self) -> str:
        """ "TCM · Discharged Nov 16": why the task is here; also whose list it is on, and who had it before."""
        task = self.task
        pool = str(task.team) if task.owner_id is None and task.team else ""
        before = _("before: %(name)s") % {"name": task.previous_owner.name} if task.previous_owner else ""
        parts = (self.standing_in, task.program, task.reason, pool, before, self.escalated)
        said = [str(part) for part in parts if part]
        return " · ".join(said) or task.get_kind_display()

    @property
    def escalated(self) -> str:
        """ "escalated to Robin Park Nov 20", or ""."""
        task = self.task
        if task.escalated_at is None:
            return ""
        on = short_day(task.escalated_at, timezone.localdate())
        return _("escalated to %(name)s %(day)s") % {"name": task.escalated_to, "day": on}

    @property
    def tries(self) -> str:
        """ "6 tries" once there were more than planned, where "6 of 3" would read oddly; else ""."""
        made = self.task.attempts_made
        more = made > self.task.attempts_planned
        return ngettext("%(n)d try", "%(n)d tries", made) % {"n": made} if more else ""

    @property
    def last_contact(self) -> str:
        """ "Voicemail": the last contact's result in a word or two, "" when there was none."""
        return str(SHORT_RESULTS.get(self.task.last_contact_outcome, ""))

    def age_lines(self, now: datetime) -> tuple[str, str]:
        """ "open 6 days" and "of these 2 days on hold", or ""."""
        age = rules.age(self.task, now)
        held = _("of these %(span)s on hold") % {"span": span(age.held_for)} if age.held_for else ""
        return str(_("open %(span)s") % {"span": span(age.total)}), str(held)
