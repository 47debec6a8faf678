"""The timeline in words: one bold phrase, one line, who. Normal is grey; colour and icon mark exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from careplans import workflow as care
from careplans.models import ContactAttempt
from careplans.models.contacts import Outcome
from coordinator.dashboard.summary_timeline import Row
from coordinator.messaging.models import MessageStatus
from coordinator.wording import day_time, local
from patients.models import Patient, Reconciliation
from patients.workflow import UPDATE_WORKFLOW
from patients.workflow import WORKFLOW as STANDING
from referrals.workflow import AUTHORIZATION_WORKFLOW, REFERRAL_WORKFLOW
from scheduling.workflow import WORKFLOW as VISITS
from scheduling.workflow import Status

MEANINGS = {
    "referral": (lazy("Referral"), REFERRAL_WORKFLOW),
    "authorization": (lazy("Prior authorization"), AUTHORIZATION_WORKFLOW),
    "task": (lazy("Task"), care.TASK_WORKFLOW),
    "plan": (lazy("Care plan"), care.PLAN_WORKFLOW),
    "goal": (lazy("Goal"), care.GOAL_WORKFLOW),
    "action": (lazy("Action"), care.INTERVENTION_WORKFLOW),
    "appointment": (lazy("Visit"), VISITS),
    "patient": (lazy("Record"), STANDING),
    "update": (lazy("Provider update"), UPDATE_WORKFLOW),
}
ICONS = {
    "message": "message",
    "note": "edit",
    "result": "flask",
    "immunization": "shield",
    "document": "file",
    "appointment": "calendar",
    "referral": "send",
    "authorization": "shield",
    "task": "inbox",
    "plan": "target",
    "goal": "target",
    "action": "check",
    "patient": "user",
    "update": "send",
}
# Steps in the words of somebody telling the story; the rest say the status they lead to.
TOLD = {
    ("task", "create"): lazy("Task opened"),
    ("task", "complete"): lazy("Task done"),
    ("task", "cancel"): lazy("Task closed without doing"),
    ("task", "reopen"): lazy("Task reopened"),
    ("task", "hand_over"): lazy("Task reassigned"),
    ("appointment", "create"): lazy("Visit booked"),
    ("appointment", "book"): lazy("Visit booked"),
    ("appointment", "reschedule"): lazy("Visit moved"),
    ("appointment", "cancel"): lazy("Visit cancelled"),
    ("appointment", "correct_no_show"): lazy("Corrected: not a no-show"),
    ("appointment", "correct_fulfilled"): lazy("Corrected: not yet seen"),
    ("referral", "create"): lazy("Referral written"),
    ("authorization", "create"): lazy("Prior authorization opened"),
    ("authorization", "answer_payer"): lazy("Payer's question answered"),
    ("authorization", "extend"): lazy("Payer extended its time"),
    ("authorization", "downgrade"): lazy("Request downgraded to standard"),
    ("authorization", "revise"): lazy("Approval revised"),
    ("plan", "create"): lazy("Care plan drafted"),
    ("plan", "give_copy"): lazy("Copy of the plan given"),
    ("patient", "give_copy"): lazy("Copy of the visits or medicines given"),
    ("goal", "create"): lazy("Goal added"),
    ("action", "create"): lazy("Action added"),
    ("action", "finish"): lazy("Action done"),
    ("update", "create"): lazy("Update to a provider"),
    ("update", "answer"): lazy("The provider answered"),
    ("update", "acknowledge"): lazy("The provider read it, nothing to add"),
    ("patient", "create"): lazy("Registered"),
    ("patient", "update"): lazy("Details changed"),
    ("patient", "assign_coordinator"): lazy("Coordinator changed"),
    ("patient", "record_death"): lazy("Death recorded"),
    ("patient", "settle"): lazy("Open work settled"),
    ("patient", "take_up"): lazy("Open work taken up again"),
}
SETTINGS = {
    "EMER": (lazy("Emergency visit"), "danger", "bed"),
    "IMP": (lazy("Hospital stay"), "danger", "bed"),
    "ACUTE": (lazy("Hospital stay"), "danger", "bed"),
    "NONAC": (lazy("Hospital stay"), "danger", "bed"),
    "OBSENC": (lazy("Observation stay"), "danger", "bed"),
    "HH": (lazy("Home visit"), "", "home"),
    "VR": (lazy("Virtual visit"), "", "video"),
}
DONE = {"complete", "finish", "approve", "fulfill", "answer"}
TROUBLE = {"deny", "decline", "record_no_show", "record_send_failure", "fail", "record_not_done", "reject"}


@dataclass(frozen=True)
class Event:
    """One line of the timeline. `tone` is ok, danger, info, wait or nothing; `timed`: the hour is known."""

    row: Row
    icon: str
    tone: str
    bold: Any
    text: str
    who: str
    timed: bool = True


@dataclass(frozen=True)
class Month:
    """`continues`: its heading stands above already, on the page that these events are added to."""

    starts: datetime
    events: list[Event]
    continues: bool = False


def months(rows: list[Row], after: datetime | None = None) -> list[Month]:
    """Events by local month, newest first; `after` is the moment of the event above them, if any."""
    grouped = groupby(rows, key=lambda row: (local(row.at).year, local(row.at).month))
    above = (local(after).year, local(after).month) if after else None
    return [
        Month(local(events[0].at), [describe(row) for row in events], month == above)
        for month, events in ((key, list(group)) for key, group in grouped)
    ]


def describe(row: Row) -> Event:
    return SPECIAL.get(row.kind, _step)(row)


def _step(row: Row) -> Event:
    noun, workflow = MEANINGS[row.kind]
    label = dict(workflow.statuses.choices).get(row.status, row.status)
    bold = TOLD.get((row.kind, row.step)) or _("%(what)s: %(status)s") % {
        "what": noun,
        "status": str(label).lower(),
    }
    tone = "ok" if row.step in DONE else "danger" if row.step in TROUBLE else ""
    text = ". ".join(part for part in (row.what, row.more) if part)
    return Event(row, ICONS[row.kind], tone, bold, text, row.by)


def _appointment(row: Row) -> Event:
    event = _step(row)
    start = datetime.fromtimestamp(row.number or 0, UTC)
    text = _("%(visit)s, %(at)s") % {"visit": row.what, "at": day_time(start)}
    text = f"{text}. {row.more}" if row.more else text
    tone = "wait" if row.step in ("cancel", "leave") else ""
    return Event(row, event.icon, tone, event.bold, text, row.by)


def _patient(row: Row) -> Event:
    event = _step(row)
    names = [name for name in row.what.split(",") if name]
    fields = [str(Patient._meta.get_field(name).verbose_name) for name in names]
    return Event(row, "user", "", event.bold, ", ".join(fields) or row.more, row.by)


def _contact(row: Row) -> Event:
    outcome = Outcome(row.step)
    reached = outcome in (Outcome.REACHED_DONE, Outcome.REACHED_CALL_BACK, Outcome.SPOKE_WITH_CAREGIVER)
    channel = str(ContactAttempt.Channel(row.status).label)
    pieces = [channel, row.what, _("%(n)d min") % {"n": row.number} if row.number else "", row.more]
    by_phone = row.status == ContactAttempt.Channel.PHONE
    icon = (
        ("phone" if reached else "vm" if outcome == Outcome.LEFT_MESSAGE else "phone-x")
        if by_phone
        else "mail"
    )
    return Event(row, icon, "ok" if reached else "", outcome.label, _joined(pieces), row.by)


def _message(row: Row) -> Event:
    failed = row.status in (MessageStatus.FAILED, MessageStatus.UNKNOWN)
    how = {"sms": _("Text message"), "email": _("E-mail")}.get(row.what, row.what)
    reminder = row.step == "visit_reminder"
    bold = _("Reminder %(state)s") if reminder else _("Message %(state)s")
    state = str(MessageStatus(row.status).label).lower()
    return Event(row, "message", "danger" if failed else "", bold % {"state": state}, how, "")


def _note(row: Row) -> Event:
    asked = ""
    if row.more:
        asked = (_("%(who)s has read it") if row.number else _("Reported to %(who)s, not read yet")) % {
            "who": row.more
        }
    return Event(row, "edit", "", _("Note"), row.what, _joined([row.by, asked], " · "))


def _encounter(row: Row) -> Event:
    bold, tone, icon = SETTINGS.get(row.step, (_("Seen"), "", "heart"))
    return Event(row, icon, tone, bold, _joined([row.what, row.more]), "")


def _result(row: Row) -> Event:
    count = row.number or 1
    bold = ngettext("Result", "%(n)d results", count) % {"n": count}
    return Event(row, "flask", "", bold, row.what + ("…" if count > 4 else ""), "")


def _immunization(row: Row) -> Event:
    given = row.status == "completed"
    return Event(row, "shield", "", _("Vaccine") if given else _("Vaccine not given"), row.what, "")


def _document(row: Row) -> Event:
    return Event(row, "file", "", _("Document"), _joined([row.what, row.more]), row.by, timed=False)


def _reconciliation(row: Row) -> Event:
    bold = {
        Reconciliation.List.MEDICINES: _("Medicines reconciled"),
        Reconciliation.List.ALLERGIES: _("Allergies reconciled"),
        Reconciliation.List.PROBLEMS: _("Problems reconciled"),
    }[Reconciliation.List(row.step)]
    count = row.number or 0
    found = ngettext("%(n)d difference", "%(n)d differences", count) % {"n": count}
    whom = str(Reconciliation.With(row.status).label)
    text = _joined([whom, row.what, found if count else _("everything is as listed")])
    return Event(row, "check", "wait" if count else "ok", bold, text, row.by)


def _visit(row: Row) -> Event:
    missed = row.status == Status.NO_SHOW
    bold = _("No-show") if missed else str(Status(row.status).label)
    return Event(
        row,
        "x" if missed else "check",
        "wait" if missed else "ok",
        bold,
        _joined([row.what, row.more]),
        "",
        timed=bool(row.number),
    )


SPECIAL = {
    "contact": _contact,
    "message": _message,
    "note": _note,
    "encounter": _encounter,
    "result": _result,
    "immunization": _immunization,
    "document": _document,
    "reconciliation": _reconciliation,
    "visit": _visit,
    "appointment": _appointment,
    "patient": _patient,
}


def _joined(pieces: list[str], by: str = ". ") -> str:
    return by.join(piece for piece in pieces if piece)
