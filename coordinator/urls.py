"""Every address of the site. Each route declares who may use it (coordinator.http)."""

from django.urls import include, path

from coordinator.gallery import gallery
from coordinator.gateway_events import GatewayEvents
from coordinator.health import healthz, readyz

handler403 = "coordinator.http.forbidden"
handler404 = "coordinator.http.not_found"
handler429 = "coordinator.http.too_many"  # asked for by the sign-in library
handler500 = "coordinator.http.server_error"

urlpatterns = [
    path("", include("coordinator.dashboard.urls")),
    path("patients/", include("patients.urls")),
    path("plans/", include("careplans.urls")),
    path("referrals/", include("referrals.urls")),
    path("referrals/", include("coordinator.exchange.urls")),
    path("schedule/", include("scheduling.urls")),
    path("imports/", include("coordinator.imports.urls")),
    path("records/", include("coordinator.record.urls")),
    path("shared/", include("referrals.shared_urls")),
    path("packets/", include("coordinator.packets.urls")),
    path("api/", include("coordinator.api.urls")),
    path("", include("coordinator.clocks.urls")),
    path("accounts/", include("coordinator.accounts.urls")),
    path("components/", gallery, name="gallery"),
    path("gateway/events/", GatewayEvents.as_view(), name="gateway_events"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
