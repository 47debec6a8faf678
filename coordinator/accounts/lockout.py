"""Ten judged guesses per account in 15 minutes, counted in PostgreSQL, without locking its owner out.

Guesses from browsers that never signed in to an account share one count, wherever they come from. A browser
that has signed in before carries a signed mark and has a count of its own, so somebody who guesses at a
colleague's account cannot keep the colleague out. Unknown addresses are counted in the same way, which is
why the answer says nothing about who exists.
"""

from __future__ import annotations

import contextlib
import secrets
import zlib
from collections.abc import Iterator
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from coordinator.http import refuse

COOKIE, SALT = "known_browser", "coordinator.accounts.lockout"
KEPT_FOR = 180 * 24 * 3600  # seconds
ACCOUNTS_PER_BROWSER = 10  # a shared desk; the oldest is forgotten
SIGN_IN_LOCK = 101  # first key of our advisory locks; coordinator.db uses 1 to 4


def bucket(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The name that guesses are counted under: the address, plus the browser's mark when it is known."""
    given = credentials or {}
    address = str(given.get("email") or given.get("login") or "").strip().lower()[:230]
    mark = _marks(request).get(_account(address))
    return f"{address}#{mark}" if mark else address


@contextlib.contextmanager
def one_guess_at_a_time(request: HttpRequest, credentials: dict[str, Any]) -> Iterator[None]:
    """Guesses at one account wait for each other, so that twenty at once are not all judged as the first."""
    with transaction.atomic(), connection.cursor() as cursor:
        key = zlib.crc32(bucket(request, credentials).encode()) - 2**31
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [SIGN_IN_LOCK, key])
        yield


def client_ip(request: HttpRequest) -> str | None:
    """The caller's address, behind a proxy the one it forwards (settings.ALLAUTH_TRUSTED_PROXY_COUNT).

    None over a Unix socket without a proxy's word.
    """
    try:
        return get_adapter(request).get_client_ip(request)
    except PermissionDenied:
        return None


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """What somebody sees after too many wrong passwords."""
    return refuse(request, 429, _("Too many wrong attempts. Wait 15 minutes, then try again."))


def remember_browser(request: HttpRequest, response: HttpResponse, user: Any) -> None:
    """Mark this browser as one that has signed in to this account."""
    marks = {**_marks(request)}
    account = _account(user.email)
    mark = marks.pop(account, None) or secrets.token_hex(6)
    recent = dict(list(marks.items())[-(ACCOUNTS_PER_BROWSER - 1) :]) | {account: mark}
    response.set_cookie(
        COOKIE,
        signing.dumps(recent, salt=SALT),
        max_age=KEPT_FOR,
        path="/accounts/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _account(address: str) -> str:
    return salted_hmac(SALT, address.lower(), algorithm="sha256").hexdigest()[:16]


def _marks(request: HttpRequest) -> dict[str, str]:
    try:
        return signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=KEPT_FOR)
    except signing.BadSignature:
        return {}
