"""The forms of signing in: the library's, with our words, our hints and codes that work once."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from django import forms
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coordinator.accounts.services import ask_for_password_link

PASSWORD_HINT = _(
    "At least 12 characters. Three or four unrelated words are good. Not a common password, not only "
    "digits, not like your name or e-mail."
)
# A code is valid for its own 30 s and one step to either side; it is remembered for longer than that.
CODE_KEPT_SECONDS = 120


def _dress(field: forms.Field, label: Any = None, hint: Any = "", **attrs: str) -> None:
    field.label = label or field.label
    field.help_text = hint
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs.update(attrs)


class LoginForm(account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["login"], _("E-mail"), autocomplete="username", spellcheck="false")
        _dress(self.fields["password"], _("Password"), autocomplete="current-password")


class ReauthenticateForm(account.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["password"], _("Password"), autocomplete="current-password")


class ChangePasswordForm(account.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["oldpassword"], _("Current password"))
        _dress(self.fields["password1"], _("New password"), PASSWORD_HINT)
        _dress(self.fields["password2"], _("New password again"))


class SetPasswordForm(account.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields["password1"], _("New password"), PASSWORD_HINT)
        _dress(self.fields["password2"], _("New password again"))


class AskForLinkForm(forms.Form):
    """Asks for a password link. The answer, and the work done before it, are the same for every address."""

    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username"}))

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email = self.cleaned_data["email"]
        ask_for_password_link(email=email, now=timezone.now())
        return email


def use_once(user: Any, code: str) -> None:
    """Refuse a code that this person has already used; the memory is in PostgreSQL."""
    key = f"second-factor-used:{user.pk}:{normalize_user_code(code)}"
    if not cache.add(key, True, timeout=CODE_KEPT_SECONDS):
        raise get_adapter().validation_error("incorrect_code")


class _OneCode:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Recovery codes are typed here as well, so the keyboard and the length are those of both.
        _dress(
            self.fields["code"],  # type: ignore[attr-defined]
            _("Code"),
            _("The 6 digits your authenticator app shows now, or one of your recovery codes."),
            autocomplete="one-time-code",
            inputmode="numeric",
            spellcheck="false",
        )

    def clean_code(self) -> str:
        code = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP:  # type: ignore[attr-defined]
            use_once(self.user, code)  # type: ignore[attr-defined]
        return code


class CodeForm(_OneCode, mfa.AuthenticateForm):
    """The second step of signing in."""


class RepeatCodeForm(_OneCode, mfa.ReauthenticateForm):
    """A code asked for again before something sensitive."""


class ActivateForm(totp.ActivateTOTPForm):
    """The code that proves the app was set up counts as used, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(
            self.fields["code"],
            _("Code from the app"),
            _("The 6 digits the app shows now."),
            autocomplete="one-time-code",
            inputmode="numeric",
            spellcheck="false",
        )

    def clean_code(self) -> str:
        code = super().clean_code()
        use_once(self.user, code)
        return code
