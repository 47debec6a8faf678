"""Who may work on referrals and authorizations: `can_` answers for templates, `check_` refuses for services."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from coordinator.workflow import Actor, System


def can_manage_referral(user: Any, record: Any) -> bool:
    return user.can("referrals.edit") and record.site_id in user.site_ids


def check_can_manage_referral(by: Actor, record: Any) -> None:
    if not isinstance(by, System) and not can_manage_referral(by, record):
        raise PermissionDenied(_("Your role does not include working on referrals here."))


def can_review(user: Any, referral: Any) -> bool:
    """The requesting provider reviews; a coordinator may record that they did."""
    return can_manage_referral(user, referral) or (
        user.can("notes.acknowledge")
        and referral.requester_id is not None
        and user.practitioner_id == referral.requester_id
    )


def check_can_review(by: Actor, referral: Any) -> None:
    if not isinstance(by, System) and not can_review(by, referral):
        raise PermissionDenied(_("Only the requesting provider, or staff on their word, records a review."))


def check_can_set_up(by: Actor) -> None:
    """Payers and their lists belong to the whole clinic, like visit types."""
    if not isinstance(by, System) and not by.can("settings.manage"):
        raise PermissionDenied(_("Your role does not include setting up payers."))


def can_keep_funds(user: Any) -> bool:
    """Funds and their money belong to the whole clinic; managers keep them."""
    return user.can("funds.manage")


def can_end_without_reply(user: Any, referral: Any) -> bool:
    """Leads approve an ending that nobody at the other end has agreed to."""
    return can_manage_referral(user, referral) and user.can("tasks.assign")


def check_can_end_without_reply(by: Actor, referral: Any) -> None:
    if not isinstance(by, System) and not can_end_without_reply(by, referral):
        raise PermissionDenied(_("A lead approves this ending. Ask yours to record it here."))


def can_keep_directory(user: Any) -> bool:
    """The directory belongs to the whole clinic: who works on referrals keeps it, and who sets the clinic up."""
    return user.can("referrals.edit") or user.can("settings.manage")


def check_can_keep_directory(by: Actor) -> None:
    if not isinstance(by, System) and not can_keep_directory(by):
        raise PermissionDenied(_("Your role does not include keeping the directory."))
