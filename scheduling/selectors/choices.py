"""What the schedule's forms offer, and how this person left the filters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q

from coordinator.accounts.models import Practitioner, Site
from patients.models import Patient
from scheduling.models import Service

PAGE = "schedule"

US_ZONES = {
    "America/New_York": "Eastern",
    "America/Chicago": "Central",
    "America/Denver": "Mountain",
    "America/Phoenix": "Arizona",
    "America/Los_Angeles": "Pacific",
    "America/Anchorage": "Alaska",
    "Pacific/Honolulu": "Hawaii",
}


def sites_of(user: Any) -> list[Site]:
    """The active sites a person works at, with their calendars; their own team's first."""
    sites = list(Site.objects.filter(pk__in=user.site_ids, is_active=True).select_related("calendar"))
    home = user.team.site_id if user.team_id else None
    return sorted(sites, key=lambda site: (site.pk != home, site.name))


def services() -> list[Service]:
    return list(Service.objects.filter(is_active=True))


def people_at(site_ids: list[UUID]) -> list[Practitioner]:
    """Who can be booked at these sites: who works there, and who only has hours there."""
    there = Q(site__in=site_ids) | Q(availability__site__in=site_ids)
    return list(Practitioner.objects.filter(there, is_bookable=True, is_active=True).distinct())


def patients_to_book(user: Any) -> Any:
    """Patients this person may see, with what the finder says about them."""
    return Patient.objects.visible_to(user).select_related("site", "primary_care")


def saved_filters(user: Any) -> str:
    """The filters as last left, as a query string."""
    saved = user.saved_views.filter(page=PAGE, name="").first()
    return saved.query if saved else ""


def zone_name(zone: str) -> str:
    """ "Central" for American zones, else the city: "Berlin"."""
    return US_ZONES.get(zone, zone.rsplit("/", 1)[-1].replace("_", " "))
