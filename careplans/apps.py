from django.apps import AppConfig


class CareplansConfig(AppConfig):
    name = "careplans"

    def ready(self) -> None:
        from careplans import reactions  # noqa: F401  (connects the receivers)
        from careplans.date_reasons import tasks_seen
        from careplans.foretelling import foretell
        from careplans.leavers import open_tasks_of
        from careplans.merging import PARTS
        from coordinator.accounts.services import open_work_checks
        from coordinator.clocks.subjects import SUBJECTS
        from patients import leaving, merging

        open_work_checks.append(open_tasks_of)
        merging.PARTS.extend(PARTS)
        leaving.FORETELLERS.append(foretell)
        SUBJECTS["careplans.task"] = tasks_seen
