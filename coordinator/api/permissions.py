"""Who may do what through the API: a token's scopes narrow what its account's role allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS, BasePermission

from coordinator.audit import services as audit
from coordinator.workflow import Actor, System

# Scope -> the permission of coordinator.accounts.roles that the account must hold as well.
SCOPES = {
    "patients:read": "patients.view",
    "patients:write": "patients.edit",
    "plans:read": "plans.view",
    "plans:write": "plans.edit",
    "tasks:read": "tasks.view",
    "tasks:write": "tasks.work",
    "visits:read": "visits.view",
    "visits:write": "visits.book",
    "referrals:read": "referrals.view",
    "referrals:write": "referrals.edit",
    "documents:read": "notes.view",
    "documents:write": "patients.edit",
    "figures:read": "team.view",
}


def scope_of(view: Any, method: str) -> str:
    """The scope a call needs, such as "visits:write"; "" where any valid token will do (the directory)."""
    if not view.resource:
        return ""
    writes = method not in SAFE_METHODS and method not in view.reads
    # What nothing writes, such as figures, has no scope for it; who may read hears that there is no such method.
    write = f"{view.resource}:write"
    return write if writes and write in SCOPES else f"{view.resource}:read"


class ScopePermission(BasePermission):
    """Each resource has a scope for reading and one for writing; rows are then narrowed by `visible_to`."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if request.auth is None:
            return False
        scope = scope_of(view, request.method)
        if scope and scope not in request.auth.scopes:
            audit.refused(request, scope)
            raise PermissionDenied(_("This token does not have the scope %(scope)s.") % {"scope": scope})
        if scope and not request.user.can(SCOPES[scope]):
            audit.refused(request, SCOPES[scope])
            raise PermissionDenied(_("The role of this client does not include this."))
        return True


class Scoped:
    """The account behind a token, narrowed to what the token's scopes open: for `visible_to` across several resources."""

    def __init__(self, user: Any, scopes: Iterable[str]) -> None:
        self.user = user
        self.permissions = frozenset(SCOPES[scope] for scope in scopes if scope in SCOPES)

    def can(self, permission: str) -> bool:
        return permission in self.permissions and self.user.can(permission)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.user, name)


class SignedInOrToken(BasePermission):
    """Staff in a browser, or any client: for what holds no records, such as the description of the API."""

    def has_permission(self, request: HttpRequest, view: Any) -> bool:
        return request.user is not None and request.user.is_authenticated


def can_manage_clients(user: Any) -> bool:
    return user.can("api.manage")


def check_can_manage_clients(by: Actor) -> None:
    if not isinstance(by, System) and not can_manage_clients(by):
        raise PermissionDenied(_("Only administrators manage the clients of the API."))
