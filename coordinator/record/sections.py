"""The sections of a record for people: each a title, columns, and what stands in every row, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coordinator.dashboard.summary_words import describe
from coordinator.paper import plain
from coordinator.record.gather import Record
from coordinator.wording import day, day_time, local
from coordinator.wording import phone as phone_words
from patients.models import Topic
from patients.safe_contact import safety


def sections_of(record: Record) -> Iterable[dict[str, Any]]:
    p = record.patient
    none_known = _("No known allergies") if p.allergy_status == "none_known" else _("Not recorded")
    yield table(
        _("Allergies"),
        record.allergies,
        {
            _("Substance"): (3, lambda r: r.substance),
            _("Reaction"): (2, lambda r: r.reaction),
            _("Severity"): (1, lambda r: r.get_severity_display() if r.severity else ""),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
        none_known,
    )
    yield table(
        _("Problems"),
        record.problems,
        {
            _("Problem"): (3, lambda r: r.name),
            _("Code"): (1, lambda r: r.code),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Since"): (1, lambda r: day_words(r.onset_on)),
            _("Until"): (1, lambda r: day_words(r.ended_on)),
        },
    )
    yield table(
        _("Medicines"),
        record.medications,
        {
            _("Medicine"): (3, lambda r: r.name),
            _("How taken"): (2, lambda r: r.how_taken),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Since"): (1, lambda r: day_words(r.started_on)),
            _("Prescriber"): (1, lambda r: r.prescriber_name),
        },
    )
    wishes = safety(p)
    yield table(
        _("Safe contact"), wishes.on_paper, {_("What to know before contacting the patient"): (1, str)}
    )
    yield table(
        _("Phones and e-mail"),
        record.points_on_paper,
        {
            _("Number or address"): (2, lambda r: phone_words(r.value) if r.kind == "phone" else r.value),
            _("Kind"): (1, lambda r: r.get_use_display()),
            _("Whose"): (
                2,
                lambda r: (
                    " ".join(n for n in (r.owner_name, r.owner_relationship) if n) or _("The patient’s own")
                ),
            ),
            _("Calls are OK"): (1, lambda r: _yes(not wishes.is_unsafe(r))),
            _("Messages are OK"): (
                1,
                lambda r: _yes(r.ok_to_message and not r.opted_out_at and not wishes.why_not("text", r)),
            ),
            _("Voicemail is OK"): (
                1,
                lambda r: _yes(r.ok_to_leave_voicemail and not wishes.why_not("phone", r, voicemail=True)),
            ),
            _("Until"): (1, lambda r: moment_words(r.ended_at)),
        },
    )
    yield table(
        _("Coverage"),
        record.coverages,
        {
            _("Payer"): (2, lambda r: r.payer_name),
            _("Plan"): (2, lambda r: r.plan_name),
            _("Member number"): (1, lambda r: r.member_id),
            _("Group"): (1, lambda r: r.group_number),
            _("From"): (1, lambda r: day_words(r.starts_on)),
            _("Until"): (1, lambda r: day_words(r.ends_on)),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
    )
    yield table(
        _("Care team"),
        record.care_team,
        {
            _("Name"): (2, lambda r: r.display),
            _("Role"): (2, lambda r: r.role),
            _("Reached at"): (2, lambda r: r.contact),
            _("From"): (1, lambda r: day_words(r.started_on)),
            _("Until"): (1, lambda r: day_words(r.ended_on)),
        },
    )
    yield table(
        _("Family and caregivers"),
        record.related_people,
        {
            _("Name"): (2, lambda r: r.name),
            _("Relationship"): (1, lambda r: r.relationship),
            _("Authority"): (1, lambda r: r.authority),
            _("Phone"): (1, lambda r: phone_words(r.phone)),
            _("May hear about"): (2, _topics),
            _("Until"): (1, lambda r: day_words(r.ended_on)),
        },
    )
    yield table(
        _("Consents"),
        record.consents,
        {
            _("About"): (2, lambda r: r.get_kind_display()),
            _("Decision"): (1, lambda r: r.get_decision_display()),
            _("What for"): (3, lambda r: r.scope),
            _("From"): (1, lambda r: day_words(r.starts_on)),
            _("Until"): (1, lambda r: day_words(r.revoked_on or r.ends_on)),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
    )
    yield from _care(record)
    yield from _history(record)


def _care(record: Record) -> Iterable[dict[str, Any]]:
    kept = {problem.pk for problem in record.problems}
    yield table(
        _("Care plans"),
        record.plans,
        {
            _("Plan"): (3, lambda r: r.title),
            _("Program"): (1, lambda r: r.program),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("From"): (1, lambda r: day_words(r.starts_on)),
            _("Problems"): (2, lambda r: ", ".join(p.name for p in r.problems.all() if p.pk in kept)),
        },
    )
    newest: dict[Any, Any] = {}
    for measured in record.measurements:
        newest.setdefault(measured.goal_id, measured)
    yield table(
        _("Goals"),
        record.goals,
        {
            _("Goal"): (3, lambda r: r.description),
            _("Patient’s words"): (2, lambda r: r.patient_words),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Progress"): (1, lambda r: r.get_achievement_status_display() if r.achievement_status else ""),
            _("Last measured"): (1, lambda r: _measured(newest.get(r.pk))),
            _("Due"): (1, lambda r: day_words(r.due_on)),
        },
    )
    yield table(
        _("Actions"),
        record.interventions,
        {
            _("Action"): (3, lambda r: r.description),
            _("Who"): (1, lambda r: r.responsible_name or r.responsible or r.responsible_team or ""),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Due"): (1, lambda r: day_words(r.due_on) or r.frequency),
        },
    )
    yield table(
        _("Tasks"),
        record.tasks,
        {
            _("Task"): (3, lambda r: r.title),
            _("Why"): (2, lambda r: r.reason),
            _("Whose"): (1, lambda r: r.owner or r.team or ""),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Due"): (1, lambda r: moment_words(r.due_at)),
        },
    )
    yield table(
        _("Visits"),
        record.appointments,
        {
            _("When"): (1, lambda r: moment_words(r.start)),
            _("Visit"): (2, lambda r: r.service.name),
            _("With"): (2, lambda r: r.practitioner or r.place),
            _("Reason"): (2, lambda r: r.reason),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
    )
    yield table(
        _("Referrals"),
        record.referrals,
        {
            _("Reference"): (1, lambda r: r.reference),
            _("To"): (2, lambda r: r.recipient or r.recipient_organization or r.specialty),
            _("Why"): (2, lambda r: r.reason),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Made"): (1, lambda r: moment_words(r.created_at)),
        },
    )
    yield table(
        _("Prior authorizations"),
        record.authorizations,
        {
            _("Service"): (2, lambda r: r.service),
            _("Payer"): (2, lambda r: r.payer.name),
            _("Number"): (1, lambda r: r.authorization_number),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("From"): (1, lambda r: day_words(r.starts_on)),
            _("Until"): (1, lambda r: day_words(r.ends_on)),
        },
    )


def _history(record: Record) -> Iterable[dict[str, Any]]:
    yield table(
        _("Contacts"),
        record.contacts,
        {
            _("When"): (1, lambda r: moment_words(r.at)),
            _("How"): (1, lambda r: r.get_channel_display()),
            _("Result"): (1, lambda r: r.get_outcome_display()),
            _("With"): (1, lambda r: r.related_person.name if r.related_person else ""),
            _("Note"): (3, lambda r: r.note),
        },
    )
    yield {
        "kind": "texts",
        "title": _("Notes"),
        "empty": _("None recorded"),
        "rows": [[_note_head(note), plain(note.body)] for note in record.notes],
    }
    yield table(
        _("Provider updates"),
        record.updates,
        {
            _("When"): (1, lambda r: moment_words(r.created_at)),
            _("To"): (2, lambda r: r.report_to),
            _("What"): (3, lambda r: r.words),
            _("Answer"): (3, lambda r: r.answer),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
    )
    yield table(
        _("Encounters"),
        record.encounters,
        {
            _("When"): (1, lambda r: moment_words(r.started_at)),
            _("What"): (3, lambda r: r.kind),
            _("Reason"): (2, lambda r: r.reason),
            _("With"): (2, lambda r: r.practitioner or r.organization or ""),
        },
    )
    yield table(
        _("Results"),
        record.results,
        {
            _("When"): (1, lambda r: moment_words(r.taken_at)),
            _("Result"): (3, lambda r: r.name),
            _("Value"): (2, result_value),
            _("Reading"): (1, lambda r: r.interpretation),
        },
    )
    yield table(
        _("Immunizations"),
        record.immunizations,
        {
            _("When"): (1, lambda r: moment_words(r.given_at)),
            _("Vaccine"): (3, lambda r: r.name),
        },
    )
    yield table(
        _("Documents"),
        record.documents,
        {
            _("Received"): (1, lambda r: day_words(r.received_on)),
            _("Kind"): (1, lambda r: r.kind),
            _("Title"): (3, lambda r: r.title),
        },
    )
    yield table(
        _("Timeline"),
        [describe(row) for row in record.events],
        {
            _("When"): (
                2,
                lambda event: (
                    moment_words(event.row.at) if event.timed else day_words(local(event.row.at).date())
                ),
            ),
            _("What happened"): (
                6,
                lambda event: ". ".join(str(part) for part in (event.bold, event.text) if part),
            ),
            _("Who"): (2, lambda event: event.who),
        },
    )


def day_words(value: date | None) -> str:
    return day(value) if value else ""


def moment_words(value: datetime | None) -> str:
    return day_time(value) if value else ""


def table(
    title: str,
    rows: Sequence[Any],
    columns: dict[str, tuple[int, Callable[[Any], Any]]],
    empty: str = "",
) -> dict[str, Any]:
    """A section: (relative width, what a row holds) by column."""
    return {
        "kind": "table",
        "title": title,
        "empty": empty or _("None recorded"),
        "columns": [str(name) for name in columns],
        "widths": [width for width, _read in columns.values()],
        "rows": [[plain(read(row)) for _width, read in columns.values()] for row in rows],
    }


def _yes(value: bool) -> str:
    return _("Yes") if value else pgettext("answer", "No")


def _topics(row: Any) -> str:
    if row.do_not_contact:
        return _("Do not contact")
    return ", ".join(str(Topic(topic).label) for topic in row.topics) or _("Nothing recorded")


def _measured(row: Any) -> str:
    return f"{row.value.normalize():f} {row.unit} ({day_words(row.measured_on)})" if row else ""


def result_value(row: Any) -> str:
    return f"{row.value.normalize():f} {row.unit}".strip() if row.value is not None else row.value_text


def _note_head(note: Any) -> str:
    parts = (moment_words(note.created_at), note.get_kind_display(), note.created_by or "")
    return plain(" · ".join(str(part) for part in parts if part))
