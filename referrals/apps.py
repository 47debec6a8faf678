from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from coordinator.accounts.services import open_work_checks
        from patients import leaving, merging
        from patients.linking import TARGETS
        from referrals import reactions  # noqa: F401  (connects the receivers)
        from referrals.foretelling import foretell
        from referrals.leavers import open_authorizations_of, open_referrals_of
        from referrals.merging import PARTS
        from referrals.models import PriorAuthorization, Referral

        open_work_checks.extend([open_referrals_of, open_authorizations_of])
        merging.PARTS.extend(PARTS)
        TARGETS.update(referral=Referral, authorization=PriorAuthorization)
        leaving.FORETELLERS.append(foretell)
