"""Limits of a session, the second factor, and how a person likes pages: checked on every request."""

from __future__ import annotations

import re
import time
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import timezone, translation

from coordinator.accounts.adapters import ENDED_COOKIE
from coordinator.audit.services import request_id
from coordinator.http import access_rule_of

Handler = Callable[[HttpRequest], HttpResponseBase]
# Idle time is written at most this often, so that a page costs one session write a minute, not one each.
TOUCH_EVERY_SECONDS = 30


class SessionLimitMiddleware:
    """Idle 15 minutes, absolute 12 hours, kept on the server. Background requests never extend and are
    never exempt (OpenEMR's CVE-2026-25476 was exactly such an exemption)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = re.sub(r"[^\w-]", "", request.headers.get("X-Request-ID", ""))[:36]
        token = request_id.set(given or str(uuid.uuid4()))
        try:
            ended = self._check(request) if request.user.is_authenticated else ""
            response = self.get_response(request)
            if ended:
                self._say_why(response, ended)
            return response
        finally:
            request_id.reset(token)

    def _check(self, request: HttpRequest) -> str:
        """End the session when it is over, and say why; otherwise note that somebody is at work."""
        now = time.time()
        session = request.session
        started = session.setdefault("started_at", now)
        seen = session.setdefault("seen_at", now)
        ended = ""
        if now - seen > settings.SESSION_IDLE_SECONDS:
            ended = "idle"
        elif now - started > settings.SESSION_ABSOLUTE_SECONDS:
            ended = "absolute"
        if ended:
            request.signed_out_because = ended  # type: ignore[attr-defined]
            logout(request)
        elif now - seen > TOUCH_EVERY_SECONDS and request.headers.get("X-Background") != "1":
            session["seen_at"] = now
        return ended

    @staticmethod
    def _say_why(response: Any, ended: str) -> None:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(
            ENDED_COOKIE, ended, max_age=600, path="/accounts/", secure=secure, httponly=True, samesite="Lax"
        )


class PreferencesMiddleware:
    """The person's language and their site's time zone, for this request."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        language = user.language if user.is_authenticated else translation.get_language_from_request(request)
        zone = self._zone(request)
        with translation.override(language), timezone.override(zone):
            response = self.get_response(request)
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response = response.render()
        response.headers.setdefault("Content-Language", language)
        return response

    def _zone(self, request: HttpRequest) -> zoneinfo.ZoneInfo | None:
        if not request.user.is_authenticated:
            return None
        name = request.session.get("zone")
        if not name:
            name = str(request.user.zone)
            request.session["zone"] = name
        return zoneinfo.ZoneInfo(name)


class SecondFactorMiddleware:
    """Every member of staff has a second factor; until it is set up, only its set-up pages answer.

    What answers is decided by the name of the resolved route, never by the text of the address.
    """

    SET_UP = frozenset(
        {
            "mfa_activate_totp",
            "mfa_view_recovery_codes",
            "mfa_download_recovery_codes",
            "mfa_reauthenticate",
            "account_reauthenticate",
            "account_login",
            "account_logout",
            "healthz",
            "readyz",
        }
    )

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # The frame of a 404 page looks at this, too: it names nobody and counts nothing until then.
        request.second_factor_missing = self._is_missing(request)  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if not request.second_factor_missing:  # type: ignore[attr-defined]
            return None
        # The API knows its clients by token and never looks at a session.
        match = request.resolver_match
        if (match and match.view_name in self.SET_UP) or (access_rule_of(view) or "").startswith("api:"):
            return None
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=403)
            response["HX-Redirect"] = reverse("mfa_activate_totp")
            return response
        return redirect("mfa_activate_totp")

    @staticmethod
    def _is_missing(request: HttpRequest) -> bool:
        if not settings.SECOND_FACTOR_REQUIRED or not request.user.is_authenticated:
            return False
        if request.session.get("second_factor_ok"):
            return False
        if is_mfa_enabled(request.user, [Authenticator.Type.TOTP]):
            request.session["second_factor_ok"] = True
            return False
        return True
