"""Sign-in (by allauth, without self-registration) and second factor; our own pages are in own_urls."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.urls import include, path, re_path
from django.views.decorators.http import require_http_methods

from coordinator.accounts import sign_in_views as ours
from coordinator.http import PUBLIC, SIGNED_IN, declare


def door(view: Callable[..., Any], rule: str) -> Callable[..., Any]:
    """A view of the library with its access rule, for the methods its pages use."""
    return declare(require_http_methods(["GET", "HEAD", "POST"])(view), rule)


# allauth reverses these names without a namespace.
urlpatterns = [
    path("login/", door(ours.LoginView.as_view(), PUBLIC), name="account_login"),
    path("logout/", door(account.logout, PUBLIC), name="account_logout"),
    path(
        "reauthenticate/",
        door(ours.ReauthenticateView.as_view(), SIGNED_IN),
        name="account_reauthenticate",
    ),
    path(
        "password/change/",
        door(ours.PasswordChangeView.as_view(), SIGNED_IN),
        name="account_change_password",
    ),
    path("password/reset/", door(ours.PasswordResetView.as_view(), PUBLIC), name="account_reset_password"),
    path(
        "password/reset/done/",
        door(account.password_reset_done, PUBLIC),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[0-9A-Za-z-]+)/$",
        door(ours.PasswordResetFromKeyView.as_view(), PUBLIC),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        door(account.password_reset_from_key_done, PUBLIC),
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", door(mfa.index, SIGNED_IN), name="mfa_index"),
    path("2fa/authenticate/", door(ours.CodeView.as_view(), PUBLIC), name="mfa_authenticate"),
    path("2fa/reauthenticate/", door(ours.RepeatCodeView.as_view(), SIGNED_IN), name="mfa_reauthenticate"),
    path("2fa/totp/activate/", door(ours.ActivateView.as_view(), SIGNED_IN), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", door(totp.deactivate_totp, SIGNED_IN), name="mfa_deactivate_totp"),
    path(
        "2fa/recovery-codes/",
        door(recovery.view_recovery_codes, SIGNED_IN),
        name="mfa_view_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/generate/",
        door(recovery.generate_recovery_codes, SIGNED_IN),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/download/",
        door(recovery.download_recovery_codes, SIGNED_IN),
        name="mfa_download_recovery_codes",
    ),
    path("", include("coordinator.accounts.own_urls")),
]
