"""If-Match: nobody overwrites what they have not seen. A record's version is its ETag."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import models, transaction
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from coordinator.db import lock

M = TypeVar("M", bound=models.Model)
ETAG = re.compile(r'\s*"(\d{1,9})"\s*')


class MatchMissing(APIException):
    status_code = 428
    default_code = "if_match_required"


class Stale(APIException):
    """The record has another version by now; the answer says which."""

    status_code = 412
    default_code = "stale"

    def __init__(self, version: int) -> None:
        super().__init__(_("Somebody changed this since you read it. Read it again, then decide."))
        self.version = version


def etag(version: int) -> str:
    return f'"{version}"'


def conditional(handler: Callable[..., Any]) -> Callable[..., Any]:
    """For handlers that change one record: one transaction, in which `self.locked()` insists on If-Match."""

    @functools.wraps(handler)
    def matching(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        view.wanted = read_if_match(request.headers.get("If-Match", ""))
        with transaction.atomic():
            return handler(view, request, *args, **kwargs)

    matching.conditional = True  # type: ignore[attr-defined]
    return matching


def read_if_match(header: str) -> frozenset[int] | None:
    """The versions the client accepts; None when it does not say. `*` says nothing: it would overwrite unseen."""
    if not header.strip() or header.strip() == "*":
        return None
    tags = [ETAG.fullmatch(tag) for tag in header.split(",")]
    return frozenset(int(tag[1]) for tag in tags if tag)


def locked(queryset: models.QuerySet[M], pk: Any, wanted: frozenset[int] | None) -> M:
    """The row, locked until the transaction ends, in one of the wanted versions.

    Raises Http404 first (what is not there needs no version), then MatchMissing, then Stale.
    """
    try:
        record = lock(queryset, pk)
    except queryset.model.DoesNotExist:
        raise Http404 from None
    if wanted is None:
        raise MatchMissing(_("Send If-Match with the ETag of the record as you read it."))
    if record.version not in wanted:  # type: ignore[attr-defined]
        raise Stale(record.version)  # type: ignore[attr-defined]
    return record
