"""A record as a tagged PDF for people (PDF/UA-1, US Letter), in the reader's language.

typst sets it from one fixed file; what is in the record goes in as JSON and is never part of the source.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from coordinator.record.gather import Record
from coordinator.record.history import history
from coordinator.record.tables import day_of as _day
from coordinator.record.tables import moment as _moment
from coordinator.record.tables import plain, shows, texts
from coordinator.record.tables import table as _table
from coordinator.wording import language_name
from coordinator.wording import phone as phone_words
from patients.models import Topic

SOURCE = Path(__file__).with_name("record.typ")


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
    if not all(shows(cell) for cell in texts([sections, plain(str(p))])):
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
    yield from history(record)


def _care(record: Record) -> Iterable[dict[str, Any]]:
    yield _table(
        _("Care plans"),
        record.plans,
        {
            _("Plan"): (3, lambda r: r.title),
            _("Program"): (1, lambda r: r.program),
            _("Status"): (1, lambda r: r.get_status_display()),
            _("From"): (1, lambda r: _day(r.starts_on)),
            _("Problems"): (2, lambda r: ", ".join(problem.name for problem in r.problems.all())),
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


def _yes(value: bool) -> str:
    return _("Yes") if value else pgettext("answer", "No")


def _topics(row: Any) -> str:
    if row.do_not_contact:
        return _("Do not contact")
    return ", ".join(str(Topic(topic).label) for topic in row.topics) or _("Nothing recorded")


def _measured(row: Any) -> str:
    return f"{row.value.normalize():f} {row.unit} ({_day(row.measured_on)})" if row else ""
