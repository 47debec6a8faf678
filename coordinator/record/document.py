"""A record as a tagged PDF for people (PDF/UA-1, US Letter), in the reader's language.

typst sets it from one fixed file; what is in the record goes in as JSON and is never part of the source.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coordinator.dashboard.summary_words import describe
from coordinator.record.gather import Record
from coordinator.wording import day, day_time, language_name, local
from coordinator.wording import phone as phone_words
from patients.models import Topic

SOURCE = Path(__file__).with_name("record.typ")
# Scripts that the fonts shipped with typst can show. The rest is counted and said.
SHOWN = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "COMBINING", "MODIFIER")


def pdf_of(record: Record, purpose: str) -> bytes:
    """The PDF. `purpose` is said on the first page. Times are those of the patient's place."""
    import typst

    with timezone.override(record.patient.site.tzinfo):
        data = pages_of(record, purpose)
    return typst.compile(
        SOURCE.read_bytes(),
        format="pdf",
        sys_inputs={"data": json.dumps(data)},
        pdf_standards=["ua-1"],
        ignore_system_fonts=True,
    )


def pages_of(record: Record, purpose: str) -> dict[str, Any]:
    """What the typst file draws: plain texts, titles, tables."""
    p = record.patient
    who = _("%(name)s, born %(born)s, MRN %(mrn)s") % {
        "name": plain(str(p)),
        "born": _day(p.birth_date) or _("not recorded"),
        "mrn": plain(p.mrn),
    }
    sections = list(_sections(record))
    notices = [plain(text) for text in record.notices]
    if not all(shows(cell) for cell in _texts([sections, plain(str(p))])):
        notices.append(
            _(
                "Some characters of this record cannot be shown in this file and stand as empty boxes. They are in the electronic record."
            )
        )
    return {
        "title": _("Patient record"),
        "author": plain(p.site.name),
        "lang": (translation.get_language() or "en")[:2],
        "who": who,
        "warning": _("Contains patient information"),
        "made": _("Made %(when)s") % {"when": _moment(record.now)},
        "page": _("Page"),
        "notices": notices,
        "identity": _identity(record, purpose),
        "sections": sections,
    }


def plain(value: Any) -> str:
    """Text without characters that a page cannot hold (controls, marks that turn the direction of what follows)."""
    text = "" if value is None else str(value)
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))


def shows(text: str) -> bool:
    return all(_shows(character) for character in set(text))


@lru_cache(maxsize=4096)
def _shows(character: str) -> bool:
    if ord(character) < 0x250:
        return True
    if unicodedata.category(character)[0] in "PZNS" and ord(character) < 0x2300:
        return True
    return unicodedata.name(character, "").startswith(SHOWN)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _day(value: date | None) -> str:
    return day(value) if value else ""


def _moment(value: datetime | None) -> str:
    return day_time(value) if value else ""


def _identity(record: Record, purpose: str) -> list[list[str]]:
    p = record.patient
    address = ", ".join(
        part for part in (p.address_line, p.city, f"{p.state} {p.postal_code}".strip(), p.country) if part
    )
    language = language_name(p.language) if p.language else _("Not recorded")
    interpreter = _("interpreter needed") if p.interpreter_needed else ""
    rows = [
        (
            _("Name"),
            " ".join(n for n in (p.prefix, p.given_name, p.middle_name, p.family_name, p.suffix) if n),
        ),
        (_("Goes by"), p.preferred_name),
        (_("Former family name"), p.former_family_name),
        (_("Date of birth"), _day(p.birth_date) or _("Not recorded")),
        (_("Sex"), p.get_sex_display()),
        (_("Gender identity"), p.gender_identity),
        (_("MRN"), p.mrn),
        (
            _("Other numbers"),
            ", ".join(f"{n.kind} {n.value}".strip() for n in record.identifiers if n.value != p.mrn),
        ),
        (_("Language"), ", ".join(part for part in (language, interpreter) if part)),
        (_("Address"), address),
        (_("Standing"), p.get_status_display()),
        (_("Died"), _day(p.deceased_on)),
        (_("Place"), p.site.name),
        (_("Coordinator"), p.coordinator or ""),
        (_("Primary care"), p.primary_care or ""),
        (_("Made for"), purpose),
        (_("Made by"), record.user),
    ]
    return [[str(label), plain(value)] for label, value in rows if str(value)]


