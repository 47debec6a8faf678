"""The ticks of a packet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms

from coordinator.packets.gather import Offer


class PacketForm(forms.Form):
    """One list of ticks for each part that has entries; what may not leave is not offered."""

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for part in offer.parts:
            if part.entries:
                self.fields[part.name] = forms.MultipleChoiceField(
                    label=part.title,
                    required=False,
                    choices=[(str(entry.row.pk), entry.words) for entry in part.entries],
                    initial=[str(entry.row.pk) for entry in part.entries if entry.is_ticked],
                    widget=forms.CheckboxSelectMultiple,
                )

    @property
    def keys(self) -> list[UUID]:
        """Keys of everything ticked."""
        return [UUID(key) for ticked in self.cleaned_data.values() for key in ticked]
