"""Marks in the trail what somebody does under an emergency access, for the requests of the session that opened it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from coordinator.audit.services import open_access

KEY = "open_access"  # in the session: patient's key -> [grant's key, when it expires (UTC)]


def mark(request: HttpRequest, *, patient_id: Any, grant_id: Any, expires_at: datetime) -> None:
    """From the next request on, events about this patient carry the grant."""
    marks = request.session.get(KEY, {})
    request.session[KEY] = marks | {str(patient_id): [str(grant_id), expires_at.isoformat()]}


def is_marked(request: HttpRequest, patient_id: Any, now: datetime) -> bool:
    """Whether this session holds an open access to the patient already."""
    _grant, until = request.session.get(KEY, {}).get(str(patient_id), ("", ""))
    return bool(until) and datetime.fromisoformat(until) > now


def unmark(request: HttpRequest, patient_id: Any) -> None:
    marks = request.session.get(KEY, {})
    if marks.pop(str(patient_id), None):
        request.session[KEY] = marks


class AccessMarkMiddleware:
    """Place it after the session's end was checked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        marks, now = request.session.get(KEY, {}), timezone.now()
        held = {
            patient: grant for patient, (grant, until) in marks.items() if datetime.fromisoformat(until) > now
        }
        token = open_access.set(held)
        try:
            return self.get_response(request)
        finally:
            open_access.reset(token)
