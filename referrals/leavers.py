"""What keeps a colleague's account from being closed: referrals and authorizations nobody else follows."""

from __future__ import annotations

from django.utils.translation import gettext as _

from coordinator.accounts.models import User
from referrals.models import PriorAuthorization, Referral
from referrals.workflow import AUTHORIZATION_WORKFLOW
from referrals.workflow import AuthorizationStatus as A

ENDED = (*AUTHORIZATION_WORKFLOW.terminal(), A.NOT_REQUIRED, A.EXPIRED, A.EXHAUSTED)


def open_referrals_of(user: User) -> tuple[str, int]:
    return _("open referrals"), Referral.objects.open().filter(owner=user).count()


def open_authorizations_of(user: User) -> tuple[str, int]:
    return (
        _("open prior authorizations"),
        PriorAuthorization.objects.filter(owner=user).exclude(status__in=ENDED).count(),
    )
