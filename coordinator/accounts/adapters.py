"""How the sign-in library fits us: no self-registration, our lockout, seeds encrypted at rest."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from coordinator.accounts import lockout
from coordinator.accounts.roles import Role

ENDED_COOKIE = "signed_out_because"  # "idle" or "absolute", for the sign-in page to say why
RECENT_SECONDS = 300  # a sign-in this fresh need not be repeated to set up the second factor


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("That e-mail and password do not match. Check both and try again."),
        "incorrect_password": _("That is not your password."),
        "enter_current_password": _("That is not your current password."),
        "too_many_login_attempts": _("Too many wrong attempts. Wait 15 minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by an administrator."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Guesses are counted by coordinator.accounts.lockout, not by the library's own limit."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The person, or None. A deactivated account and a machine's account answer like a wrong password."""
        with lockout.one_guess_at_a_time(request, credentials):
            user = super().authenticate(request, **credentials)
        return user if user and user.is_active and user.role != Role.API_CLIENT else None

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        lockout.remember_browser(request, response, user)
        response.delete_cookie(ENDED_COOKIE, path="/accounts/")
        return response

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("mfa_index")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        started = self.request.session.get("started_at", 0) if self.request else 0
        fresh = time.time() - started < RECENT_SECONDS
        return not fresh and super().is_reauthentication_required(app=app, **kwargs)


def _cipher() -> MultiFernet:
    """The first key writes; the others still read what they wrote (settings.FIELD_KEY_FALLBACKS)."""
    keys = [settings.FIELD_KEY, *settings.FIELD_KEY_FALLBACKS]
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
    )


class MFAAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("That code is not right, or it was already used. Wait for the next one."),
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: Any) -> str:
        return user.email
