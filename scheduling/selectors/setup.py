"""Reads for setting up the schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from coordinator.accounts.models import Practitioner, Site
from scheduling.models import Availability, Block, Service


@dataclass(frozen=True)
class HoursOf:
    """Weekly hours of one practitioner, by weekday and time."""

    practitioner: Practitioner
    hours: list[Availability]


def sites_to_set_up(user: Any) -> list[Site]:
    """The person's own sites; all of them for administrators, who set up machinery only."""
    return list(Site.objects.visible_to(user).active())


def all_services() -> list[Service]:
    return list(Service.objects.order_by("-is_active", "name"))


def service(key: Any) -> Service | None:
    return Service.objects.filter(pk=key).first()


def hours_by_person(sites: list[Site], today: date) -> list[HoursOf]:
    """Hours that still hold or are to come, of everybody who can be booked (two queries)."""
    people = Practitioner.objects.filter(site__in=sites, is_bookable=True, is_active=True)
    found: dict[Any, HoursOf] = {person.pk: HoursOf(person, []) for person in people}
    hours = Availability.objects.filter(site__in=sites).exclude(valid_to__lt=today)
    for row in hours.select_related("practitioner", "site").order_by("weekday", "starts"):
        found.setdefault(row.practitioner_id, HoursOf(row.practitioner, [])).hours.append(row)
    return list(found.values())


def hours_row(sites: list[Site], key: Any) -> Availability | None:
    return Availability.objects.filter(site__in=sites, pk=key).select_related("practitioner", "site").first()


def blocks_ahead(sites: list[Site], now: datetime) -> list[Block]:
    """Blocks that are not over, soonest first (one query)."""
    found = Block.objects.filter(site__in=sites, ends_at__gt=now)
    return list(found.select_related("practitioner", "site").order_by("starts_at", "id")[:200])


def block(sites: list[Site], key: Any) -> Block | None:
    return Block.objects.filter(site__in=sites, pk=key).first()
