"""What every view of the API shares: read strictly, answer with a version, keep nothing in caches."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from coordinator.api.fields import Filters
from coordinator.api.matching import etag, locked
from coordinator.api.paging import KeysetPagination


class ApiView(APIView):
    """A doorway of the API. Subclasses name `access_rule` ("api:patients") and `resource` (its scopes)."""

    access_rule = "api:"
    resource = ""
    reads: tuple[
        str, ...
    ] = ()  # unsafe methods that only read, such as a search whose words must not be in an address
    filters: type[Filters] | None = None
    wanted: frozenset[int] | None = None  # versions of If-Match; set by @conditional

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.filters is None and request.query_params:
            raise ValidationError({name: [_("There is no such filter.")] for name in request.query_params})

    def query(self) -> dict[str, Any]:
        """The filters that were given, checked. Unknown ones are refused by name."""
        assert self.filters is not None
        return self.filters.read(self.request)

    def body(self, serializer: type[Serializer], **kwargs: Any) -> dict[str, Any]:
        """The body, checked against a Strict serializer."""
        given = serializer(data=self.request.data, context={"request": self.request}, **kwargs)
        given.is_valid(raise_exception=True)
        return given.validated_data

    def locked(self, queryset: QuerySet[Any], pk: Any) -> Any:
        """The record of a @conditional call: visible, locked, and as the client saw it."""
        return locked(queryset, pk, self.wanted)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class ListView(ApiView):
    """Pages of rows. Subclasses give `visible()` (what the client may see) and `rows()` (filtered, as values)."""

    pagination_class = KeysetPagination
    filters = Filters
    ordering: tuple[str, ...] = ("-id",)
    lookups: dict[str, str] = {}  # filter -> the ORM's look-up; the only ones that a query can reach

    def visible(self, request: Any) -> QuerySet[Any]:
        raise AssertionError("every list says what is visible")

    def rows(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        raise AssertionError("every list says what a row is")

    def narrowed(self, visible: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        """The rows that fit the filters that `lookups` names."""
        for name, lookup in self.lookups.items():
            if name in given:
                visible = visible.filter(**{lookup: given[name]})
        return visible

    def listed(self) -> Response:
        given = self.query()
        pages = self.pagination_class()
        page = pages.paginate_queryset(self.rows(self.visible(self.request), given), self.request, self)
        return pages.get_paginated_response(page)


def versioned(data: dict[str, Any], status: int = 200, location: str = "") -> Response:
    """A record with its ETag, and where it is when it is new."""
    response = Response(data, status=status)
    response["ETag"] = etag(data["version"])
    if location:
        response["Location"] = location
    return response
