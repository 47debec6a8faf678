"""Who pays for whom, and what the clinic's lists say of it, read once for many patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from patients.models import Coverage
from patients.rules.text import fold
from referrals.models import Payer, PayerRequirement


@dataclass(frozen=True)
class PayerLists:
    """Managed payers by their folded name, active coverages by patient in their order, lines of the lists by payer."""

    payers: dict[str, Payer]
    coverages: dict[UUID, list[Coverage]]
    lines: dict[UUID, list[PayerRequirement]]

    def payer_of(self, patient_id: UUID) -> tuple[Coverage | None, Payer | None]:
        """The first active coverage whose payer is one of ours, by name, whatever case and accents."""
        for coverage in self.coverages.get(patient_id, ()):
            if payer := self.payers.get(fold(coverage.payer_name).strip()):
                return coverage, payer
        return None, None

    def line(self, payer: Payer, *, on: date, code: str = "", specialty: str = "") -> PayerRequirement | None:
        """The line that answers for this payer and service on that day; a code before a specialty."""
        return line_for(self.lines.get(payer.pk, ()), on=on, code=code, specialty=specialty)


def line_for(
    kept: Collection[PayerRequirement], *, on: date, code: str = "", specialty: str = ""
) -> PayerRequirement | None:
    """Of one payer's lines, the one that answers for a service on that day; a code before a specialty."""
    lines = [line for line in kept if line.holds_on(on)]
    by_code = [line for line in lines if code and line.service_code.upper() == code.upper()]
    named = specialty.strip().casefold()
    by_name = [line for line in lines if named and line.specialty.casefold() == named]
    return next(iter(by_code or by_name), None)


def payer_lists(patients: Collection[UUID]) -> PayerLists:
    """What is needed for these patients. Three queries, however many; none without patients."""
    if not patients:
        return PayerLists({}, {}, {})
    coverages: dict[UUID, list[Coverage]] = defaultdict(list)
    for coverage in Coverage.objects.filter(patient__in=patients, status="active").order_by("rank"):
        coverages[coverage.patient_id].append(coverage)
    named = {fold(one.payer_name).strip() for rows in coverages.values() for one in rows} - {""}
    payers: dict[str, Payer] = {}
    for payer in Payer.objects.filter(is_active=True) if named else ():
        if (name := fold(payer.name).strip()) in named:
            payers.setdefault(name, payer)
    lines: dict[UUID, list[PayerRequirement]] = defaultdict(list)
    keys = [payer.pk for payer in payers.values()]
    for line in PayerRequirement.objects.offered().filter(payer__in=keys) if keys else ():
        lines[line.payer_id].append(line)
    return PayerLists(payers, coverages, lines)
