from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"

    def ready(self) -> None:
        from coordinator.accounts.services import open_work_checks
        from patients.leavers import caseload_of

        open_work_checks.append(caseload_of)
