"""What the other calls name: sites, teams, staff, providers, organizations, visit types, rooms, reasons."""

from __future__ import annotations

from rest_framework import serializers

from careplans.models import CloseReason
from coordinator.accounts.models import Organization, Practitioner, Site, Team, User
from coordinator.api.fields import Filters, Shape, flag
from scheduling.models import Room, Service

SITE = ("id", "name", "short_name", "zone", "phone", "open_hour", "close_hour", "is_active")
TEAM = ("id", "name", "site")
STAFF = ("id", "name", "credentials", "role", "team")
PRACTITIONER = (
    "id", "family_name", "given_name", "credentials", "npi", "specialty", "organization", "site", "is_bookable",
    "is_active",
)  # fmt: skip
ORGANIZATION = ("id", "name", "npi", "phone", "fax", "is_active")
SERVICE = ("id", "name", "minutes", "is_outside", "preparation", "no_show_grace_minutes", "is_active")
CLOSE_REASON = ("id", "code", "label", "label_es", "kinds", "needs_note", "position")
ROOM = ("id", "site", "name", "is_active")


class SiteShape(Shape):
    class Meta:
        model = Site
        fields = SITE


class TeamShape(Shape):
    class Meta:
        model = Team
        fields = TEAM


class StaffShape(Shape):
    class Meta:
        model = User
        fields = STAFF


class PractitionerShape(Shape):
    class Meta:
        model = Practitioner
        fields = PRACTITIONER


class OrganizationShape(Shape):
    class Meta:
        model = Organization
        fields = ORGANIZATION


class ServiceShape(Shape):
    class Meta:
        model = Service
        fields = SERVICE


class RoomShape(Shape):
    class Meta:
        model = Room
        fields = ROOM


class CloseReasonShape(Shape):
    class Meta:
        model = CloseReason
        fields = CLOSE_REASON


class OfSite(Filters):
    site = serializers.UUIDField(required=False)


class PractitionerFilters(OfSite):
    npi = serializers.CharField(required=False, max_length=20)
    bookable = flag(help_text="true: those who take visits at the client's sites.")


class OrganizationFilters(Filters):
    npi = serializers.CharField(required=False, max_length=20)
    name = serializers.CharField(required=False, max_length=250, help_text="A part of the name, in any case.")


class Links(serializers.Serializer):
    """Address of each list."""

    def get_fields(self) -> dict[str, serializers.Field]:
        from coordinator.api.urls import LINKS

        return {name: serializers.URLField(read_only=True) for name in LINKS}
