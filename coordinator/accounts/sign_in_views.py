"""The library's sign-in views with our additions: why one was signed out, the demo's accounts, 422 for errors."""

from __future__ import annotations

from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.totp import views as totp
from django.conf import settings
from django.http import HttpResponse
from django.utils.module_loading import import_string

from coordinator.accounts.adapters import ENDED_COOKIE


class RefusesWith422:
    """A form with errors answers 422, like every form here."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 422
        return response


class LoginView(RefusesWith422, account.LoginView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "ended": self.request.COOKIES.get(ENDED_COOKIE, ""),
            "idle_minutes": settings.SESSION_IDLE_SECONDS // 60,
            "absolute_hours": settings.SESSION_ABSOLUTE_SECONDS // 3600,
            "demo_sign_ins": demo_sign_ins(),
        }


def demo_sign_ins() -> list[Any]:
    """The demo's accounts as objects or dicts with email, password, role and name; none outside the demo."""
    if not settings.DEMO:
        return []
    try:
        return list(import_string(settings.DEMO_SIGN_INS))
    except ImportError:
        return []


class ReauthenticateView(RefusesWith422, account.ReauthenticateView):
    pass


class PasswordChangeView(RefusesWith422, account.PasswordChangeView):
    pass


class PasswordResetView(RefusesWith422, account.PasswordResetView):
    pass


class PasswordResetFromKeyView(RefusesWith422, account.PasswordResetFromKeyView):
    pass


class CodeView(RefusesWith422, mfa.AuthenticateView):
    pass


class RepeatCodeView(RefusesWith422, mfa.ReauthenticateView):
    pass


class ActivateView(RefusesWith422, totp.ActivateTOTPView):
    pass
