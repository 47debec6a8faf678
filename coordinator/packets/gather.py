"""What may go into a packet: entries of the record that this person may see and that may leave, with their ticks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from coordinator.record.gather import Record, record_of
from coordinator.record.sections import day_words, moment_words, result_value
from patients.labels import notice_for
from patients.models import DocumentLink
from referrals.models import Referral
from referrals.rules import packets as rules

TITLES = {
    rules.COVERAGE: _("Coverage"),
    rules.PROBLEMS: _("Problems"),
    rules.ALLERGIES: _("Allergies"),
    rules.MEDICINES: _("Medicines"),
    rules.RESULTS: _("Results"),
    rules.DOCUMENTS: _("Documents"),
}


@dataclass(frozen=True)
class Entry:
    """One entry that can be chosen."""

    row: Any
    words: str
    is_ticked: bool


@dataclass(frozen=True)
class Part:
    name: str
    title: Any
    entries: list[Entry]


@dataclass(frozen=True)
class Offer:
    """Everything that can go into the packet of one referral."""

    referral: Referral
    record: Record
    parts: list[Part]

    def chosen(self, keys: Iterable[UUID]) -> dict[str, list[Any]]:
        """The rows with these keys, by part. What is not offered is left out."""
        wanted = set(keys)
        return {part.name: [e.row for e in part.entries if e.row.pk in wanted] for part in self.parts}


def offer_of(referral: Referral, user: Any, now: datetime) -> Offer:
    """Raises Patient.DoesNotExist for a patient who may not be known."""
    record = record_of(referral.patient, user, now, events=False, notes=False)
    today = now.astimezone(record.patient.site.tzinfo).date()
    lists: dict[str, list[Any]] = {
        rules.COVERAGE: [c for c in record.coverages if not c.ends_on or c.ends_on >= today],
        rules.PROBLEMS: [p for p in record.problems if p.status == "active"],
        rules.ALLERGIES: [a for a in record.allergies if a.status == "active"],
        rules.MEDICINES: [m for m in record.medications if m.status == "active"],
        rules.RESULTS: record.results,
        rules.DOCUMENTS: [d for d in record.documents if d.kind != "packet"],
    }
    links = DocumentLink.objects.filter(kind="referral", target_id=referral.pk, removed_at=None)
    linked = frozenset(links.values_list("document_id", flat=True))
    parts = []
    for name, rows in lists.items():
        ticks = rules.ticked(
            name, rows, category=referral.category, problem_id=referral.problem_id, linked=linked, now=now
        )
        entries = [Entry(row, words_of(name, row), row.pk in ticks) for row in rows]
        parts.append(Part(name, TITLES[name], entries))
    return Offer(referral, record, parts)


def words_of(part: str, row: Any) -> str:
    """One line that tells entries of a part apart."""
    words: dict[str, Any] = {
        rules.COVERAGE: lambda: (row.payer_name, row.plan_name, row.member_id),
        rules.PROBLEMS: lambda: (row.name, row.code),
        rules.ALLERGIES: lambda: (row.substance, row.reaction),
        rules.MEDICINES: lambda: (row.name, row.how_taken),
        rules.RESULTS: lambda: (row.name, result_value(row), moment_words(row.taken_at)),
        rules.DOCUMENTS: lambda: (row.title, row.kind_label, day_words(row.received_on)),
    }
    return ", ".join(str(word) for word in words[part]() if word)


def notices_of(chosen: dict[str, list[Any]]) -> list[str]:
    """What whoever receives these entries has to read first: the words of their labels."""
    notice = notice_for(labels_of(chosen))
    return [notice] if notice else []


def labels_of(chosen: dict[str, list[Any]]) -> set[str]:
    return {row.label for rows in chosen.values() for row in rows if getattr(row, "label", "")}
