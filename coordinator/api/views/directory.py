"""Read-only lists that the other calls need, and the root that links everything. Any valid token may read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response
from rest_framework.reverse import reverse

from coordinator.accounts.models import Site
from coordinator.api import selectors
from coordinator.api.base import ApiView, ListView
from coordinator.api.fields import Shape
from coordinator.api.serializers import directory as shapes


class DirectoryView(ListView):
    access_rule = "api:directory"
    ordering = ("id",)
    lookups = {"site": "site", "npi": "npi", "name": "name__icontains"}
    names: tuple[str, ...] = ()

    def get(self, request: Any) -> Response:
        return self.listed()

    def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return self.narrowed(visible, given).values(*self.names)


def listing(
    noun: str, shape: type[Shape], about: str
) -> Callable[[type[DirectoryView]], type[DirectoryView]]:
    """Class decorator: the schema of a directory, and its columns."""

    def mark(view: type[DirectoryView]) -> type[DirectoryView]:
        view.names = tuple(shape.Meta.fields)  # type: ignore[attr-defined]
        schema = extend_schema(operation_id=f"{noun}_list", responses=shape(many=True), description=about)
        return extend_schema_view(get=schema)(view)

    return mark


@listing(
    "sites", shapes.SiteShape, "The client's sites. Dates without a time are local to the site's `zone`."
)
class SiteList(DirectoryView):
    def visible(self, request: Any) -> QuerySet[Any]:
        return Site.objects.visible_to(request.user)


@listing("teams", shapes.TeamShape, "Teams: lists of work that belongs to whoever takes it.")
class TeamList(DirectoryView):
    filters = shapes.OfSite

    def visible(self, request: Any) -> QuerySet[Any]:
        return selectors.teams(request.user)


@listing("staff", shapes.StaffShape, "People who work at the client's sites; owners of tasks and referrals.")
class StaffList(DirectoryView):
    filters = shapes.OfSite

    def visible(self, request: Any) -> QuerySet[Any]:
        return selectors.staff(request.user)

    def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        at_site = {site for site in self.request.user.site_ids if site == given.get("site", site)}
        return visible.filter(sites__in=at_site).distinct().values(*self.names)


@listing("practitioners", shapes.PractitionerShape, "Providers: ours (with a site) and those elsewhere.")
class PractitionerList(DirectoryView):
    filters = shapes.PractitionerFilters

    def visible(self, request: Any) -> QuerySet[Any]:
        return selectors.practitioners(request.user)

    def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        if given.get("bookable"):
            visible = selectors.bookable(self.request.user)
        return super().rows(visible, given)


@listing(
    "organizations", shapes.OrganizationShape, "Organizations we deal with, such as recipients of referrals."
)
class OrganizationList(DirectoryView):
    filters = shapes.OrganizationFilters

    def visible(self, request: Any) -> QuerySet[Any]:
        return selectors.organizations(request.user)


@listing("services", shapes.ServiceShape, "Visit types: what is booked, and how many minutes it takes.")
class ServiceList(DirectoryView):
    def visible(self, request: Any) -> QuerySet[Any]:
        return selectors.services(request.user)


@listing("rooms", shapes.RoomShape, "Rooms of the client's sites.")
class RoomList(DirectoryView):
    filters = shapes.OfSite

    def visible(self, request: Any) -> QuerySet[Any]:
        return selectors.rooms(request.user)


@listing(
    "close_reasons",
    shapes.CloseReasonShape,
    "Reasons to close a task without doing it. `kinds` are the types of task one goes with; none means all.",
)
class CloseReasonList(DirectoryView):
    def visible(self, request: Any) -> QuerySet[Any]:
        return selectors.close_reasons()


class Root(ApiView):
    access_rule = "api:directory"

    @extend_schema(operation_id="root", responses=shapes.Links)
    def get(self, request: Any) -> Response:
        """Address of every list."""
        from coordinator.api.urls import LINKS

        return Response({name: reverse(f"api:{route}", request=request) for name, route in LINKS.items()})
