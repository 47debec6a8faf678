from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from coordinator.accounts.services import open_work_checks
        from referrals.leavers import open_authorizations_of, open_referrals_of

        open_work_checks.extend([open_referrals_of, open_authorizations_of])
