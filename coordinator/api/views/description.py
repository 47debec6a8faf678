"""The OpenAPI document, for programs that write clients. It holds no records."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView

from coordinator.api.authentication import ClientTokenAuthentication, StaffSession
from coordinator.api.permissions import SignedInOrToken


class Schema(SpectacularAPIView):
    """OpenAPI 3 as YAML, or as JSON for `Accept: application/json`. For clients, and for staff signed in."""

    access_rule = "api:schema"
    authentication_classes = [ClientTokenAuthentication, StaffSession]
    permission_classes = [SignedInOrToken]
