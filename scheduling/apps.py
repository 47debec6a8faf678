from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        from coordinator.clocks.subjects import SUBJECTS
        from coordinator.messaging import checks
        from coordinator.messaging.models import REMINDER
        from patients import leaving, merging
        from patients.linking import TARGETS
        from referrals import balances
        from scheduling import reactions, system_checks  # noqa: F401  (importing them connects them)
        from scheduling.clock_subjects import offers_seen, visits_seen, waits_seen
        from scheduling.foretelling import foretell
        from scheduling.merging import PARTS
        from scheduling.models import Appointment
        from scheduling.selectors.units import units_of
        from scheduling.services.reminder_checks import still_wanted

        checks.register(REMINDER, still_wanted)
        merging.PARTS.extend(PARTS)
        balances.SOURCES.append(units_of)
        TARGETS.update(visit=Appointment)
        leaving.FORETELLERS.append(foretell)
        SUBJECTS["scheduling.appointment"] = visits_seen
        SUBJECTS["scheduling.waitlistentry"] = waits_seen
        SUBJECTS["scheduling.waitlistoffer"] = offers_seen
