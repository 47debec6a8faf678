from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "coordinator.dashboard"

    def ready(self) -> None:
        from coordinator.dashboard import reactions  # noqa: F401  (importing it connects it)
        from coordinator.dashboard.merging import PARTS
        from patients import merging

        merging.PARTS.extend(PARTS)
