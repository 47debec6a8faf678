"""Every sign-in, refusal and change of a credential leaves an audit event.

The receivers listen to Django's and allauth's own signals; our records use `moved` only.
"""

from __future__ import annotations

import time
from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
    authenticator_used,
)
from axes.signals import user_locked_out
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import F
from django.dispatch import receiver
from django.http import HttpRequest

from coordinator.accounts.lockout import client_ip
from coordinator.accounts.models import User
from coordinator.audit import services as audit

ENTITY = "accounts.user"


def _address(request: HttpRequest | None) -> dict[str, str | None]:
    return {"ip": client_ip(request)} if request is not None else {}


def _record(action: str, user: Any, request: HttpRequest | None, **details: Any) -> None:
    audit.record(
        by=user,
        action=action,
        entity=ENTITY,
        entity_id=user.pk if user else "",
        details={**_address(request), **details},
    )


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    now = time.time()
    request.session["started_at"] = request.session["seen_at"] = now
    request.session.pop("second_factor_ok", None)
    request.session.pop("zone", None)
    _record("sign_in", user, request)


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _record("sign_out", user, request, because=getattr(request, "signed_out_because", "asked"))


@receiver(user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kw: Any) -> None:
    """Names the account when there is one. Never what was typed: people type passwords into the wrong box."""
    user = User.objects.filter(email=str(credentials.get("email", "")).strip().lower()).first()
    judged = getattr(request, "axes_failures_since_start", None) is not None
    action = "sign_in_failed" if judged else "sign_in_refused"
    audit.record(
        by=None, action=action, entity=ENTITY, entity_id=user.pk if user else "", details=_address(request)
    )


@receiver(user_locked_out)
def locked_out(sender: Any, request: HttpRequest, username: str | None, **kwargs: Any) -> None:
    """Sent for every refused try; only the guess that crossed the limit is the lockout."""
    if request.axes_failures_since_start is None:  # type: ignore[attr-defined]
        return
    user = User.objects.filter(email=(username or "").split("#")[0]).first()
    audit.record(
        by=None,
        action="locked_out",
        entity=ENTITY,
        entity_id=user.pk if user else "",
        details=_address(request),
    )


@receiver(authentication_failed)
def code_refused(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    audit.record(
        by=None, action="second_factor_failed", entity=ENTITY, entity_id=user.pk, details=_address(request)
    )


@receiver(authenticator_used)
def code_used(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kw: Any) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _record("recovery_code_used", user, request)


@receiver(authenticator_added)
def factor_added(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kw: Any
) -> None:
    _record("second_factor_added", user, request, kind=authenticator.type)


@receiver(authenticator_reset)
def codes_replaced(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    _record("recovery_codes_replaced", user, request)


@receiver(authenticator_removed)
def factor_removed(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kw: Any
) -> None:
    """Nobody goes on without a factor: other places are signed out, this one is asked to set it up again."""
    request.session.pop("second_factor_ok", None)
    _end_other_sessions(request, user)
    _record("second_factor_removed", user, request, kind=authenticator.type)


@receiver([password_changed, password_set])
def password_was_changed(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """The password is part of a session's fingerprint, so every other place is signed out by itself."""
    _record("password_changed", user, request)


@receiver(password_reset)
def password_was_reset(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    _record("password_reset", user, request)


def _end_other_sessions(request: HttpRequest, user: User) -> None:
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    if request.user.is_authenticated and request.user.pk == user.pk:
        update_session_auth_hash(request, user)
