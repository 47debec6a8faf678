"""Lists of words that managers keep: an order, a code that never changes, and entries that are retired, never deleted.

The model is an `Entry`; who may change it and what its own fields allow stays with the app's services.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import get_language

from coordinator.audit import services as audit
from coordinator.db import Record, refusals
from coordinator.workflow import Actor, person

E = TypeVar("E", bound="Entry")


class Entry(Record):
    """One entry. What was done under it keeps its `code`, whatever its words become."""

    code = models.CharField(max_length=60, unique=True)
    label = models.CharField(max_length=80)  # English
    label_es = models.CharField(max_length=80, blank=True)
    position = models.PositiveSmallIntegerField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["position", "label"]

    def __str__(self) -> str:
        """Its words in the active language; English where there is no Spanish."""
        return (self.label_es or self.label) if (get_language() or "").startswith("es") else self.label


def new_entry(model: type[E], label: str, by: Actor) -> E:
    """Not saved yet: at the end of the list, with a code made from its words."""
    entries = model._default_manager
    last = entries.aggregate(last=Max("position"))["last"] or 0
    stem = slugify(label).replace("-", "_")[:50] or "reason"
    taken = set(entries.filter(code__startswith=stem).values_list("code", flat=True))
    codes = [stem, *(f"{stem}_{n}" for n in range(2, len(taken) + 3))]
    code = next(code for code in codes if code not in taken)
    return model(code=code, position=last + 1, created_by=person(by))


def save_entry(entry: E, given: dict[str, Any], *, once: str, taken: str, by: Actor) -> E:
    """Save these fields, among them `label`. `once` is the constraint that keeps labels apart.

    Raises ValidationError at `label`, or Conflict when somebody is quicker, with the sentence `taken`.
    """
    changed = [name for name, value in given.items() if value != getattr(entry, name)]
    for name in changed:
        setattr(entry, name, given[name])
    if not entry._state.adding:
        entry.version += 1
    same = type(entry)._default_manager.filter(label__iexact=given["label"]).exclude(pk=entry.pk)
    if same.exists():
        raise ValidationError({"label": taken})
    with refusals(**{once: taken}), transaction.atomic():
        entry.save()
    audit.record_change(entry, "save", by=by, details={"code": entry.code, "fields": sorted(changed)})
    return entry


def set_retired(entry: E, at: datetime | None, *, by: Actor) -> E:
    """Offered no more from `at` on, or offered again (None); nothing happens when that is so already."""
    if (entry.retired_at is None) is (at is None):
        return entry
    entry.retired_at = at
    entry.version += 1
    entry.save()
    audit.record_change(entry, "retire" if at else "restore", by=by, details={"code": entry.code})
    return entry


def move_entry(offered: models.QuerySet[E], key: UUID, *, up: bool, by: Actor) -> None:
    """One place up or down among those that are offered; at the end of the list nothing happens.

    Raises the model's DoesNotExist for one that is not offered.
    """
    entries = list(offered.select_for_update())
    places = [entry.pk for entry in entries]
    if key not in places:
        raise offered.model.DoesNotExist
    place = places.index(key)
    other = place + (-1 if up else 1)
    if not 0 <= other < len(entries):
        return
    entries[place], entries[other] = entries[other], entries[place]
    for number, entry in enumerate(entries, 1):
        entry.position = number
    offered.model._default_manager.bulk_update(entries, ["position"])
    audit.record_change(
        entries[other], "move", by=by, details={"code": entries[other].code, "place": other + 1}
    )
