"""What keeps a colleague's account from being closed: referrals and authorizations nobody else follows."""

from __future__ import annotations

from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from referrals.models import AidApplication, BenefitApplication, Bill, Estimate, PriorAuthorization, Referral


def open_referrals_of(user: User) -> tuple[str, int]:
    return _("open referrals"), Referral.objects.open().filter(owner=user).count()


def open_authorizations_of(user: User) -> tuple[str, int]:
    return (
        _("open prior authorizations"),
        PriorAuthorization.objects.open().filter(owner=user).count(),
    )


def open_money_of(user: User) -> tuple[str, int]:
    followed = (AidApplication, BenefitApplication, Bill, Estimate)
    return (
        _("open bills, applications and estimates"),
        sum(model.objects.open().filter(owner=user).count() for model in followed),
    )
