"""Messages after an action, with Undo instead of "Are you sure?".

`toast()` is called by a view after its service. The text is kept in the session until it is shown: by the
next full page, or added to the htmx answer by `ToastMiddleware`, so no view has to remember it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from coordinator.http import page_in_view

TONES = {"success": "ok", "warning": "warn", "error": "danger"}


def toast(request: HttpRequest, text: str, *, undo: str = "", back: str = "", tone: str = "success") -> None:
    """Say `text` after this request. `undo` is the path that takes the action back by POST; `back` is the page
    to return to from there (by default the one in view). `tone`: success, info, warning or error.
    """
    tags = json.dumps({"undo": undo, "next": back or page_in_view(request)}) if undo else ""
    messages.add_message(request, getattr(messages, tone.upper()), text, extra_tags=tags)


def parts(message: Message) -> dict[str, Any]:
    """What components/toast.html needs from one message."""
    extra = message.extra_tags or ""
    undo = json.loads(extra) if extra.startswith("{") else {}
    return {"text": message.message, "tone": TONES.get(message.level_tag, "ok"), **undo}


def render_toasts(request: HttpRequest) -> SafeString:
    """Every waiting message as HTML; taking them is what marks them as shown."""
    return mark_safe(  # noqa: S308 - each part comes from the template engine, which escapes
        "".join(
            render_to_string("components/toast.html", parts(message), request)
            for message in messages.get_messages(request)
        )
    )


class ToastMiddleware:
    """Adds waiting messages to htmx answers as an out-of-band part. Place it after MessageMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and self._takes_toasts(request, response):
            waiting = render_toasts(request)
            if waiting:
                response.content += f'<div id="toasts" hx-swap-oob="innerHTML">{waiting}</div>'.encode()
        return response

    @staticmethod
    def _takes_toasts(request: HttpRequest, response: HttpResponse) -> bool:
        leaves = any(name in response for name in ("HX-Redirect", "HX-Location", "HX-Refresh"))
        html = response.get("Content-Type", "").startswith("text/html")
        shown = response.status_code in (200, 201, 409, 422)
        background = request.headers.get("X-Background") == "1"
        return bool(request.headers.get("HX-Request")) and shown and html and not leaves and not background
