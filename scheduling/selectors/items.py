"""What stands on the calendar's grid: visits, blocks, open times, and "3 more" where there is no room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from coordinator.accounts.models import Practitioner
from coordinator.wording import clock_time, local
from scheduling.models import Appointment
from scheduling.rules import grid
from scheduling.rules.conflicts import Away
from scheduling.rules.local_time import day_bounds
from scheduling.rules.slots import minute, minute_up
from scheduling.selectors.slots import Offer
from scheduling.workflow import Status

NOBODY = "none"  # stands for visits without a practitioner
STRIPES = 6
SAID = (Status.ARRIVED, Status.CHECKED_IN, Status.NO_SHOW, Status.CANCELLED, Status.PENDING)
LOOKS: dict[str, str] = {
    Status.FULFILLED: "done",
    Status.CANCELLED: "cancel",
    Status.RESCHEDULED: "cancel",
    Status.NO_SHOW: "noshow",
}


@dataclass(frozen=True)
class Calendar:
    """One calendar that can be shown: a practitioner's, or NOBODY's."""

    key: str
    label: str
    stripe: str
    shown: bool


@lru_cache(maxsize=64)
def _spoken(day: date, language: str) -> str:
    return date_format(day, "SPOKEN_DAY_FORMAT")


@dataclass(frozen=True)
class Item:
    """Something on the grid. `kind`: visit, block, open or more."""

    kind: str
    start: datetime
    end: datetime
    title: str
    line: str = ""
    look: str = ""
    visit: Appointment | None = None
    offer: Offer | None = None
    chosen: bool = False
    place: grid.Place = field(default_factory=lambda: grid.Place(1, 1))

    @property
    def minutes(self) -> int:
        return round((self.end - self.start).total_seconds() / 60)

    # A calendar of a hundred visits names each day and time several times; working them out once halves the page.

    @cached_property
    def clock(self) -> str:
        return clock_time(self.start)

    @cached_property
    def spoken_day(self) -> str:
        """ "Monday, November 16" for those who hear the calendar."""
        return _spoken(local(self.start).date(), get_language() or "")

    @cached_property
    def day(self) -> str:
        return local(self.start).date().isoformat()

    @property
    def state(self) -> str:
        return str(self.visit.get_status_display()) if self.visit else ""

    @property
    def classes(self) -> str:
        return " ".join(part for part in ("ev", self.look, self.place.classes) if part)


def short_practitioner(person: Practitioner) -> str:
    """ "Okafor, MD": what fits into an event and a legend."""
    return f"{person.family_name}, {person.credentials}" if person.credentials else person.family_name


def short_patient(patient: Any) -> str:
    """ "RAMÍREZ, E." for the grid; the link's hidden text holds the birth date."""
    initial = f", {patient.given_name[0]}." if patient.given_name else ""
    return f"{patient.family_name.upper()}{initial}"


def visit_items(visits: Iterable[Appointment], calendars: list[Calendar]) -> list[Item]:
    stripes = {calendar.key: calendar.stripe for calendar in calendars}
    return [
        Item(
            "visit",
            visit.start,
            visit.end,
            short_patient(visit.patient),
            line=str(visit.get_status_display()) if visit.status in SAID else visit.service.name,
            look=f"{stripes.get(str(visit.practitioner_id), 'k-none')} {LOOKS.get(visit.status, '')}".strip(),
            visit=visit,
        )
        for visit in visits
    ]


def block_items(away: list[Away], day: date, calendars: list[Calendar], zone: str) -> list[Item]:
    start, end = day_bounds(day, zone)
    shown = {calendar.key: calendar.label for calendar in calendars if calendar.shown}
    items = []
    for block in away:
        if not (block.start < end and start < block.end):
            continue
        if block.practitioner_id is None:
            title = block.reason
        elif str(block.practitioner_id) in shown:
            title = f"{shown[str(block.practitioner_id)]}: {block.reason}" if len(shown) > 1 else block.reason
        else:
            continue
        items.append(Item("block", max(block.start, start), min(block.end, end), title, look="block"))
    return items


def open_items(offers: Iterable[Offer], chosen: str) -> list[Item]:
    return [
        Item(
            "open",
            offer.start,
            offer.end,
            pgettext("slot", "Open") if offer.value != chosen else _("Your choice"),
            line=offer.practitioner.family_name,
            look="open sel" if offer.value == chosen else "open",
            offer=offer,
            chosen=offer.value == chosen,
        )
        for offer in _one_after_another(offers, chosen)
    ]


def _one_after_another(offers: Iterable[Offer], chosen: str) -> list[Offer]:
    """Offers of one clinician overlap each other in steps of a quarter hour; the grid shows what does not."""
    shown: list[Offer] = []
    taken: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for offer in sorted(offers, key=lambda o: (o.value != chosen, o.start)):
        span = minute(offer.start), minute_up(offer.end)
        own = taken[offer.practitioner.pk]
        if all(span[1] <= start or end <= span[0] for start, end in own):
            own.append(span)
            shown.append(offer)
    return sorted(shown, key=lambda o: o.start)


def more_items(crowded: list[tuple[Item, grid.Place]]) -> list[Item]:
    """What does not fit beside the rest, as one link a stretch of time to the day's list."""
    groups: list[list[tuple[Item, grid.Place]]] = []
    bottom = 0
    for item, place in sorted(crowded, key=lambda pair: pair[1].row):
        if not groups or place.row >= bottom:
            groups.append([])
        groups[-1].append((item, place))
        bottom = max(bottom, place.row + place.rows)
    return [
        Item(
            "more",
            group[0][0].start,
            group[-1][0].end,
            ngettext("%(n)d more", "%(n)d more", len(group)) % {"n": len(group)},
            look="more",
            place=grid.Place(
                group[0][1].row,
                max(p.row + p.rows for _i, p in group) - group[0][1].row,
                grid.MOST_LANES,
                grid.MOST_LANES,
            ),
        )
        for group in groups
    ]
