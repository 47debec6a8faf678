"""Limits of a session, the second factor, and how a person likes pages: checked on every request."""

from __future__ import annotations

import time
import uuid
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone, translation

from coordinator.audit.services import request_id

Handler = Callable[[HttpRequest], HttpResponseBase]
# Idle time is written at most this often, so that a page costs one session write a minute, not one each.
TOUCH_EVERY_SECONDS = 30


class SessionLimitMiddleware:
    """Idle 15 minutes, absolute 12 hours, kept on the server. Background requests never extend and are
    never exempt (OpenEMR's CVE-2026-25476 was exactly such an exemption)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = request_id.set(request.headers.get("X-Request-ID", "")[:36] or str(uuid.uuid4()))
        try:
            if request.user.is_authenticated:
                self._check(request)
            return self.get_response(request)
        finally:
            request_id.reset(token)

    def _check(self, request: HttpRequest) -> None:
        now = time.time()
        session = request.session
        started = session.setdefault("started_at", now)
        seen = session.setdefault("seen_at", now)
        if now - seen > settings.SESSION_IDLE_SECONDS or now - started > settings.SESSION_ABSOLUTE_SECONDS:
            logout(request)
            request.session["signed_out_because"] = (
                "idle" if now - seen > settings.SESSION_IDLE_SECONDS else "absolute"
            )
        elif now - seen > TOUCH_EVERY_SECONDS and request.headers.get("X-Background") != "1":
            session["seen_at"] = now


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
            if hasattr(response, "render") and callable(response.render) and not response.is_rendered:
                response = response.render()
        response.headers.setdefault("Content-Language", language)
        return response

    def _zone(self, request: HttpRequest) -> zoneinfo.ZoneInfo | None:
        if not request.user.is_authenticated:
            return None
        name = request.session.get("zone")
        if not name:
            name = str(request.user.zone)  # type: ignore[union-attr]
            request.session["zone"] = name
        return zoneinfo.ZoneInfo(name)


class SecondFactorMiddleware:
    """Every member of staff has a second factor; until it is set up, only its set-up pages answer."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SECOND_FACTOR_REQUIRED and request.user.is_authenticated and not self._exempt(request):
            from allauth.mfa.utils import is_mfa_enabled

            if not request.session.get("second_factor_ok"):
                if not is_mfa_enabled(request.user):
                    return redirect("mfa_activate_totp")
                request.session["second_factor_ok"] = True
        return self.get_response(request)

    @staticmethod
    def _exempt(request: HttpRequest) -> bool:
        allowed = (
            "/accounts/2fa/",
            "/accounts/logout/",
            "/accounts/reauthenticate/",
            "/static/",
            "/api/",
            "/healthz",
        )
        return request.path.startswith(allowed)
