from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "coordinator.imports"

    def ready(self) -> None:
        from coordinator.imports.merging import PARTS
        from patients import merging

        merging.PARTS.extend(PARTS)
