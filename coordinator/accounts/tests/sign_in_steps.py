"""Steps that several sign-in tests share."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse

from coordinator.tests.factories import PASSWORD

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def post_password(client: Client, user: Any, password: str = PASSWORD, **extra: Any) -> Any:
    email = user if isinstance(user, str) else user.email
    return client.post(reverse("account_login"), {"login": email, "password": password, **extra})


def code(step: int = 0, seed: str = SEED) -> str:
    """The code of now (0), of the step before (-1) or after (1)."""
    return format_hotp_value(hotp_value(seed, int(time.time()) // 30 + step))


def give_factor(user: Any) -> Any:
    """An authenticator app that is already set up."""
    return TOTP.activate(user, SEED).instance


def post_code(client: Client, value: str) -> Any:
    return client.post(reverse("mfa_authenticate"), {"code": value})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def actions(*names: str) -> list[str]:
    """The audit trail's actions in order, all or only those named."""
    from coordinator.audit.models import AuditEvent

    found = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    return [name for name in found if not names or name in names]
