from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ClocksConfig(AppConfig):
    name = "coordinator.clocks"

    def ready(self) -> None:
        from coordinator.clocks.sync import load_after_migrate

        post_migrate.connect(load_after_migrate, sender=self, dispatch_uid="clocks.register")
