"""What has happened, in the PDF of a record: contacts, notes, visits elsewhere, results, papers, the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from coordinator.dashboard.summary_words import describe
from coordinator.record.gather import Record
from coordinator.record.tables import day_of, moment, plain, table
from coordinator.wording import local


def history(record: Record) -> Iterable[dict[str, Any]]:
    yield table(
        _("Contacts"),
        record.contacts,
        {
            _("When"): (1, lambda r: moment(r.at)),
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
            _("When"): (1, lambda r: moment(r.created_at)),
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
            _("When"): (1, lambda r: moment(r.started_at)),
            _("What"): (3, lambda r: r.kind),
            _("Reason"): (2, lambda r: r.reason),
            _("With"): (2, lambda r: r.practitioner or r.organization or ""),
        },
    )
    yield table(
        _("Results"),
        record.results,
        {
            _("When"): (1, lambda r: moment(r.taken_at)),
            _("Result"): (3, lambda r: r.name),
            _("Value"): (2, _value),
            _("Reading"): (1, lambda r: r.interpretation),
        },
    )
    yield table(
        _("Immunizations"),
        record.immunizations,
        {
            _("When"): (1, lambda r: moment(r.given_at)),
            _("Vaccine"): (3, lambda r: r.name),
        },
    )
    yield table(
        _("Documents"),
        record.documents,
        {
            _("Received"): (1, lambda r: day_of(r.received_on)),
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
                lambda event: moment(event.row.at) if event.timed else day_of(local(event.row.at).date()),
            ),
            _("What happened"): (
                6,
                lambda event: ". ".join(str(part) for part in (event.bold, event.text) if part),
            ),
            _("Who"): (2, lambda event: event.who),
        },
    )


def _value(row: Any) -> str:
    return f"{row.value.normalize():f} {row.unit}".strip() if row.value is not None else row.value_text


def _note_head(note: Any) -> str:
    parts = (moment(note.created_at), note.get_kind_display(), note.created_by or "")
    return plain(" · ".join(str(part) for part in parts if part))
