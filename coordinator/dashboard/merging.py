"""Pins in a merge of two records."""

from __future__ import annotations

from collections.abc import Iterator

from coordinator.dashboard.models import GapDecision, PinnedPatient
from patients.merging import Pair, Part, Settled


def settle_pins(pair: Pair) -> Iterator[Settled]:
    """Who pinned both keeps the pin of the survivor; the other one waits, unseen, for the merge to be taken back."""
    pinned = PinnedPatient.objects.filter(patient=pair.survivor).values("user")
    for pin in PinnedPatient.objects.filter(patient=pair.other, user__in=pinned):
        yield Settled(row=pin)


PARTS = [Part(PinnedPatient, settle=settle_pins), Part(GapDecision)]
