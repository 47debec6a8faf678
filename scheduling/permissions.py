"""Who may do what with visits. `can_x` answers, `check_x` refuses with a sentence. Jobs may do what they are for."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from coordinator.workflow import Actor, System, person


def _may(by: Actor, permission: str, site_id: Any) -> bool:
    return isinstance(by, System) or (by.can(permission) and site_id in by.site_ids)


def can_book_at(by: Actor, site_id: Any) -> bool:
    return _may(by, "visits.book", site_id)


def check_can_book_at(by: Actor, site_id: Any) -> None:
    if not can_book_at(by, site_id):
        raise PermissionDenied(_("Your role does not include booking visits at this site."))


def can_manage(by: Actor, appointment: Any) -> bool:
    return _may(by, "visits.book", appointment.site_id)


def check_can_manage(by: Actor, appointment: Any) -> None:
    if not can_manage(by, appointment):
        raise PermissionDenied(_("Your role does not include changing visits at this site."))


def can_correct(by: Actor, appointment: Any) -> bool:
    return _may(by, "visits.correct", appointment.site_id)


def check_can_correct(by: Actor, appointment: Any) -> None:
    if not can_correct(by, appointment):
        raise PermissionDenied(_("Your role does not include correcting visits at this site."))


def can_override(by: Actor, site_id: Any) -> bool:
    return _may(by, "visits.override", site_id)


def can_set_up(by: Actor, site_id: Any = None) -> bool:
    """Services, weekly hours and blocks. Without a site: services, which all sites share."""
    if isinstance(by, System):
        return True
    own = site_id is None or site_id in by.site_ids or by.can("accounts.manage")
    return by.can("settings.manage") and own


def check_can_set_up(by: Actor, site_id: Any = None) -> None:
    if not can_set_up(by, site_id):
        raise PermissionDenied(_("Your role does not include setting up the schedule of this site."))


def can_take_back(by: Actor, block: Any) -> bool:
    """Whoever said that a provider is away may say that they are there, and so may a colleague, while both book visits
    at that place; what a manager set up stays the managers'."""
    if can_set_up(by, block.site_id):
        return True
    maker, place = block.created_by, block.site_id
    if maker is None or not can_book_at(by, place) or not can_book_at(maker, place):
        return False
    return maker == person(by) or not can_set_up(maker, place)


def check_can_take_back(by: Actor, block: Any) -> None:
    if not can_take_back(by, block):
        raise PermissionDenied(
            _(
                "A manager set this time up, or somebody who books no visits here any more: a manager takes it back."
            )
        )
