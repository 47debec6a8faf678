"""Who may manage accounts and sites: `can_` answers, `check_` refuses with a sentence."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from coordinator.accounts.models import Site
from coordinator.workflow import Actor, System


def can_manage_accounts(user: Any) -> bool:
    return user.can("accounts.manage")


def check_can_manage_accounts(by: Actor) -> None:
    if not isinstance(by, System) and not can_manage_accounts(by):
        raise PermissionDenied(_("Only administrators may change accounts."))


def can_manage_site(user: Any, site: Site) -> bool:
    """Managers for their own sites, administrators for all."""
    return user.can("settings.manage") and (user.can("accounts.manage") or site.pk in user.site_ids)


def check_can_manage_site(by: Actor, site: Site) -> None:
    if not isinstance(by, System) and not can_manage_site(by, site):
        raise PermissionDenied(_("You may change the settings of your own sites only."))
