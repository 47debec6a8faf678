from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "coordinator.dashboard"

    def ready(self) -> None:
        from coordinator.dashboard import reactions  # noqa: F401  (importing it connects it)
