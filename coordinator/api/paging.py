"""Pages by key: nothing is counted, and rows that arrive meanwhile neither shift nor double a page."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.core.exceptions import ValidationError as Unfit
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

DEFAULT, MOST = 50, 200


class KeysetPagination(BasePagination):
    """`limit` and `cursor`. The cursor is the key of the last row and nothing else.

    DRF's own CursorPagination writes the value it sorts by into the address; that may be about a patient. Here the
    row is looked up again instead, among those the client may see. Views name `ordering`, the last part unique.
    """

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        self.request, self.limit = request, read_limit(request)
        ordering = view.ordering
        cursor = request.query_params.get("cursor")
        page = queryset.order_by(*ordering)
        if cursor is not None:
            page = page.filter(after(view.visible(request), ordering, read_cursor(cursor, queryset)))
        rows = list(page[: self.limit + 1])
        self.last = rows[self.limit - 1]["id"] if len(rows) > self.limit else None
        return rows[: self.limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next_link()})

    def next_link(self) -> str | None:
        if self.last is None:
            return None
        here = self.request.build_absolute_uri()
        return replace_query_param(here, "cursor", make_cursor(self.last))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {
                    "type": "string",
                    "format": "uri",
                    "nullable": True,
                    "description": "Address of the next page; null on the last one.",
                },
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT}
        return [
            {"name": "limit", "in": "query", "schema": limit, "description": "Rows on a page."},
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string"},
                "description": "From `next` of the page before; not made by hand.",
            },
        ]


def read_limit(request: Any) -> int:
    text = request.query_params.get("limit", str(DEFAULT))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST):
        raise ValidationError({"limit": _("A whole number from 1 to %(most)d.") % {"most": MOST}})
    return int(text)


def make_cursor(key: Any) -> str:
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def read_cursor(cursor: str, queryset: QuerySet[Any]) -> Any:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode(
            "ascii"
        )
        return queryset.model._meta.pk.to_python(text)  # type: ignore[union-attr]
    except (binascii.Error, ValueError, Unfit):
        raise bad_cursor() from None


def bad_cursor() -> ValidationError:
    return ValidationError({"cursor": _("Take the cursor from `next` of the page before.")})


def after(visible: QuerySet[Any], ordering: tuple[str, ...], key: Any) -> Q:
    """The rows that come after the row with this key. Columns that may be empty must ascend: empty comes last."""
    names = [part.lstrip("-") for part in ordering]
    if len(names) == 1:
        return Q(**{f"{names[0]}__{'lt' if ordering[0].startswith('-') else 'gt'}": key})
    values = visible.filter(pk=key).values_list(*names).first()
    if values is None:
        raise bad_cursor()
    found, same = Q(), Q()
    for part, name, value in zip(ordering, names, values, strict=True):
        if value is None:
            same &= Q(**{f"{name}__isnull": True})
            continue
        beyond = Q(**{f"{name}__{'lt' if part.startswith('-') else 'gt'}": value})
        if visible.model._meta.get_field(name).null:
            beyond |= Q(**{f"{name}__isnull": True})
        found |= same & beyond
        same &= Q(**{name: value})
    return found
