from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from coordinator.accounts.services import open_work_checks
        from coordinator.clocks.subjects import SUBJECTS
        from coordinator.messaging import checks, filling
        from patients import leaving, merging
        from patients.linking import TARGETS
        from referrals import reactions  # noqa: F401  (connects the receivers)
        from referrals.clock_subjects import authorizations_seen, referrals_seen
        from referrals.foretelling import foretell
        from referrals.leavers import open_authorizations_of, open_money_of, open_referrals_of
        from referrals.merging import PARTS
        from referrals.models import PriorAuthorization, Referral
        from referrals.services import secure_links

        checks.register(secure_links.PURPOSE, secure_links.still_wanted)
        filling.register(secure_links.PURPOSE, secure_links.fill)
        open_work_checks.extend([open_referrals_of, open_authorizations_of, open_money_of])
        merging.PARTS.extend(PARTS)
        TARGETS.update(referral=Referral, authorization=PriorAuthorization)
        leaving.FORETELLERS.append(foretell)
        SUBJECTS["referrals.referral"] = referrals_seen
        SUBJECTS["referrals.priorauthorization"] = authorizations_seen
