from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"

    def ready(self) -> None:
        from coordinator.accounts.services import open_work_checks
        from coordinator.clocks.subjects import SUBJECTS
        from patients.clock_subjects import stays_seen
        from patients.leavers import caseload_of
        from patients.merge_rows import OWN_PARTS
        from patients.merging import PARTS

        open_work_checks.append(caseload_of)
        PARTS.extend(OWN_PARTS)
        SUBJECTS["patients.encounter"] = stays_seen
