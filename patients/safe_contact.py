"""What the warnings about contact allow: one answer for pages, messages, letters and logged contacts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from patients.models import ContactPoint, ContactWarning

Kind = ContactWarning.Kind


@dataclass(frozen=True)
class Safety:
    """The present warnings of one patient, together. Numbers are compared as (kind, normalized), not by row."""

    warnings: tuple[ContactWarning, ...] = ()
    avoid: frozenset[tuple[str, str]] = field(default=frozenset())
    only: frozenset[tuple[str, str]] = field(default=frozenset())

    def __bool__(self) -> bool:
        return bool(self.warnings)

    def _has(self, *kinds: str) -> bool:
        return any(warning.kind in kinds for warning in self.warnings)

    @property
    def no_messages(self) -> bool:
        return self._has(Kind.NO_MESSAGES)

    @property
    def no_voicemail(self) -> bool:
        return self._has(Kind.NO_VOICEMAIL)

    @property
    def no_letters(self) -> bool:
        return self._has(Kind.NO_LETTERS)

    @property
    def on_paper(self) -> list[str]:
        """For a list that is printed: what is sensitive is only pointed at."""
        open_ones = [warning.sentence for warning in self.warnings if not warning.is_sensitive]
        hidden = any(warning.is_sensitive for warning in self.warnings)
        return [*open_ones, _("Safe contact: see record")] if hidden else open_ones

    def is_unsafe(self, point: ContactPoint) -> bool:
        """Whether this number or address must not be used."""
        return self.is_unsafe_at(point.kind, point.normalized or point.value)

    def is_unsafe_at(self, kind: str, value: str) -> bool:
        return (kind, value) in self.avoid or (bool(self.only) and (kind, value) not in self.only)

    def hours(self) -> tuple[int, int] | None:
        """(from, until): the full hours that every warning allows, None when no hours are set. May be empty."""
        spans = [w for w in self.warnings if w.kind == Kind.HOURS]
        if not spans:
            return None
        return max(w.calls_from or 0 for w in spans), min(w.calls_until or 24 for w in spans)

    def why_not(self, channel: str, point: ContactPoint | None, *, voicemail: bool = False) -> str:
        """The sentence why something must not go out this way ("phone", "text", "email", "letter"), or ""."""
        if channel == "letter" and self.no_letters:
            return _("This patient must not be sent letters.")
        if channel in ("text", "email") and self.no_messages:
            return _("This patient must not be sent texts or e-mails.")
        if channel in ("phone", "text", "email", "fax") and point is not None and self.is_unsafe(point):
            return _("This number or address must not be used for this patient.")
        if voicemail and self.no_voicemail:
            return _("No message may be left for this patient.")
        return ""


SAFE = Safety()


def remember(patient: Any, warnings: Iterable[ContactWarning]) -> None:
    """Warnings that were read already, for `safety()` to find."""
    patient._safety = together(warnings)


def with_safety(patients: Iterable[Any]) -> None:
    """Read the warnings of many patients at once, in one statement, for `safety()` to find."""
    people = [patient for patient in patients if patient is not None]
    found = safety_of([patient.pk for patient in people]) if people else {}
    for patient in people:
        patient._safety = found.get(patient.pk, SAFE)


def together(rows: Iterable[ContactWarning]) -> Safety:
    """Several warnings of one patient as one answer."""
    found = tuple(rows)

    def numbers(kind: str) -> frozenset[tuple[str, str]]:
        points = [row.contact_point for row in found if row.kind == kind and row.contact_point]
        return frozenset((point.kind, point.normalized or point.value) for point in points)

    return Safety(found, numbers(Kind.AVOID), numbers(Kind.USE_ONLY))


def safety_of(patient_ids: Sequence[UUID]) -> dict[UUID, Safety]:
    """Those of these patients who have a warning, in one statement."""
    rows = ContactWarning.objects.filter(patient__in=patient_ids).present().select_related("contact_point")
    by_patient: dict[UUID, list[ContactWarning]] = defaultdict(list)
    for row in rows.order_by("created_at"):
        by_patient[row.patient_id].append(row)
    return {key: together(found) for key, found in by_patient.items()}


def safety(patient: Any) -> Safety:
    """The answer for one patient, in one statement, read once for the object in hand."""
    if not hasattr(patient, "_safety"):
        patient._safety = safety_of([patient.pk]).get(patient.pk, SAFE)
    found: Safety = patient._safety
    return found
