"""Pins and drafts in a merge of two records."""

from __future__ import annotations

from collections.abc import Iterator

from coordinator.dashboard.models import Draft, GapDecision, PinnedPatient
from patients.merging import Pair, Part, Settled


def settle_pins(pair: Pair) -> Iterator[Settled]:
    """Who pinned both keeps the pin of the survivor; the other one waits, unseen, for the merge to be taken back."""
    pinned = PinnedPatient.objects.filter(patient=pair.survivor).values("user")
    for pin in PinnedPatient.objects.filter(patient=pair.other, user__in=pinned):
        yield Settled(row=pin)


def settle_drafts(pair: Pair) -> Iterator[Settled]:
    """A draft goes on under the survivor's form, unless its writer has one there: then it waits for the undoing."""
    taken = set(Draft.objects.filter(patient=pair.survivor).values_list("user", "form"))
    for draft in Draft.objects.filter(patient=pair.other):
        form = draft.form.replace(str(pair.other.pk), str(pair.survivor.pk))
        if (draft.user_id, form) in taken:
            yield Settled(row=draft)
        elif form != draft.form:
            yield Settled(row=draft, values={"form": form})


PARTS = [Part(PinnedPatient, settle=settle_pins), Part(Draft, settle=settle_drafts), Part(GapDecision)]
