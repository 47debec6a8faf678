"""Sign-in (by allauth, without self-registration) and second factor; our own pages are in own_urls."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.urls import include, path, re_path

from coordinator.accounts import sign_in_views as ours
from coordinator.http import PUBLIC, SIGNED_IN, declare

# allauth reverses these names without a namespace.
urlpatterns = [
    path("login/", declare(ours.LoginView.as_view(), PUBLIC), name="account_login"),
    path("logout/", declare(account.logout, PUBLIC), name="account_logout"),
    path(
        "reauthenticate/",
        declare(ours.ReauthenticateView.as_view(), SIGNED_IN),
        name="account_reauthenticate",
    ),
    path(
        "password/change/",
        declare(ours.PasswordChangeView.as_view(), SIGNED_IN),
        name="account_change_password",
    ),
    path("password/reset/", declare(ours.PasswordResetView.as_view(), PUBLIC), name="account_reset_password"),
    path(
        "password/reset/done/",
        declare(account.password_reset_done, PUBLIC),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[0-9A-Za-z-]+)/$",
        declare(ours.PasswordResetFromKeyView.as_view(), PUBLIC),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        declare(account.password_reset_from_key_done, PUBLIC),
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", declare(mfa.index, SIGNED_IN), name="mfa_index"),
    path("2fa/authenticate/", declare(ours.CodeView.as_view(), PUBLIC), name="mfa_authenticate"),
    path("2fa/reauthenticate/", declare(ours.RepeatCodeView.as_view(), SIGNED_IN), name="mfa_reauthenticate"),
    path("2fa/totp/activate/", declare(ours.ActivateView.as_view(), SIGNED_IN), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", declare(totp.deactivate_totp, SIGNED_IN), name="mfa_deactivate_totp"),
    path(
        "2fa/recovery-codes/",
        declare(recovery.view_recovery_codes, SIGNED_IN),
        name="mfa_view_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/generate/",
        declare(recovery.generate_recovery_codes, SIGNED_IN),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/download/",
        declare(recovery.download_recovery_codes, SIGNED_IN),
        name="mfa_download_recovery_codes",
    ),
    path("", include("coordinator.accounts.own_urls")),
]
