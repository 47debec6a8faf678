"""Which records a client may name or list, beyond a model's own `visible_to`."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from careplans.models import CloseReason, Goal
from coordinator.accounts.models import Organization, Practitioner, Team, User
from coordinator.accounts.roles import Role
from coordinator.api.models import ApiClient
from patients.models import ContactPoint, Document, Patient, Problem, RelatedPerson
from scheduling.models import Room, Service


def patients(user: Any) -> QuerySet[Patient]:
    """For writes: with what services look at."""
    return Patient.objects.visible_to(user).select_related("site__calendar", "coordinator")


def problems(user: Any) -> QuerySet[Problem]:
    return Problem.objects.visible_to(user)


def documents(user: Any) -> QuerySet[Document]:
    return Document.objects.visible_to(user)


def related_people(user: Any) -> QuerySet[RelatedPerson]:
    return RelatedPerson.objects.visible_to(user)


def contact_points(user: Any) -> QuerySet[ContactPoint]:
    return ContactPoint.objects.visible_to(user)


def goals(user: Any) -> QuerySet[Goal]:
    return Goal.objects.visible_to(user)


def practitioners(user: Any) -> QuerySet[Practitioner]:
    return Practitioner.objects.visible_to(user)


def organizations(user: Any) -> QuerySet[Organization]:
    return Organization.objects.visible_to(user)


def bookable(user: Any) -> QuerySet[Practitioner]:
    """Providers of the client's sites, and those of other sites who take visits there."""
    here = Q(site__in=user.site_ids) | Q(availability__site__in=user.site_ids)
    return Practitioner.objects.bookable().filter(here).distinct()


def colleagues(user: Any) -> QuerySet[User]:
    """People who share a site with the client and can own work."""
    return User.objects.visible_to(user).assignable()


def staff(user: Any) -> QuerySet[User]:
    """Everybody at the client's sites; not the accounts of machines."""
    return User.objects.visible_to(user).filter(is_active=True).exclude(role=Role.API_CLIENT)


def teams(user: Any) -> QuerySet[Team]:
    return Team.objects.visible_to(user)


def rooms(user: Any) -> QuerySet[Room]:
    return Room.objects.filter(site__in=user.site_ids)


def services(user: Any) -> QuerySet[Service]:
    """Visit types belong to no site."""
    return Service.objects.all()


def clients() -> QuerySet[ApiClient]:
    """For the administrators' page: every client with the names of its sites, in two queries."""
    return (
        ApiClient.objects.select_related("user", "created_by")
        .prefetch_related("user__sites")
        .order_by("name")
    )


def close_reasons() -> QuerySet[CloseReason]:
    """Those on offer: the same for every client, like visit types."""
    return CloseReason.objects.offered()
