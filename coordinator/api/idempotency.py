"""Idempotency-Key: a call that is sent again does nothing again, and gets the first answer.

The answer is stored in the transaction of its effect, so there is never one without the other. Refusals are not stored:
the same call may succeed later.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from coordinator.api.models import IdempotencyKey
from coordinator.db import LOCK_TIMEOUT, Conflict, retry_deadlocks, sqlstate

LONGEST = 100
KEPT_HEADERS = ("ETag", "Location")


class KeyReused(APIException):
    status_code = 422
    default_code = "idempotency_key_reused"


def once(handler: Callable[..., Response]) -> Callable[..., Response]:
    """For every handler that writes: with an Idempotency-Key it takes effect once, however often it is sent."""
    plain = retry_deadlocks(handler)
    keyed = retry_deadlocks(_keeping(handler))

    @functools.wraps(handler)
    def writing(view: Any, request: Any, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return plain(view, request, *args, **kwargs)
        return keyed(view, request, _checked(key), _digest(request), *args, **kwargs)

    writing.idempotent = True  # type: ignore[attr-defined]
    return writing


def _keeping(handler: Callable[..., Response]) -> Callable[..., Response]:
    @transaction.atomic
    def keeping(view: Any, request: Any, key: str, digest: str, *args: Any, **kwargs: Any) -> Response:
        claimed = _claim(request.auth, key, digest)
        if claimed is None:
            return _replay(request.auth, key, digest)
        response = handler(view, request, *args, **kwargs)
        _keep(claimed, response)
        return response

    return keeping


def _checked(key: str) -> str:
    if not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        text = _("1 to %(most)d printable ASCII characters, for example a UUID.") % {"most": LONGEST}
        raise ValidationError({"Idempotency-Key": text})
    return key


def _digest(request: Any) -> str:
    """What makes two calls the same. The client's sites belong to it: an answer is not replayed to one who lost a site."""
    http = request._request
    sites = sorted(str(site) for site in request.user.site_ids)
    head = json.dumps([http.method, http.get_full_path(), sites], cls=DjangoJSONEncoder).encode()
    return hashlib.sha256(head + (_form(request) if _is_form(http) else http.body)).hexdigest()


def _is_form(http: Any) -> bool:
    return (http.content_type or "").startswith("multipart/")


def _form(request: Any) -> bytes:
    """A form with files: what its fields hold, and a hash of each file. Its boundary differs from call to call."""
    digest = hashlib.sha256()
    for name, values in sorted(request.data.lists()):
        for value in values:
            parts = value.chunks() if hasattr(value, "chunks") else [str(value).encode("utf-8", "replace")]
            inner = hashlib.sha256()
            for part in parts:
                inner.update(part)
            digest.update(name.encode("utf-8", "replace") + b"\x00" + inner.digest())
    return digest.digest()


def _claim(client: Any, key: str, digest: str) -> int | None:
    """The new row's id, or None when the answer is there already. Waits for a call that is still at work."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into api_idempotencykey (client_id, key, request_hash, headers, created_at)"
                " values (%s, %s, %s, '{}', %s) on conflict do nothing returning id",
                [client.pk, key, digest, timezone.now()],
            )
            row = cursor.fetchone()
    except OperationalError as error:
        if sqlstate(error) != LOCK_TIMEOUT:
            raise
        raise Conflict(_("The first call with this key is still at work. Try again in a moment.")) from error
    return row[0] if row else None


def _keep(claimed: int, response: Response) -> None:
    body = (JSONRenderer().render(response.data) or b"null").decode()
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    with connection.cursor() as cursor:
        cursor.execute(
            "update api_idempotencykey set status = %s, body = %s, headers = %s where id = %s",
            [response.status_code, body, json.dumps(headers), claimed],
        )


def _replay(client: Any, key: str, digest: str) -> Response:
    kept = IdempotencyKey.objects.get(client=client, key=key)
    if kept.request_hash != digest:
        raise KeyReused(_("This Idempotency-Key was used for another call. Use a new key for a new call."))
    headers = {**kept.headers, "Idempotency-Replayed": "true"}
    return Response(kept.body, status=kept.status, headers=headers)