def _sections(record: Record) -> Iterable[dict[str, Any]]:
    p = record.patient
    none_known = _("No known allergies") if p.allergy_status == "none_known" else _("Not recorded")
    yield _table(
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
    yield _table(
        _("Problems"),
        record.problems,
        {
            _("Problem"): (3, lambda r: r.name),
            _("Code"): (1, lambda r: r.code),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Since"): (1, lambda r: _day(r.onset_on)),
            _("Until"): (1, lambda r: _day(r.ended_on)),
        },
    )
    yield _table(
        _("Medicines"),
        record.medications,
        {
            _("Medicine"): (3, lambda r: r.name),
            _("How taken"): (2, lambda r: r.how_taken),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Since"): (1, lambda r: _day(r.started_on)),
            _("Prescriber"): (1, lambda r: r.prescriber_name),
        },
    )
    yield _table(
        _("Phones and e-mail"),
        record.contact_points,
        {
            _("Number or address"): (2, lambda r: phone_words(r.value) if r.kind == "phone" else r.value),
            _("Kind"): (1, lambda r: r.get_use_display()),
            _("Whose"): (
                2,
                lambda r: (
                    " ".join(n for n in (r.owner_name, r.owner_relationship) if n) or _("The patient’s own")
                ),
            ),
            _("Messages are OK"): (1, lambda r: _yes(r.ok_to_message and not r.opted_out_at)),
            _("Voicemail is OK"): (1, lambda r: _yes(r.ok_to_leave_voicemail)),
            _("Until"): (1, lambda r: _moment(r.ended_at)),
        },
    )
    yield _table(
        _("Coverage"),
        record.coverages,
        {
            _("Payer"): (2, lambda r: r.payer_name),
            _("Plan"): (2, lambda r: r.plan_name),
            _("Member number"): (1, lambda r: r.member_id),
            _("Group"): (1, lambda r: r.group_number),
            _("From"): (1, lambda r: _day(r.starts_on)),
            _("Until"): (1, lambda r: _day(r.ends_on)),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
    )
    yield _table(
        _("Care team"),
        record.care_team,
        {
            _("Name"): (2, lambda r: r.display),
            _("Role"): (2, lambda r: r.role),
            _("Reached at"): (2, lambda r: r.contact),
            _("From"): (1, lambda r: _day(r.started_on)),
            _("Until"): (1, lambda r: _day(r.ended_on)),
        },
    )
    yield _table(
        _("Family and caregivers"),
        record.related_people,
        {
            _("Name"): (2, lambda r: r.name),
            _("Relationship"): (1, lambda r: r.relationship),
            _("Authority"): (1, lambda r: r.authority),
            _("Phone"): (1, lambda r: phone_words(r.phone)),
            _("May hear about"): (2, _topics),
            _("Until"): (1, lambda r: _day(r.ended_on)),
        },
    )
    yield _table(
        _("Consents"),
        record.consents,
        {
            _("About"): (2, lambda r: r.get_kind_display()),
            _("Decision"): (1, lambda r: r.get_decision_display()),
            _("What for"): (3, lambda r: r.scope),
            _("From"): (1, lambda r: _day(r.starts_on)),
            _("Until"): (1, lambda r: _day(r.revoked_on or r.ends_on)),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
    )
    yield from _care(record)
    yield from _history(record)


def _care(record: Record) -> Iterable[dict[str, Any]]:
    kept = {problem.pk for problem in record.problems}
    yield _table(
        _("Care plans"),
        record.plans,
        {
            _("Plan"): (3, lambda r: r.title),
            _("Program"): (1, lambda r: r.program),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("From"): (1, lambda r: _day(r.starts_on)),
            _("Problems"): (2, lambda r: ", ".join(p.name for p in r.problems.all() if p.pk in kept)),
        },
    )
    newest: dict[Any, Any] = {}
    for measured in record.measurements:
        newest.setdefault(measured.goal_id, measured)
    yield _table(
        _("Goals"),
        record.goals,
        {
            _("Goal"): (3, lambda r: r.description),
            _("Patient’s words"): (2, lambda r: r.patient_words),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Progress"): (1, lambda r: r.get_achievement_status_display() if r.achievement_status else ""),
            _("Last measured"): (1, lambda r: _measured(newest.get(r.pk))),
            _("Due"): (1, lambda r: _day(r.due_on)),
        },
    )
    yield _table(
        _("Actions"),
        record.interventions,
        {
            _("Action"): (3, lambda r: r.description),
            _("Who"): (1, lambda r: r.responsible_name or r.responsible or r.responsible_team or ""),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Due"): (1, lambda r: _day(r.due_on) or r.frequency),
        },
    )
    yield _table(
        _("Tasks"),
        record.tasks,
        {
            _("Task"): (3, lambda r: r.title),
            _("Why"): (2, lambda r: r.reason),
            _("Whose"): (1, lambda r: r.owner or r.team or ""),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Due"): (1, lambda r: _moment(r.due_at)),
        },
    )
    yield _table(
        _("Visits"),
        record.appointments,
        {
            _("When"): (1, lambda r: _moment(r.start)),
            _("Visit"): (2, lambda r: r.service.name),
            _("With"): (2, lambda r: r.practitioner or r.place),
            _("Reason"): (2, lambda r: r.reason),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
    )
    yield _table(
        _("Referrals"),
        record.referrals,
        {
            _("Reference"): (1, lambda r: r.reference),
            _("To"): (2, lambda r: r.recipient or r.recipient_organization or r.specialty),
            _("Why"): (2, lambda r: r.reason),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("Made"): (1, lambda r: _moment(r.created_at)),
        },
    )
    yield _table(
        _("Prior authorizations"),
        record.authorizations,
        {
            _("Service"): (2, lambda r: r.service),
            _("Payer"): (2, lambda r: r.payer.name),
            _("Number"): (1, lambda r: r.authorization_number),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("From"): (1, lambda r: _day(r.starts_on)),
            _("Until"): (1, lambda r: _day(r.ends_on)),
        },
    )


def _history(record: Record) -> Iterable[dict[str, Any]]:
    yield _table(
        _("Contacts"),
        record.contacts,
        {
            _("When"): (1, lambda r: _moment(r.at)),
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
    yield _table(
        _("Provider updates"),
        record.updates,
        {
            _("When"): (1, lambda r: _moment(r.created_at)),
            _("To"): (2, lambda r: r.report_to),
            _("What"): (3, lambda r: r.words),
            _("Answer"): (3, lambda r: r.answer),
            _("Status"): (1, lambda r: r.get_status_display()),
        },
    )
    yield _table(
        _("Encounters"),
        record.encounters,
        {
            _("When"): (1, lambda r: _moment(r.started_at)),
            _("What"): (3, lambda r: r.kind),
            _("Reason"): (2, lambda r: r.reason),
            _("With"): (2, lambda r: r.practitioner or r.organization or ""),
        },
    )
    yield _table(
        _("Results"),
        record.results,
        {
            _("When"): (1, lambda r: _moment(r.taken_at)),
            _("Result"): (3, lambda r: r.name),
            _("Value"): (2, _value),
            _("Reading"): (1, lambda r: r.interpretation),
        },
    )
    yield _table(
        _("Immunizations"),
        record.immunizations,
        {
            _("When"): (1, lambda r: _moment(r.given_at)),
            _("Vaccine"): (3, lambda r: r.name),
        },
    )
    yield _table(
        _("Documents"),
        record.documents,
        {
            _("Received"): (1, lambda r: _day(r.received_on)),
            _("Kind"): (1, lambda r: r.kind),
            _("Title"): (3, lambda r: r.title),
        },
    )
    yield _table(
        _("Timeline"),
        [describe(row) for row in record.events],
        {
            _("When"): (
                2,
                lambda event: _moment(event.row.at) if event.timed else _day(local(event.row.at).date()),
            ),
            _("What happened"): (
                6,
                lambda event: ". ".join(str(part) for part in (event.bold, event.text) if part),
            ),
            _("Who"): (2, lambda event: event.who),
        },
    )


def _table(
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
    return f"{row.value.normalize():f} {row.unit} ({_day(row.measured_on)})" if row else ""


def _value(row: Any) -> str:
    return f"{row.value.normalize():f} {row.unit}".strip() if row.value is not None else row.value_text


def _note_head(note: Any) -> str:
    parts = (_moment(note.created_at), note.get_kind_display(), note.created_by or "")
    return plain(" · ".join(str(part) for part in parts if part))
