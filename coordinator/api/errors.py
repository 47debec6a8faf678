"""Every refusal of the API: {"detail": a sentence, "code": for programs, and what helps to go on}.

Bad input is never a 500: what validation missed and PostgreSQL refused is answered as 400.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as Unfit
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, models
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions as rest
from rest_framework.response import Response

from coordinator.api.matching import Stale, etag
from coordinator.audit import services as audit
from coordinator.db import EXCLUSION, LOCK_TIMEOUT, UNIQUE, Conflict, sqlstate
from coordinator.workflow import NotAllowed

log = logging.getLogger(__name__)
RETRY_SECONDS = "5"
# What forms call a field and the API calls otherwise.
NAMES = {
    "again_at": "next_attempt_at",
    "files": "file",
    "due_on": "due_at",
    "last_day": "ends_at",
    "__all__": "",
    "non_field_errors": "",
}
# What of a Conflict's facts helps a client to go on; the rest is for our own pages.
SHOWN = frozenset(
    {"kind", "needs_reason", "taken_at", "conflicts", "next_free", "similar", "version", "delivery"}
)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's hook. None: not a refusal, so it is a fault of ours and answers 500."""
    response = _answer(error)
    if response is None:
        return None
    request = context.get("request")
    if response.status_code in (403, 404) and getattr(request, "auth", None) is not None:
        _audit(request, response.status_code, context)
    return response


def refusal(status: int, detail: Any, code: str, **extra: Any) -> Response:
    return Response({"detail": str(detail), "code": code, **extra}, status=status)


def _answer(error: Exception) -> Response | None:
    if isinstance(error, Stale):
        response = refusal(412, error.detail, "stale", version=error.version)
        response["ETag"] = etag(error.version)
        return response
    if isinstance(error, NotAllowed):
        return refusal(409, error, "not_allowed")
    if isinstance(error, Conflict):
        return refusal(409, error, "conflict", **shown(error.extra))
    if isinstance(error, Unfit):
        return _invalid(_messages(error))
    if isinstance(error, rest.ValidationError):
        return _invalid(dict(_flat(error.detail)))
    if isinstance(error, (Http404, rest.NotFound, ObjectDoesNotExist)):
        return refusal(404, _("There is nothing here, or it is not yours to see."), "not_found")
    if isinstance(error, (PermissionDenied, rest.PermissionDenied)):
        return refusal(403, error if str(error) else _("You may not do this."), "forbidden")
    if isinstance(error, rest.APIException):
        return _rest(error)
    if isinstance(error, RequestDataTooBig):
        return refusal(413, _("The body is too large."), "too_large")
    return _database(error) if isinstance(error, (DatabaseError, InterfaceError)) else None


def _rest(error: rest.APIException) -> Response:
    code = {"parse_error": "malformed"}.get(error.default_code, error.default_code)
    response = refusal(error.status_code, error.detail, code)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def _database(error: Exception) -> Response | None:
    state = sqlstate(error)
    if state == LOCK_TIMEOUT:
        return refusal(409, _("Somebody is saving the same record. Please try again."), "busy")
    if state in (UNIQUE, EXCLUSION):
        return refusal(409, _("Someone else saved this first. Nothing was changed."), "conflict")
    if isinstance(error, (OperationalError, InterfaceError)):
        text = _("The database did not answer in time. Nothing was saved.")
        response = refusal(503, text, "unavailable")
        response["Retry-After"] = RETRY_SECONDS
        return response
    if isinstance(error, (DataError, IntegrityError)):
        log.warning("PostgreSQL refused input that validation let through: SQLSTATE %s", state)
        return refusal(400, _("The values do not fit together or are out of range."), "invalid", fields={})
    return None


def _invalid(problems: Mapping[str, list[str]]) -> Response:
    """400: `fields` says what is wrong where; the sentence is the problem itself when it belongs to no field."""
    fields = {name: texts for name, texts in problems.items() if name}
    general = problems.get("") or [_("Please correct: %(fields)s.") % {"fields": ", ".join(fields)}]
    return refusal(400, " ".join(general), "invalid", fields=fields)


def _messages(error: Unfit) -> dict[str, list[str]]:
    if not hasattr(error, "error_dict"):
        return {"": error.messages}
    return {_name(field): texts for field, texts in error.message_dict.items()}


def _name(field: str) -> str:
    return NAMES.get(field, field.removesuffix("_id"))


def _flat(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Nested problems by dotted path: {"contact_points.0.value": ["..."]}."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = NAMES.get(str(name), str(name))
            yield from _flat(inner, f"{path}.{own}".strip("."))
    elif isinstance(detail, list) and any(isinstance(inner, (dict, list)) for inner in detail):
        for number, inner in enumerate(detail):
            yield from _flat(inner, f"{path}.{number}".strip("."))
    elif detail:
        yield path, [str(text) for text in (detail if isinstance(detail, list) else [detail])]


def shown(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What a Conflict carries, as plain data with the API's names (`practitioner` for `practitioner_id`)."""
    return {name: _plain(value) for name, value in extra.items() if name in SHOWN}


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, Mapping):
        return {_key(name, value): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    return value


def _key(name: str, within: Mapping[str, Any]) -> str:
    if name.endswith("_id"):
        return name.removesuffix("_id")
    return f"{name}_name" if f"{name}_id" in within else name


def _audit(request: Any, status: int, context: dict[str, Any]) -> None:
    """What a client was refused, by route and key: guessing shows up in the trail."""
    match = request.resolver_match
    audit.record(
        by=request.user,
        action="refused",
        entity="route",
        entity_id=(context.get("kwargs") or {}).get("pk", ""),
        details={"status": status, "route": match.route if match else ""},
    )
