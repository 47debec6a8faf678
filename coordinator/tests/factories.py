"""Plain functions that make floor records for tests and the demo. Everybody in them is invented."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from coordinator.accounts.models import Delegation, Organization, Practitioner, Site, Team, User
from coordinator.accounts.roles import Role
from coordinator.clocks.models import BusinessCalendar

number = itertools.count(1)
PASSWORD = "correct-horse-battery"


def make_site(**fields: Any) -> Site:
    n = next(number)
    fields.setdefault("name", f"Riverbend {n}")
    fields.setdefault("short_name", fields["name"])
    fields.setdefault("phone", "(612) 555-0100")
    fields.setdefault("calendar", BusinessCalendar.objects.filter(name="US federal").first())
    return Site.objects.create(**fields)


def make_team(site: Site | None = None, **fields: Any) -> Team:
    fields.setdefault("name", f"Team {next(number)}")
    return Team.objects.create(site=site or make_site(), **fields)


def make_user(role: str = Role.COORDINATOR, site: Site | None = None, **fields: Any) -> User:
    n = next(number)
    fields.setdefault("email", f"{role}{n}@example.test")
    fields.setdefault("name", f"Dana Whitfield {n}")
    sites = fields.pop("sites", [site or make_site()])
    user = User.objects.create_user(password=fields.pop("password", PASSWORD), role=role, **fields)
    user.sites.set(sites)
    return user


def make_practitioner(site: Site | None = None, **fields: Any) -> Practitioner:
    fields.setdefault("family_name", f"Okafor{next(number)}")
    fields.setdefault("given_name", "Ngozi")
    fields.setdefault("credentials", "MD")
    fields.setdefault("is_bookable", site is not None)
    return Practitioner.objects.create(site=site, **fields)


def make_organization(**fields: Any) -> Organization:
    fields.setdefault("name", f"Mercy Cardiology {next(number)}")
    return Organization.objects.create(**fields)


def make_cover(person: User, delegate: User, **fields: Any) -> Delegation:
    """Cover for a week, since an hour ago."""
    fields.setdefault("starts_at", timezone.now() - timedelta(hours=1))
    fields.setdefault("ends_at", fields["starts_at"] + timedelta(days=7))
    fields.setdefault("created_at", fields["starts_at"])
    fields.setdefault("created_by", person)
    return Delegation.objects.create(person=person, delegate=delegate, zone="America/Chicago", **fields)
